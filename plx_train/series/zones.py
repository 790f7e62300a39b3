"""Local clocks and UTC: offsets of a time zone, hours that daylight saving repeats or leaves out."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np

from plx_train.ground.errors import ConfigError

SECOND, DAY_SECONDS = 10**9, 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Periods:
    """Stretches of time in which a zone's clocks are set alike.

    Attributes:
        starts: int64 (P,), nanoseconds of UTC at which each begins.
        offsets: int64 (P,), nanoseconds that its clocks are ahead of UTC.
    """

    starts: np.ndarray
    offsets: np.ndarray


def find_zone(name: str) -> ZoneInfo:
    """The time zone of a name such as ``Europe/Berlin``.

    Raises:
        ConfigError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = difflib.get_close_matches(name, sorted(available_timezones()), n=1)
        hint = f"did you mean {near[0]}?" if near else "write one as Europe/Berlin or UTC"
        raise ConfigError(f"dataset.time_zone={name} is no time zone: {hint}") from None


def utc_offsets(times: np.ndarray, zone: str) -> np.ndarray:
    """Nanoseconds int64 (T,) that the zone's clocks are ahead at instants of UTC, int64 (T,) nanoseconds."""
    if len(times) == 0:
        return np.zeros(0, np.int64)
    periods = _periods(int(times.min()), int(times.max()), find_zone(zone))
    return periods.offsets[np.searchsorted(periods.starts, times, side="right") - 1]


def to_utc(local: np.ndarray, zone: str, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Instants of UTC for clock times in the order in which they were recorded.

    An hour that daylight saving repeats is read as its first pass, until the clock of a series goes back or stands.

    Args:
        local: int64 (T,), nanoseconds of the clock.
        zone: the clock's, as ``Europe/Berlin``.
        series: int (T,), the series that each belongs to.

    Returns:
        int64 (T,) nanoseconds of UTC, and bool (T,): times that the clock never shows.
    """
    if len(local) == 0:
        return local, np.zeros(0, bool)
    periods = _periods(int(local.min()), int(local.max()), find_zone(zone))
    starts, offsets = periods.starts[1:], periods.offsets
    first = np.searchsorted(starts + offsets[:-1], local, side="right")
    never = (first > 0) & (local < periods.starts[first] + offsets[first])
    later = np.minimum(first + 1, len(offsets) - 1)
    repeated = np.flatnonzero((later > first) & (local >= periods.starts[later] + offsets[later]))
    first[repeated] += _second_pass(local[repeated], first[repeated], series[repeated])
    return local - offsets[first], never


def _second_pass(local: np.ndarray, period: np.ndarray, series: np.ndarray) -> np.ndarray:
    """1 where a repeated hour's time comes after one as late or later of the same hour and series, else 0."""
    latest: dict[tuple[int, int], int] = {}
    passes = np.zeros(len(local), np.int64)
    for row, key in enumerate(zip(series.tolist(), period.tolist(), strict=True)):
        time = int(local[row])
        passes[row] = key in latest and time <= latest[key]
        latest[key] = max(time, latest.get(key, time))
    return passes


def _periods(low: int, high: int, zone: ZoneInfo) -> Periods:
    """The periods that instants of UTC from `low` to `high`, give or take a day, fall in."""
    first, last = low // SECOND // DAY_SECONDS - 2, high // SECOND // DAY_SECONDS + 3
    starts, offsets = [first * DAY_SECONDS], [_offset(first * DAY_SECONDS, zone)]
    for day in range(first + 1, last + 1):
        offset = _offset(day * DAY_SECONDS, zone)
        if offset != offsets[-1]:
            starts.append(_change(day * DAY_SECONDS, offset, zone))
            offsets.append(offset)
    return Periods(np.asarray(starts, np.int64) * SECOND, np.asarray(offsets, np.int64) * SECOND)


def _change(end: int, offset: int, zone: ZoneInfo) -> int:
    """The second of UTC, in the day before `end`, from which on the clocks have the offset."""
    low, high = end - DAY_SECONDS, end
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset(middle, zone) == offset else (middle, high)
    return high


def _offset(second: int, zone: tzinfo) -> int:
    ahead = (EPOCH + timedelta(seconds=second)).astimezone(zone).utcoffset()
    return int(ahead.total_seconds()) if ahead is not None else 0
