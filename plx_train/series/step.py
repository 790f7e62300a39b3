"""The step of rows that are given to a finished model beside the step that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.ground.errors import UserError
from plx_train.series.frame import Series
from plx_train.series.frequency import LAST_DAY, SHORTEST_MONTH, Frequency, infer_frequency, parse_frequency
from plx_train.series.grid import grid_positions

EVEN, UNEVEN = "even", "uneven"
"""How whole numbers that count time were spaced in training."""
OF_UNEVEN, JITTER = 0.2, 0.01
"""Shares by which the usual step of uneven rows, and that of even ones, may differ from the model's."""
FEW, MAX_ALIKE = 8, 3
"""Rows below which gaps may be all that there is between them; rows of which equal gaps don't tell a step yet."""
MIN_PRESENT = 1 / 3
"""Share of the rows that the model's step asks for of which more must be there, where rows are few."""


def check_steps(samples: Sequence[Series], trained: str, steps: str | None = None) -> None:
    """Refuses series whose rows are not as far apart as those that a model was trained on.

    Gaps, and hours that daylight saving skips, are no other step; of a single row nothing is known.

    Args:
        trained: the model's step, as `Frequency.text`; a whole number says nothing of dates.
        steps: how whole numbers were spaced, for `trained` is 1 where they were not; None: older models don't say.

    Raises:
        UserError: a series has another step, or counts rows where the model knows dates.
    """
    try:
        wanted = parse_frequency(trained)
    except UserError:  # PaddleX takes more of pandas' names
        return
    for series in samples:
        if series.is_datetime == isinstance(wanted.text, int):
            if not series.is_datetime:
                raise UserError(
                    f"{series.name}: its times are whole numbers, those that the model was trained on dates, {trained} "
                    "apart: write dates"
                )
            continue
        if wanted.text == 1 and steps == UNEVEN:
            continue
        if len(series) > 1 and not _is_step(series, wanted, steps):
            raise UserError(
                f"{series.name}: its rows are {_told(series)} apart, those that the model was trained on {trained}: "
                "resample the table, or take a model of its step"
            )


def _is_step(series: Series, wanted: Frequency, steps: str | None) -> bool:
    if wanted.text == 1 and steps is None:
        # A model of uneven whole numbers has this step as well: only even ones of another tell of a mistake.
        gaps = np.diff(series.times)
        return bool((gaps != gaps[0]).any()) or len(gaps) == 1 or int(gaps[0]) == 1
    if len(series) < FEW and _has_gaps_alone(series.times, wanted):
        return True
    found = infer_frequency(series.times, series.is_datetime)
    if found is None and isinstance(wanted.text, int):
        return True
    if found is None:
        usual = float(np.median(np.diff(series.times)))
        return abs(usual - wanted.step) <= OF_UNEVEN * wanted.step
    if wanted.is_business or wanted.months:
        # A few rows may look like days, or like steps of 31 days: what counts is whether all stand on the grid.
        return _on_grid(series, wanted, found)
    return abs(found.step - wanted.step) <= JITTER * wanted.step and not found.months and not found.is_business


def _has_gaps_alone(times: np.ndarray, wanted: Frequency) -> bool:
    """Whether a few rows may be of a step, though most of them lack their neighbours."""
    positions, on_grid = grid_positions(times, wanted)
    gaps = np.diff(positions)
    if not on_grid.all() or (gaps < 1).any() or len(times) <= MIN_PRESENT * (positions[-1] + 1):
        return False
    return len(times) <= MAX_ALIKE or bool((gaps != gaps[0]).any() or gaps[0] == 1)


def _on_grid(series: Series, wanted: Frequency, found: Frequency) -> bool:
    if wanted.is_business:
        _, on_grid = grid_positions(series.times, wanted)
        return bool(on_grid.all()) and found.step == wanted.step and not found.months
    if found.months:
        return found.months == wanted.months and (found.day == LAST_DAY) == (wanted.day == LAST_DAY)
    return found.step >= SHORTEST_MONTH and abs(found.step - wanted.step) <= OF_UNEVEN * wanted.step


def _told(series: Series) -> str:
    found = infer_frequency(series.times, series.is_datetime)
    return str(found.text) if found is not None else "unevenly"
