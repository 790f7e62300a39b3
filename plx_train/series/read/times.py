"""Times of a CSV: which way they are written, and their parsing into integers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.series.read.as_numbers import as_numbers

if TYPE_CHECKING:
    import pandas

INTEGER = re.compile(r"[+-]?\d{1,18}(\.0*)?")
OFFSET = r":\d{2}(?:[.,]\d+)?\s*(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
"""A time of day with its distance from UTC behind it."""
ISO = "ISO8601"
ANY = "mixed"
DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y"),
    *("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%Y-%m", "%Y/%m"),
)
DAY_TIMES = ("", "%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%I:%M:%S %p", "%I:%M %p", "%H")
DIGITS = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Dates written as one integer, by its length."""
FIRST_YEAR, LAST_YEAR = 1800, 2200
"""Integers that would be dates outside are integers."""
OF_DAY = re.compile(r"\d{1,2}(:\d{2}){1,2}(\.\d+)?|\d{1,2}\.\d{2}\.\d{2}")
"""A time of day alone; some write points between its parts."""
NO_MARK = re.compile(r"[^-/.:]+")
MIN_SHARE = 0.5
"""Share of a sample that must fit a way of writing."""


@dataclass(frozen=True)
class TimeFormat:
    """How a file writes its times.

    Attributes:
        is_datetime: False: plain integers.
        format: for pandas: a pattern of `strftime`, ``ISO8601`` or ``mixed``.
        has_offset: times name their distance from UTC.
        is_digits: dates stand as integers, such as 20200131.
        or_else: another way of writing that fits as well; the day and month are not told apart.
    """

    is_datetime: bool
    format: str = ISO
    has_offset: bool = False
    is_digits: bool = False
    or_else: str | None = None


def _marks(text: str) -> str:
    """What stands between the numbers of a text or a pattern, in order, other than letters and spaces."""
    return NO_MARK.sub("", text)


PATTERNS = {
    pattern: _marks(pattern)
    for date, of_day in product(DATES, DAY_TIMES)
    for pattern in ((f"{date} {of_day}", f"{date}T{of_day}") if of_day else (date,))
}
"""Dates with and without times of day, and the marks of each."""


@lru_cache(1 << 10)
def is_date(text: str) -> bool:
    """Whether a cell is a date, with a time of day or without, in digits."""
    text = text.strip()
    return bool(re.match(r"\d{1,4}[-/.]\d", text)) and (_is_iso(text) or bool(_candidates([text])))


def guess_format(texts: Sequence[str]) -> TimeFormat | None:
    """The way in which most of the texts are written; None where they are no times."""
    texts = [text.strip() for text in texts if text.strip()]
    if not texts:
        return None
    if _share(texts, lambda text: INTEGER.fullmatch(text) is not None) >= MIN_SHARE:
        pattern = _digits_format(texts)
        return TimeFormat(True, pattern, is_digits=True) if pattern else TimeFormat(False)
    if _share(texts, _is_float) >= MIN_SHARE:
        return None
    if _share(texts, lambda text: re.search(OFFSET, text) is not None) >= MIN_SHARE:
        return TimeFormat(True, ISO if _share(texts, _is_iso) >= MIN_SHARE else ANY, has_offset=True)
    fitting = {pattern: sum(_fits(text, pattern) for text in texts) / len(texts) for pattern in _candidates(texts)}
    best = max(fitting.values(), default=0.0)
    if best < MIN_SHARE:
        return TimeFormat(True, ANY) if _any_share(texts) >= MIN_SHARE else None
    equal = [pattern for pattern, share in fitting.items() if share == best]
    if len(equal) > 1:
        equal.sort(key=lambda pattern: _roughness(texts, pattern))
    return TimeFormat(True, equal[0], or_else=equal[1] if len(equal) > 1 else None)


def joined(dates: Any, of_day: Any) -> Any:
    """Dates with times of day behind them: texts, or columns of such."""
    return dates + " " + of_day


def parse_times(cells: pandas.Series, written: TimeFormat) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Integers of times written in one way.

    Args:
        cells: texts (T,).

    Returns:
        int64 (T,), nanoseconds since 1970 or plain integers, 0 where there is none; bool (T,): no time; bool (T,):
        with an offset from UTC where the others have none, or the other way round.
    """
    cells = cells.str.strip()
    if not written.is_datetime:
        return _integers(cells)
    times, bad = _parsed(cells, written.format)
    odd = np.zeros(len(cells), bool)
    if written.has_offset:
        odd = ~bad & ~_has_offset(cells)
    elif bad.any():
        rest = cells[bad]
        odd[bad] = _has_offset(rest)
        if written.format.startswith("%Y-%m-%d"):
            # Writers leave the time of day out at midnight, and the fraction at whole seconds.
            times[bad], bad[bad] = _parsed(rest, ISO)
    return times, bad & ~odd, odd


def _integers(cells: pandas.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    numbers = as_numbers(cells)
    bad = np.zeros(len(cells), bool)
    if numbers.dtype.kind != "i":
        floats = numbers.to_numpy(np.float64, na_value=np.nan)
        bad = ~np.isfinite(floats) | (floats != np.floor(floats)) | (np.abs(floats) > 2**62)
        numbers = np.where(bad, 0, floats)
    return np.asarray(numbers).astype(np.int64), bad, np.zeros(len(cells), bool)


def _parsed(cells: pandas.Series, pattern: str) -> tuple[np.ndarray, np.ndarray]:
    import pandas

    parsed = pandas.to_datetime(cells, format=pattern, utc=True, errors="coerce").dt.tz_localize(None).to_numpy()
    years = parsed.astype("datetime64[Y]").astype(np.int64) + 1970
    bad = np.isnat(parsed) | (years < 1678) | (years > 2261)  # what 64 bits of nanoseconds hold
    return np.where(bad, np.datetime64(0, "ns"), parsed).astype("datetime64[ns]").astype(np.int64), bad


def _has_offset(cells: pandas.Series) -> np.ndarray:
    return cells.fillna("").astype(str).str.contains(OFFSET).to_numpy(bool)


def _candidates(texts: list[str]) -> list[str]:
    """Patterns that fit one of the first texts."""
    some = [(text, _marks(text)) for text in texts[:: max(len(texts) // 3, 1)]]
    return [
        pattern
        for pattern, marks in PATTERNS.items()
        if any(_may_fit(found, pattern, marks) and _fits(text, pattern) for text, found in some)
    ]


def _may_fit(found: str, pattern: str, marks: str) -> bool:
    """Whether a text has the pattern's marks: each pattern that is tried is compiled first, which takes its time."""
    # Some languages write a.m. with points.
    return found.startswith(marks) if "%p" in pattern else found == marks


def _digits_format(texts: list[str]) -> str | None:
    pattern = DIGITS.get(len(texts[0]))
    is_date = pattern is not None and all(len(text) == len(texts[0]) and _year(text, pattern) for text in texts)
    return pattern if is_date else None


def _year(text: str, pattern: str) -> bool:
    return _fits(text, pattern) and FIRST_YEAR <= int(text[:4]) <= LAST_YEAR


def _roughness(texts: list[str], pattern: str) -> int:
    """How often the times go back, read by a pattern: days taken for months jump to and fro."""
    times = [datetime.strptime(text, pattern) for text in texts if _fits(text, pattern)]
    return sum(after < before for before, after in pairwise(times))


def _fits(text: str, pattern: str) -> bool:
    try:
        datetime.strptime(text, pattern)
    except ValueError:
        return False
    return True


def _is_iso(text: str) -> bool:
    return re.match(r"\d{4}-\d{2}-\d{2}[ T]\d{2}", text) is not None


def _is_float(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d*[.,]?\d+(e[+-]?\d+)?", text, re.IGNORECASE) is not None


def _any_share(texts: list[str]) -> float:
    import pandas

    parsed = pandas.to_datetime(pandas.Series(texts[:200]), format=ANY, utc=True, errors="coerce")
    return float(parsed.notna().mean())


def _share(texts: list[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, texts)) / len(texts)
