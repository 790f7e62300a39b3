"""Round ticks for numbers and for times."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from plx_train.ground.spread import spread
from plx_train.series.frequency import NANOSECONDS

Ticks = list[tuple[float, str]]
"""Value and text of each."""
MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SECOND, MINUTE, HOUR, DAY = (NANOSECONDS[unit] for unit in ("s", "min", "h", "D"))
PARTS_OF_SECOND = tuple(factor * 10**power for power in range(9) for factor in (1, 2, 5))
CLOCK_STEPS = PARTS_OF_SECOND + tuple(
    [count * unit for unit, counts in (
        (SECOND, (1, 2, 5, 10, 15, 30)), (MINUTE, (1, 2, 5, 10, 15, 30)), (HOUR, (1, 2, 3, 6, 12)),
        (DAY, (1, 2, 7, 14)),
    ) for count in counts]
)  # fmt: skip
MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600)
MONDAY = 4 * DAY
"""The first Monday after the beginning of 1970."""


def number_ticks(low: float, high: float, most: int = 6) -> Ticks:
    """At most about `most` round numbers within [low, high]."""
    if not low < high:
        return [(low, _number_text(low, 1.0, abs(low)))]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    largest = max(abs(low), abs(high))
    return [(number * step, _number_text(number * step, step, largest)) for number in range(first, last + 1)]


def _number_text(value: float, step: float, largest: float) -> str:
    """A number with the digits that the step needs; thousands and millions are written short, all of an axis alike."""
    if step >= 1e9 or 0 < step < 1e-5:
        return f"{value:.3g}"
    for size, mark in ((1e6, "M"), (1e3, "k")):
        if step >= size / 10 and largest >= 10 * size:
            return f"{value / size:.4g}{mark}" if value else "0"
    digits = max(-math.floor(math.log10(step) + 1e-9), 0)
    if round(step * 10**digits, 6) != round(step * 10**digits):
        digits += 1  # of 2.5
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text


def row_ticks(times: Sequence[str] | np.ndarray | None, num_rows: int, most: int = 7) -> Ticks:
    """Round ticks along rows: of dates where times are such, of integers, else of the rows' own numbers.

    Args:
        times: one per row: texts, int64 integers, datetime64; None: rows are counted from 0.
        num_rows: how many rows there are.

    Returns:
        row (may lie between two) and text of each.
    """
    found = _as_numbers(times)
    if found is None:
        if num_rows == 1:
            return [(0.0, "0" if times is None else str(times[0]))]
        if times is None or len(times) == 0:
            return [(row, text) for row, text in number_ticks(0, max(num_rows - 1, 1), most) if row == round(row)]
        places = spread(len(times), most)
        return [(float(place), str(times[place])) for place in places]
    numbers, is_datetime = found
    low, high = int(numbers[0]), int(numbers[-1])
    if len(numbers) < 2 or not low < high:
        return [(0.0, date_text(low, DAY, 0) if is_datetime else str(low))]
    ticks = date_ticks(low, high, most) if is_datetime else number_ticks(low, high, most)
    rows = np.interp([value for value, _ in ticks], numbers, np.arange(len(numbers)))
    return [(float(row), text) for row, (_, text) in zip(rows, ticks, strict=True)]


def _as_numbers(times: Sequence[str] | np.ndarray | None) -> tuple[np.ndarray, bool] | None:
    """Integers, and whether they are nanoseconds since 1970; None where the times are neither dates nor integers."""
    if times is None or len(times) == 0:
        return None
    array = np.asarray(times)
    if array.dtype.kind in "iu":
        return array.astype(np.int64), False
    if array.dtype.kind != "M":
        try:
            array = np.asarray([np.datetime64(str(text).strip()) for text in array])
        except ValueError:
            return None
        if str(np.asarray(times)[0]).strip().isdigit():
            return np.asarray([int(text) for text in times], np.int64), False
    return array.astype("datetime64[ns]").astype(np.int64), True


def date_ticks(low: int, high: int, most: int = 7) -> Ticks:
    """At most about `most` round instants within [low, high], nanoseconds since 1970."""
    rough = (high - low) / most
    if rough > 14 * DAY:
        return _month_ticks(low, high, rough)
    # Some more are better than a third of them: 7 days follow 2.
    step = next((step for step in CLOCK_STEPS if step >= 0.75 * rough), CLOCK_STEPS[-1])
    base = MONDAY if step % (7 * DAY) == 0 else 0
    first = base - (base - low) // step * step
    return _texts(list(range(first, high + 1, step)), step)


def _month_ticks(low: int, high: int, rough: float) -> Ticks:
    step = next((step for step in MONTH_STEPS if step * 30.4 * DAY >= rough), MONTH_STEPS[-1])
    months = np.asarray([low, high]).astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    # From January 1900, so that decades are round.
    first = (int(months[0]) + 840) // step * step - 840
    starts = np.arange(first, int(months[1]) + 1, step).astype("datetime64[M]").astype("datetime64[ns]")
    values = [value for value in starts.astype(np.int64).tolist() if low <= value <= high]
    return _texts(values, round(step * 30.4 * DAY))


def _texts(values: list[int], step: int) -> Ticks:
    texts = [date_text(value, step, values[place - 1] if place else None) for place, value in enumerate(values)]
    return list(zip(map(float, values), texts, strict=True))


def date_text(value: int, step: int, before: int | None) -> str:
    """An instant in as many words as its step needs; the day or year only where it is not that of the tick before."""
    instant = np.datetime64(value, "ns")
    day, month = instant.astype("datetime64[D]"), instant.astype("datetime64[M]")
    year = str(instant.astype("datetime64[Y]"))
    name = MONTH_NAMES[int(month.astype(np.int64)) % 12]
    number = int((day - month.astype("datetime64[D]")).astype(np.int64)) + 1
    earlier = None if before is None else np.datetime64(before, "ns")
    same_day = earlier is not None and earlier.astype("datetime64[D]") == day
    same_year = earlier is not None and str(earlier.astype("datetime64[Y]")) == year
    if step >= 300 * DAY:
        return year
    if step >= 28 * DAY:
        return name if same_year else f"{name} {year}"
    if step >= DAY:
        return f"{number} {name}" if same_year else f"{number} {name} {year}"
    digits = 9 - math.floor(math.log10(step)) if step < SECOND else 0
    clock = str(instant)[11 : 20 + digits if digits else 19 if step < MINUTE else 16]
    return clock if same_day else f"{number} {name}" if clock.startswith("00:00") else f"{number} {name} {clock}"
