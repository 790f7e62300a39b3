"""Figures of series for reports: how many rows, which span, what is missing, which season."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plx_train.series.frame import Series, time_text
from plx_train.series.frequency import NANOSECONDS, Frequency, infer_frequency

CYCLES = tuple(round(days * NANOSECONDS["D"]) for days in (1 / 1440, 1 / 24, 1, 7, 365.25))
"""Lengths that nature and work repeat themselves in: minute, hour, day, week, year; nanoseconds."""
MIN_CORRELATION = 0.2
"""Below this, a period is none."""
MIN_CYCLES = 3
"""Times that a period must fit into a series."""
MAX_ROWS = 400_000
"""The last rows that a period is looked for in."""
MAX_WINDOWS = 200
"""Number of windows in which amplitudes are looked for, spread evenly."""
MAX_COLUMNS = 20
"""Columns that mean and deviation are told of."""


def series_statistics(series: Sequence[Series]) -> dict[str, Any]:
    """Plain figures of a split: rows, series, columns, span, frequency, share missing, season, mean and deviation."""
    if not series:
        return {"rows": 0, "series": 0}
    lengths = np.asarray([len(one) for one in series])
    longest = series[int(lengths.argmax())]
    frequency = infer_frequency(longest.times, longest.is_datetime)
    begin, end = min(int(one.times[0]) for one in series), max(int(one.times[-1]) for one in series)
    missing = sum(int(np.isnan(one.values).sum()) for one in series)
    figures = {
        "rows": int(lengths.sum()),
        "series": len(series),
        "series_length": {"min": int(lengths.min()), "p50": float(np.median(lengths)), "max": int(lengths.max())},
        "columns": len(longest.columns),
        "from": time_text(begin, longest.is_datetime),
        "to": time_text(end, longest.is_datetime),
        "frequency": str(frequency.text) if frequency is not None else "irregular",
        "missing_share": round(missing / max(sum(one.values.size for one in series), 1), 6),
        "season": seasonal_period(longest.values, frequency),
    }
    labels = [one.label for one in series if one.label is not None]
    if labels:
        figures["classes"] = len(set(labels))
    return figures | _moments(series, longest.columns)


def seasonal_period(values: np.ndarray, frequency: Frequency | None, longest: int | None = None) -> int | None:
    """The season of rows (T, C): the period of strongest autocorrelation that the frequency makes plausible.

    Periods of a minute, hour, day, week and year are tried; of an integer index, those up to a third of its rows.
    The correlation, of differences from a straight line and averaged over the columns, must peak there.

    Args:
        longest: rows of a season at most; None: as many as fit the rows a few times.

    Returns:
        rows per season; None where nothing repeats itself.
    """
    rows = [row for row in map(_detrended, values[-MAX_ROWS:].T) if row is not None]
    if not rows:
        return None
    best, strongest = None, MIN_CORRELATION
    for period in _candidates(len(values[-MAX_ROWS:]), frequency, rows[0]):
        if longest is not None and period > longest:
            continue
        away = max(period // 6, 1)
        here, before, after = (_correlation(rows, lag) for lag in (period, period - away, period + away))
        # Slowly changing rows are alike at every short lag: a season is where they are more so than around it.
        if here > strongest and here > before and here > after:
            best, strongest = period, here
    return best


def strongest_periods(values: np.ndarray, length: int, count: int) -> list[int]:
    """Periods of the largest Fourier amplitudes in windows of rows (T, C), strongest first, as TimesNet's are.

    Args:
        length: rows of a window; a period is `length // frequency`, 2 at least.
        count: periods at most; fewer where several frequencies have the same.
    """
    if len(values) < length or length < 4:
        return []
    tail = values[-MAX_ROWS:]
    starts = np.linspace(0, len(tail) - length, min(MAX_WINDOWS, len(tail) - length + 1)).astype(np.int64)
    amplitudes = sum(np.abs(np.fft.rfft(tail[start : start + length], axis=0)).mean(1) for start in starts)
    frequencies = np.argsort(-np.asarray(amplitudes)[1 : length // 2 + 1], kind="stable") + 1
    return list(dict.fromkeys(length // int(frequency) for frequency in frequencies))[:count]


def _candidates(num_rows: int, frequency: Frequency | None, row: np.ndarray) -> list[int]:
    longest = num_rows // MIN_CYCLES
    if frequency is None:
        return []
    if frequency.months:
        periods = [12 // frequency.months] if 12 % frequency.months == 0 else []
    elif frequency.is_business:
        periods = [5, 261]
    elif isinstance(frequency.text, int):
        periods = _peaks(row, longest)
    else:
        periods = [round(cycle / frequency.step) for cycle in CYCLES]
    return [period for period in periods if 2 <= period <= longest]


def _peaks(row: np.ndarray, longest: int) -> list[int]:
    """The lags at which the autocorrelation is highest among their neighbours, at most ten."""
    spectrum = np.abs(np.fft.rfft(row, 2 * len(row))) ** 2
    correlation = np.fft.irfft(spectrum)[: longest + 2] / np.arange(len(row), len(row) - longest - 2, -1)
    inner = np.arange(2, longest + 1)
    is_peak = (correlation[inner] > correlation[inner - 1]) & (correlation[inner] >= correlation[inner + 1])
    peaks = inner[is_peak]
    strongest = peaks[np.argsort(correlation[peaks])[::-1][:10]]
    # Multiples of a period are as strong as itself: the shortest of about equal ones comes first and stays.
    limit = 0.95 * correlation[strongest[0]] if len(strongest) else 0.0
    return sorted(int(peak) for peak in strongest if correlation[peak] >= limit)[:1]


def _detrended(column: np.ndarray) -> np.ndarray | None:
    """Finite values less their line, missing ones interpolated; None of a column without change."""
    rows = np.arange(len(column), dtype=np.float64)
    known = np.isfinite(column)
    if known.sum() < 4:
        return None
    filled = np.interp(rows, rows[known], column[known])
    centred = rows - rows.mean()
    slope = (centred * filled).sum() / max((centred**2).sum(), 1.0)
    rest = filled - filled.mean() - slope * centred
    scale = float(np.abs(filled).max())
    return rest if np.sqrt((rest**2).mean()) > 1e-9 * max(scale, 1e-300) else None


def _correlation(rows: Sequence[np.ndarray], lag: int) -> float:
    """Mean autocorrelation at a lag."""
    if lag < 1:
        return 1.0
    return float(np.mean([_one_correlation(row[lag:], row[: len(row) - lag]) for row in rows]))


def _one_correlation(later: np.ndarray, earlier: np.ndarray) -> float:
    power = np.sqrt((later @ later) * (earlier @ earlier))
    return float(later @ earlier / power) if power > 0 else 0.0


def _moments(series: Sequence[Series], columns: tuple[str, ...]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for place, name in enumerate(columns[:MAX_COLUMNS]):
        parts = [one.values[:, place] for one in series]
        count = sum(int(np.isfinite(part).sum()) for part in parts)
        if count == 0:
            continue
        mean = sum(float(part[np.isfinite(part)].sum()) for part in parts) / count
        square = sum(float(np.square(part[np.isfinite(part)] - mean).sum()) for part in parts) / count
        figures |= {f"mean {name}": float(f"{mean:.6g}"), f"std {name}": float(f"{square**0.5:.6g}")}
    return figures
