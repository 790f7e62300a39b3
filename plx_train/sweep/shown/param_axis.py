"""A parameter as an axis: linear, logarithmic, whole numbers or names, by its distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from plx_train.report.axes import AnyScale, Categories, CountScale, LogScale, Scale
from plx_train.sweep.record import SweepRecord, TrialRecord
from plx_train.sweep.shown.wording import param_text, short_keys


@dataclass(frozen=True)
class ParamAxis:
    """Where the values of one parameter lie.

    Attributes:
        key: of the parameter.
        name: the key, as short as it can be told from others.
        scale: from what `place` gives to pixels.
    """

    key: str
    name: str
    scale: AnyScale

    @property
    def is_category(self) -> bool:
        """Whether it has names for values."""
        return isinstance(self.scale, Categories)

    def pixel(self, trial: TrialRecord) -> float | None:
        """Where a trial lies; None where it doesn't have the parameter, or a value that has no place."""
        if self.key not in trial.params:
            return None
        value = trial.params[self.key]
        if self.is_category:
            return self.scale(param_text(value))
        if not _is_number(value) or (isinstance(self.scale, LogScale) and value <= 0):
            return None
        return self.scale(value)


def param_axes(record: SweepRecord, pixel_low: float, pixel_high: float) -> list[ParamAxis]:
    """The axis of each parameter, in the order of the command."""
    names = short_keys(record.space)
    return [
        ParamAxis(key, names[key], _scale(distribution, _values(record, key), pixel_low, pixel_high))
        for key, distribution in record.space.items()
    ]


def _values(record: SweepRecord, key: str) -> list[Any]:
    return [trial.params[key] for trial in record.trials if key in trial.params]


def _scale(distribution: Any, values: list[Any], pixel_low: float, pixel_high: float) -> AnyScale:
    choices = getattr(distribution, "choices", None)
    if choices is not None:
        return Categories(_names(list(choices), values), pixel_low, pixel_high)
    numbers = [distribution.low, distribution.high, *(value for value in values if _is_number(value))]
    low, high = min(numbers), max(numbers)
    if distribution.log and low > 0:
        return LogScale(low / 1.1, high * 1.1, pixel_low, pixel_high)
    gap = 0.03 * (high - low) or 0.5
    kind = CountScale if isinstance(distribution.low, int) else Scale
    return kind(low - gap, high + gap, pixel_low, pixel_high)


def _names(choices: list[Any], values: list[Any]) -> tuple[str, ...]:
    """Names of all choices, numbers in order; then values that are no choice any more."""
    if all(_is_number(choice) for choice in choices):
        choices = sorted(choices)
    return tuple(dict.fromkeys(param_text(value) for value in [*choices, *values]))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
