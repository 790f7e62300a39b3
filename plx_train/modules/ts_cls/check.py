"""Checks a dataset of labelled series, and finds in it what a run needs to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.check import Checked, CheckReport, Finding
from plx_train.ground.errors import ConfigError
from plx_train.ground.files import user_path
from plx_train.modules.ts_cls.classes import balanced_weights, class_findings, class_names, one_of_each, twin_findings
from plx_train.modules.ts_cls.config import ROCKET, FittedOptions
from plx_train.modules.ts_cls.processor import TsClsProcessor, filled, from_inference
from plx_train.modules.ts_cls.rocket import LENGTHS
from plx_train.modules.ts_cls.standardisation import find_scaling
from plx_train.series.frame import Series
from plx_train.series.leakage import leakage_findings
from plx_train.series.plot import draw_series, shown_times
from plx_train.series.roles import Roles
from plx_train.series.scale import Scaler
from plx_train.series.splits import ReadSplit, fingerprint_of, read_split, roles_of
from plx_train.series.statistics import series_statistics
from plx_train.series.trained import trained_processor
from plx_train.vision.image import write_image

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.ts_cls.config import TsClsConfig

NUM_PERIODS = 3
NUM_PICTURES = 12
MAX_SERIES = 500
"""In which periods are looked for, spread evenly."""
MUCH_SHORTER = 0.1
"""Share of the length below which a series is hardly more than filling."""

MUCH_LARGER = 1000
"""Times that large series vary as much as small ones before it is told."""


@dataclass(frozen=True)
class CheckedSeries(Checked):
    """The report, and the series of known classes per split."""

    def first(self, samples: Sequence[Series], limit: int | None) -> list[Series]:
        """`limit` series in the file's order, of as many classes as can be; files often stand class by class."""
        if limit is None or limit >= len(samples):
            return list(samples)
        chosen = {id(one) for one in one_of_each(samples, limit)}
        return [one for one in samples if id(one) in chosen]

    def hold_out(self, train: list[Series], share: float, seed: int) -> tuple[list[Series], list[Series]]:
        """Series to train on and those held out, the same share of each class; one of each is always trained on."""
        rng = np.random.default_rng(seed)
        held: set[int] = set()
        for name in class_names(train):
            places = np.flatnonzero([one.label == name for one in train])
            held.update(rng.permutation(places)[: min(round(share * len(places)), len(places) - 1)].tolist())
        kept = [one for place, one in enumerate(train) if place not in held]
        return kept, [train[place] for place in sorted(held)]


def resolve(dataset: DatasetOptions, module: TsClsConfig, weights: str | None, is_trained: bool) -> TsClsConfig:
    """The module's options with what its series say, or, of a finished model, what they said.

    Raises:
        UserError: an option does not fit, or there are no series to look at.
    """
    if is_trained and weights is not None:
        return _as_trained(module, trained_processor(Path(weights), TsClsProcessor, from_inference))
    splits = _read(dataset)
    if not splits["train"].series:
        # What is wrong is told by the check.
        return module
    return replace(module, fitted=_fit(splits, module))


def _roles(dataset: DatasetOptions) -> Roles:
    given = dataset.columns
    if given.past_covariates or given.future_covariates or given.static_covariates:
        raise ConfigError("classification takes no covariates: name all channels in dataset.columns.targets")
    roles = roles_of(dataset)
    is_there = (user_path(dataset.root) / dataset.train).is_file()
    if roles.label is None and is_there:
        raise ConfigError(
            f"no column of {dataset.train} is named label: name the one that holds the classes by dataset.columns.label"
        )
    return roles


def _read(dataset: DatasetOptions) -> dict[str, ReadSplit]:
    train = read_split(dataset, dataset.train, _roles(dataset))
    return {"train": train, "val": read_split(dataset, dataset.val, train.roles)}


def _fit(splits: dict[str, ReadSplit], module: TsClsConfig) -> FittedOptions:
    train, roles, frequency = splits["train"].series, splits["train"].roles, splits["train"].frequency
    classes = class_names(train)
    length = module.length or max(len(one) for split in splits.values() for one in split.series)
    scaling = find_scaling(train, module, length)
    rows = scaling.apply(train, length)
    return FittedOptions(
        columns=list(train[0].columns),
        classes=classes,
        time=roles.time,
        group=roles.group,
        frequency=str(frequency.text) if frequency else "1",
        length=length,
        median_rows=min(int(np.median([len(one) for one in train])), length),
        periods=_periods(rows, length),
        mean=list(scaling.scaler.mean),
        std=list(scaling.scaler.std),
        difference_std=_difference_std(rows),
        is_standardised=scaling.is_standardised,
        trial=list(scaling.trial),
        weight_of_class=balanced_weights(train, classes) if module.class_weights == "balanced" else None,
    )


def _difference_std(rows: Sequence[np.ndarray]) -> list[float]:
    """Deviation of the channels' differences from row to row; 1 where nothing changes."""
    changes = [np.diff(each, axis=0) for each in rows if len(each) > 1]
    return list(Scaler.fit(changes).std) if changes else []


def _periods(rows: Sequence[np.ndarray], length: int) -> list[int]:
    """Rows of the frequencies with the largest amplitudes in the series, strongest first."""
    features, _ = filled(list(rows[:: max(len(rows) // MAX_SERIES, 1)]), length)
    amplitudes = np.abs(np.fft.rfft(features, axis=1)).mean(axis=(0, 2))[1 : length // 2 + 1]
    frequencies = np.argsort(-amplitudes, kind="stable") + 1
    return list(dict.fromkeys(length // int(frequency) for frequency in frequencies))[:NUM_PERIODS]


def _as_trained(module: TsClsConfig, processor: TsClsProcessor) -> TsClsConfig:
    fitted = FittedOptions(
        columns=list(processor.columns),
        classes=list(processor.labels),
        time=processor.time,
        group=processor.group,
        frequency=processor.frequency,
        length=processor.length,
        median_rows=processor.median_rows,
        periods=list(processor.periods),
        mean=list(processor.mean),
        std=list(processor.std),
        is_standardised=processor.is_standardised,
    )
    return replace(module, fitted=fitted)


def check(dataset: DatasetOptions, module: TsClsConfig) -> CheckedSeries:
    """Reads and checks the dataset; findings are in the report, nothing is raised for them."""
    root, splits = user_path(dataset.root), _read(dataset)
    train, val = splits["train"].series, splits["val"].series
    findings = [finding for split in splits.values() for finding in split.findings]
    for split in splits.values():
        findings += twin_findings(split.series) + _length_findings(split, module)
    if train:
        findings += class_findings(train, val, (dataset.train, dataset.val)) + leakage_findings(train, val)
        findings += _size_findings(splits["train"], module)
        findings += _other_columns(splits, module)
    known = set(module.fitted.classes)
    report = CheckReport(
        str(root),
        tuple(findings),
        {name: _statistics(split.series) for name, split in splits.items()},
        fingerprint_of(root, [dataset.train, dataset.val]),
    )
    return CheckedSeries(report, *([one for one in part if one.label in known] for part in (train, val)))


def _length_findings(split: ReadSplit, module: TsClsConfig) -> list[Finding]:
    length, lengths = module.fitted.length, np.asarray([len(one) for one in split.series], np.int64)
    findings = []
    longer, short = int((lengths > length).sum()), int((lengths < MUCH_SHORTER * length).sum())
    if longer:
        reason = (
            f"{longer} of {len(lengths)} series have more than {length} rows, the longest {lengths.max()}: what comes "
            "after is not looked at; train with a larger module.length"
        )
        findings.append(Finding(split.file, 0, "warning", "series-longer", reason))
    if short:
        reason = f"{short} of {len(lengths)} series are shorter than a tenth of {length} rows, to which all are filled"
        findings.append(Finding(split.file, 0, "warning", "series-much-shorter", f"{reason} up: see module.length"))
    if module.network == ROCKET and len(lengths) and module.fitted.median_rows < LENGTHS[0]:
        reason = f"half of the series have fewer than {LENGTHS[0]} rows, which ROCKET needs: choose another network"
        findings.append(Finding(split.file, 0, "error", "too-short", reason))
    return findings


def _size_findings(split: ReadSplit, module: TsClsConfig) -> list[Finding]:
    """Where one scale for all series hides the small ones from a network; ROCKET decides for itself."""
    if module.network == ROCKET or module.standardise is not None:
        return []
    findings = []
    for column, name in enumerate(split.series[0].columns):
        sizes = np.asarray([one.values[:, column].std() for one in split.series])
        # Neither flat ones nor those with missing values.
        sizes = sizes[sizes > 0]
        low, high = np.quantile(sizes, (0.1, 0.9)) if len(sizes) else (1.0, 1.0)
        if high > MUCH_LARGER * low:
            reason = (
                f"the deviation of {name} within a series is {low:.2g} in a tenth of the series and {high:.2g} in "
                "another: by one scale for all, little is seen of the small ones; try module.standardise=true"
            )
            findings.append(Finding(split.file, 0, "warning", "sizes-differ", reason))
    return findings


def _other_columns(splits: dict[str, ReadSplit], module: TsClsConfig) -> list[Finding]:
    """Where a finished model knows other channels or classes than the files hold."""
    found, fitted = splits["train"].series[0].columns, module.fitted
    unknown = [name for name in class_names(splits["val"].series) if name not in fitted.classes]
    findings = []
    if fitted.columns and tuple(fitted.columns) != found:
        reason = f"its columns are {', '.join(found)}, those of the model {', '.join(fitted.columns)}"
        findings.append(Finding(splits["train"].file, 1, "error", "other-columns", reason))
    if unknown and set(unknown) & set(class_names(splits["train"].series)):
        reason = f"the model knows no class {', '.join(unknown[:5])}: its classes are {', '.join(fitted.classes[:20])}"
        findings.append(Finding(splits["val"].file, 0, "error", "class-unknown", reason))
    return findings


def _statistics(series: Sequence[Series]) -> dict[str, Any]:
    counts = sorted(Counter(one.label for one in series).values()) or [0]
    spread = {"min": counts[0], "p50": float(np.median(counts)), "max": counts[-1]}
    return series_statistics(series) | {"series_per_class": spread}


def draw_samples(series: Sequence[Series], folder: Path) -> list[Path]:
    """Pictures of series of all classes, written into `folder`."""
    paths = []
    for place, one in enumerate(one_of_each(series, NUM_PICTURES)):
        paths.append(folder / f"series_{place}.png")
        times = shown_times(one.times, one.is_datetime)
        write_image(paths[-1], draw_series(one.values, f"{one.name}: class {one.label}", one.columns, times))
    return paths
