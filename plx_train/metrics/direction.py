"""Which values of a figure are better: a metric says so of its own numbers, the core of those that it makes itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from plx_train.contract.rooms import load_room

if TYPE_CHECKING:
    from plx_train.contract.module import Module

Better = Literal["higher", "lower"]
HIGHER: Better = "higher"
LOWER: Better = "lower"
LATENCY, SIZE = "latency_ms", "size_mb"
COSTS = frozenset({LATENCY, SIZE})
"""What the core measures of an export, less of which is better."""
FIELD = "better"
"""The key under which files say it of the metric that they hold."""
FORMER_ERRORS = frozenset(
    {"mse", "mae", "rmse", "smape", "mase", "pinball", "log_loss", "cer", "delay_rows"}
    | {"original_mse", "original_mae"}
)
"""Metrics that were errors when files did not say it yet; of no use for what is measured today."""
NEARLY_ZERO = 1e-6


def better_of(figure: str, errors: Collection[str]) -> Better:
    """Which values of a run's figure are better: ``hmean``, ``val/mse_official``, ``baseline/linear_mse``, ``size_mb``.

    Args:
        errors: the metric's own, `Metric.errors`.
    """
    name = figure.rpartition("/")[2].removesuffix("_official")
    if figure.startswith("baseline/"):
        return LOWER if any(name.endswith(f"_{error}") for error in errors) else HIGHER
    return LOWER if name in errors or name in COSTS else HIGHER


def errors_among(figures: Iterable[str], errors: Collection[str]) -> list[str]:
    """Figures of a run that are better when lower; arguments as in `better_of`."""
    return [figure for figure in figures if better_of(figure, errors) == LOWER]


def room_errors(room: str) -> frozenset[str]:
    """`Metric.errors` of a room, for which no module is built."""
    return load_room(room).metric.errors


def monitored(module: Module[Any]) -> Better:
    """Which values of the metric that picks the best checkpoint are better."""
    return better_of(module.monitor, module.new_metric().errors)


def recorded(content: Mapping[str, Any], metric: str) -> Better:
    """Which values of `metric` are better as a file says, or by the metric's name in files that are older than that."""
    said = content.get(FIELD)
    if said in (HIGHER, LOWER):
        return LOWER if said == LOWER else HIGHER
    return better_of(metric, FORMER_ERRORS)


def sign(better: Better) -> int:
    """1 where more is better, -1 where less is."""
    return 1 if better == HIGHER else -1


def unit(better: Better, value: float) -> float:
    """What a difference is measured in: 1, or for errors, which may be as small as a tolerance, `value`."""
    return 1.0 if better == HIGHER else max(abs(value), NEARLY_ZERO)


def nearly_none(better: Better, value: float, before: float, share: float) -> bool:
    """Whether what can still be gained is at most 1 - `share`: of 1, or for errors of the error `before`."""
    return value >= share if better == HIGHER else value <= (1 - share) * before
