"""Features of the calendar as PaddleX orders and scales them for models with ``time_feat: true``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.series.frequency import NANOSECONDS
from plx_train.series.zones import utc_offsets

PADDLEX_FEATURES = ("hourofday", "dayofmonth", "dayofweek", "dayofyear")
"""What PaddleX feeds where ``time_feat`` is true and ``holiday`` is not, in its order."""
DIVISORS = {
    "minuteofhour": 59, "hourofday": 23, "dayofmonth": 30, "dayofweek": 6, "dayofyear": 364, "monthofyear": 11,
    "weekofyear": 51,
}  # fmt: skip
"""What each is divided by before a half is taken off. Days, months and weeks are counted from 1, Monday is 0."""


def calendar_features(
    times: np.ndarray,
    is_datetime: bool = True,
    names: Sequence[str] = PADDLEX_FEATURES,
    time_zone: str | None = None,
) -> np.ndarray:
    """Calendar features float32 (T, K), from about -0.5 to 0.5; PaddleX's own go up to 0.533 at the end of a month.

    Args:
        times: int64 (T,) nanoseconds since 1970.
        is_datetime: False: an integer index, which has no calendar, K is 0.
        names: of the features, of `DIVISORS`.
        time_zone: times are of UTC, features of the clocks there; None: of the times as they are.
    """
    if not is_datetime or len(names) == 0:
        return np.zeros((len(times), 0), np.float32)
    clock = times if time_zone is None else times + utc_offsets(times, time_zone)
    return np.stack([_feature(name, clock) for name in names], axis=1)


def _feature(name: str, times: np.ndarray) -> np.ndarray:
    return (_counted(name, times) / DIVISORS[name] - 0.5).astype(np.float32)


def _counted(name: str, times: np.ndarray) -> np.ndarray:
    """Minute, hour, day, week or month, int64 (T,)."""
    day_number = times // NANOSECONDS["D"]
    if name == "minuteofhour":
        return times // NANOSECONDS["min"] % 60
    if name == "hourofday":
        return times // NANOSECONDS["h"] % 24
    if name == "dayofweek":
        return (day_number + 3) % 7  # 1970 began on a Thursday
    if name == "weekofyear":
        # A week is of the year that its Thursday lies in.
        thursday = day_number + 3 - (day_number + 3) % 7
        return (thursday - _first_of(thursday, "Y")) // 7 + 1
    if name == "monthofyear":
        return day_number.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return day_number - _first_of(day_number, "M" if name == "dayofmonth" else "Y") + 1


def _first_of(days: np.ndarray, unit: str) -> np.ndarray:
    """Number of the first day of each day's month or year."""
    return days.astype("datetime64[D]").astype(f"datetime64[{unit}]").astype("datetime64[D]").astype(np.int64)
