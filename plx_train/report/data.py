"""What a report is made of: plain values, which anybody can fill in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plx_train.metrics.direction import LOWER, better_of


@dataclass(frozen=True)
class MetricChange:
    """A validation metric before and after training; the report's headline is the first one."""

    name: str
    before: float | None
    after: float | None
    setting: str = ""
    """What both were measured at: ``official settings``, ``calibrated``."""
    is_error: bool = False
    """Less of it is better."""

    @property
    def is_gain(self) -> bool:
        """Whether training made it no worse."""
        if self.before is None or self.after is None:
            return False
        return self.after <= self.before if self.is_error else self.after >= self.before

    @property
    def is_share(self) -> bool:
        """Whether it can be drawn as a part of 1."""
        return self.after is not None and not self.is_error and 0 <= self.after <= 1


@dataclass(frozen=True)
class ChartSeries:
    """A line of a chart; series of one group share a chart."""

    name: str
    steps: tuple[float, ...]
    values: tuple[float, ...]
    group: str
    """Title of the chart."""
    is_noisy: bool = False
    """Draw a running mean over the faint raw values."""
    is_sparse: bool = False
    """Mark every point: few values, each measured with care."""
    variant_of: str | None = None
    """Name of another series of the group; this one is drawn dashed in that one's colour."""
    is_error: bool = False
    """Less of it is better: its best point is the lowest."""


@dataclass(frozen=True)
class PrecisionRecall:
    """A precision-recall curve."""

    name: str
    points: tuple[tuple[float, float], ...]
    """(recall, precision), 0 to 1."""
    chosen: tuple[float, float] | None = None
    """(recall, precision) at the settings in use."""


@dataclass(frozen=True)
class Picture:
    """An image to embed."""

    caption: str
    path: Path


@dataclass(frozen=True)
class ConfigRow:
    """One leaf of the configuration."""

    key: str
    value: str
    default: str | None
    """None: the key is not among the defaults."""

    @property
    def is_changed(self) -> bool:
        """Whether the run departs from the default."""
        return self.value != self.default


@dataclass(frozen=True)
class Command:
    """A command to copy."""

    purpose: str
    text: str


@dataclass(frozen=True)
class PoolSection:
    """What a pool of unlabelled samples brought."""

    stages: tuple[tuple[str, float], ...]
    """The monitored metric with labels alone, and after each use of the pool."""
    facts: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[tuple[str, int, int], ...] = ()
    """Name of each class, the labelled samples that show it, and the trusted ones of the pool."""
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class ReportData:
    """All a report shows; a section without data is left out."""

    title: str
    """What was trained on what: ``text_det on pages``."""
    status: str = "FINISHED"
    seconds: float | None = None
    """Duration of the run."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Short facts under the title: device, date, run id …"""
    metrics: tuple[MetricChange, ...] = ()
    baselines: Mapping[str, float] = field(default_factory=dict)
    """Metrics that need no training, by ``<baseline>_<metric>``."""
    notes: tuple[str, ...] = ()
    """Warnings and remarks of the run."""
    series: tuple[ChartSeries, ...] = ()
    precision_recall: tuple[PrecisionRecall, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds by part of the run: data, compute, log, evaluate …"""
    overlays: tuple[Picture, ...] = ()
    """The worst validation samples, worst first."""
    pool: PoolSection | None = None
    overlay_legend: str = ""
    """What the colours in the overlays mean."""
    check: Mapping[str, Any] | None = None
    """`CheckReport.to_json()`."""
    check_pictures: tuple[Picture, ...] = ()
    weights: str | None = None
    """Where the weights came from and how much of the network they cover."""
    parity: Mapping[str, Any] | None = None
    """The export's parity report: ``ok``, ``sentence`` and figures."""
    config: tuple[ConfigRow, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[Command, ...] = ()


def config_rows(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> tuple[ConfigRow, ...]:
    """Rows of a flat configuration, in its order."""
    return tuple(
        ConfigRow(key, config_text(value), config_text(defaults[key]) if key in defaults else None)
        for key, value in values.items()
    )


def config_text(value: Any) -> str:
    """A configuration value as users write it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def metric_series(metrics: Mapping[str, list[tuple[int, float]]], errors: Collection[str]) -> tuple[ChartSeries, ...]:
    """Series from what a run logged, as `tracking.read_metrics` gives it.

    The loss with its parts, validation metrics and learning rates each share a chart. Of values logged twice
    for a step the later one counts; a part that is the whole loss is left out. `errors` are the metric's own.
    """
    found: list[ChartSeries] = []
    for name in sorted(metrics, key=_chart_rank):
        points = sorted(dict(metrics[name]).items())
        kind, _, label = name.partition("/")
        if not points or kind not in ("train", "val") or label == "epoch":
            continue
        steps, values = zip(*points, strict=True)
        series = _placed(kind, label, steps, values, errors)
        if not any((one.group, one.values) == (series.group, values) and kind == "train" for one in found):
            found.append(series)
    return tuple(found)


def _placed(
    kind: str, label: str, steps: tuple[int, ...], values: tuple[float, ...], errors: Collection[str]
) -> ChartSeries:
    if kind == "val":
        base = label.removesuffix("_official").removeprefix("student_")
        kind = "official" if label.endswith("_official") else "student"
        name, variant_of = (label, None) if base == label else (f"{base}, {kind}", base)
        is_error = better_of(base, errors) == LOWER
        return ChartSeries(name, steps, values, "Validation", is_sparse=True, variant_of=variant_of, is_error=is_error)
    if label.startswith("lr"):
        return ChartSeries(label, steps, values, "Learning rate")
    if label == "gradient_norm":
        return ChartSeries("Gradient norm", steps, values, "Gradient norm", is_noisy=True)
    return ChartSeries(label.removeprefix("loss_"), steps, values, "Training loss", is_noisy=True)


def _chart_rank(name: str) -> int:
    """The loss first, then its parts, validation, learning rates, the rest."""
    if name.startswith("train/") and not name.startswith(("train/lr", "train/gradient_norm")):
        return 0 if name == "train/loss" else 1
    return 2 if name.startswith("val/") else 3 if name.startswith("train/lr") else 4
