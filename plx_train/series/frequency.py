"""How far apart the rows of a series are: found from their times, or read from a text as pandas writes it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

import numpy as np

from plx_train.ground.errors import UserError

NANOSECONDS = {
    "D": 86_400 * 10**9, "h": 3_600 * 10**9, "min": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1,
}  # fmt: skip
DAY = NANOSECONDS["D"]
MONTH = round(365.2425 / 12 * DAY)
"""Nanoseconds of a month of average length."""
LAST_DAY = 31
"""The day of rows that stand on the last day of their month."""
MIN_SHARE = 0.5
"""Share of the steps that must be alike for them to be a frequency."""
MIN_SHARE_OF_MULTIPLES = 0.2
"""The same where all other steps are multiples of it, as rows that are missing make them."""
MAX_SAMPLE = 100_000
ROWS_AT_ONCE = 1 << 16
SHORTEST_MONTH = 28 * DAY
MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
OLD_UNITS = {"d": "D", "H": "h", "T": "min", "S": "s", "L": "ms", "U": "us", "N": "ns"}
CALENDAR_UNITS = {
    "MS": (1, 1), "ME": (1, LAST_DAY), "QS": (3, 1), "QE": (3, LAST_DAY), "YS": (12, 1), "YE": (12, LAST_DAY),
}  # fmt: skip
"""Months, and the day of the month that rows stand on."""
OLD_CALENDAR_UNITS = {"M": "ME", "Q": "QE", "Y": "YE", "A": "YE", "AS": "YS"}


@dataclass(frozen=True)
class Frequency:
    """The step from one row to the next.

    Attributes:
        step: nanoseconds, or the step of an integer index; of months the average, of business days one day.
        text: as pandas and PaddleX want it: ``1h``, ``10min``, ``1D``, ``MS``, ``B``; an int of an integer index.
        months: calendar months per row; 0 where the step is fixed.
        day: of the month that monthly rows stand on; 31 is the last one, however long the month is.
        is_business: rows are Monday to Friday.
    """

    step: int
    text: str | int
    months: int = 0
    day: int = 1
    is_business: bool = False


def infer_frequency(times: np.ndarray, is_datetime: bool) -> Frequency | None:
    """The frequency of ascending times int64 (T,); None where there is none.

    Missing rows, repeated times and single rows beside the grid don't hide it: half of the steps must agree, or a
    fifth where all others are multiples. Months, quarters, years and business days count as regular. Monthly rows
    on a day that is neither the first nor the last have the text of the first, as pandas has none of their own.
    """
    step = _most_common_step(times)
    if step is None:
        return None
    if not is_datetime:
        return Frequency(step, step) if _is_common(times, step) else None
    if step >= SHORTEST_MONTH:
        monthly = _infer_months(times)
        if monthly is not None:
            return monthly
    if not _is_common(times, step):
        return None
    if step == DAY and _is_business(times):
        return Frequency(DAY, "B", is_business=True)
    return Frequency(step, _fixed_text(step))


def parse_frequency(text: str | int) -> Frequency:
    """The frequency that a text of pandas names: ``1h``, ``H``, ``15min``, ``D``, ``W``, ``MS``, ``QE``, ``B``, ``5``.

    Raises:
        UserError: there is no such frequency.
    """
    written = str(text).strip()
    if re.fullmatch(r"\d+", written) and int(written) > 0:
        return Frequency(int(written), int(written))
    match = re.fullmatch(r"(\d*)\s*([A-Za-z]+)(?:-([A-Z]{3}))?", written)
    count = int(match[1] or 1) if match else 0
    unit = match[2] if match else ""
    unit = OLD_UNITS.get(unit, OLD_CALENDAR_UNITS.get(unit, unit))
    anchor = match[3] if match else None
    if count > 0 and unit in NANOSECONDS and anchor is None:
        step = count * NANOSECONDS[unit]
        return Frequency(step, _fixed_text(step))
    if count > 0 and unit == "W":
        return Frequency(count * 7 * DAY, f"{count * 7}D")
    if count == 1 and unit == "B":
        return Frequency(DAY, "B", is_business=True)
    if count > 0 and unit in CALENDAR_UNITS and (anchor is None or anchor in MONTH_NAMES):
        months, day = CALENDAR_UNITS[unit]
        name = f"{count if count > 1 else ''}{unit}{f'-{anchor}' if anchor else ''}"
        return Frequency(count * months * MONTH, name, count * months, day)
    raise UserError(f"{written!r} is no frequency{_hint(unit)}: write it as 1h, 15min, 1D, 7D, MS, QS, YS, B, or 1")


def _hint(unit: str) -> str:
    near = difflib.get_close_matches(unit, [*NANOSECONDS, *CALENDAR_UNITS, "W", "B"], n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _most_common_step(times: np.ndarray) -> int | None:
    """The most frequent difference of neighbours above 0, int64 (T,) ascending; of very many, some are looked at."""
    places = np.arange(0, len(times) - 1, max(len(times) // MAX_SAMPLE, 1))
    found, counts = np.unique(times[places + 1] - times[places], return_counts=True)
    found, counts = found[found > 0], counts[found > 0]
    return int(found[counts.argmax()]) if len(found) else None


def _is_common(times: np.ndarray, step: int) -> bool:
    """Whether enough neighbours are a step apart."""
    num_steps = num_alike = num_multiples = 0
    # Piece by piece: a series can be most of the memory that there is.
    for start in range(0, len(times) - 1, ROWS_AT_ONCE):
        steps = np.diff(times[start : start + ROWS_AT_ONCE + 1])
        num_steps += int((steps > 0).sum())
        num_alike += int((steps == step).sum())
        num_multiples += int(((steps > 0) & (steps % step == 0)).sum())
    only_multiples = num_multiples == num_steps
    return num_alike >= (MIN_SHARE_OF_MULTIPLES if only_multiples else MIN_SHARE) * num_steps


def _fixed_text(step: int) -> str:
    unit = next(name for name, nanoseconds in NANOSECONDS.items() if step % nanoseconds == 0)
    return f"{step // NANOSECONDS[unit]}{unit}"


def month_parts(times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Month counted from January 1970, day of the month, the month's days, and nanoseconds of the day; (T,) each."""
    instants = times.astype("datetime64[ns]")
    days = instants.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    length = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    day = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    return months.astype(np.int64), day, length, (instants - days).astype(np.int64)


def _infer_months(times: np.ndarray) -> Frequency | None:
    months, day, length, of_day = month_parts(times)
    anchor = LAST_DAY if (day == length).all() else int(day.max())
    count = _most_common_step(months)
    if count is None or (of_day != of_day[0]).any() or (day != np.minimum(anchor, length)).any():
        return None
    if not _is_common(months, count):
        return None
    return Frequency(count * MONTH, _month_text(count, anchor == LAST_DAY, int(months[0]) % 12), count, anchor)


def _month_text(count: int, is_end: bool, first: int) -> str:
    """`first` is the first row's month, January is 0."""
    kind = "E" if is_end else "S"
    if count % 12 == 0:
        years = f"{count // 12 if count > 12 else ''}Y{kind}"
        return years if first == (11 if is_end else 0) else f"{years}-{MONTH_NAMES[first]}"
    if count == 3:
        # Quarters are named by a month of theirs: starts by the first of the year, ends by the last.
        named = first % 3 if not is_end else (first % 3 + 9 if first % 3 == 2 else first % 3)
        return f"Q{kind}" if named == (11 if is_end else 0) else f"Q{kind}-{MONTH_NAMES[named]}"
    return f"{count if count > 1 else ''}M{kind}"


def _is_business(times: np.ndarray) -> bool:
    """Whether daily rows skip every weekend, two at least."""
    instants = times.astype("datetime64[ns]")
    days = instants.astype("datetime64[D]")
    of_day = (instants - days).astype(np.int64)
    weekday = (days.astype(np.int64) + 3) % 7
    weeks = (days[-1] - days[0]).astype(np.int64) // 7
    return bool(weeks >= 2 and (weekday < 5).all() and (of_day == of_day[0]).all())
