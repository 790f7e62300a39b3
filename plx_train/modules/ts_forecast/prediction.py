"""What a forecast is, and where it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.series.prediction import RowsPrediction

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class TsForecastPrediction(RowsPrediction):
    """The rows that follow a series.

    Attributes:
        values: float64 (H, C), in the targets' own units; the median where there are quantiles.
        targets: names of the C columns.
        quantiles: float64 (H, C, Q) and their levels (Q,), where they were asked for.
        scaled: float32 (H, C), on the axis of training.
    """

    values: np.ndarray
    targets: tuple[str, ...]
    scaled: np.ndarray
    levels: tuple[float, ...] = ()
    quantiles: np.ndarray | None = None

    def to_json(self) -> dict[str, Any]:
        """Times as text, and per target its values; with quantiles also those, by level."""
        found: dict[str, Any] = {"time": self.time_texts()}
        for column, name in enumerate(self.targets):
            found[name] = self.values[:, column].tolist()
        if self.quantiles is not None:
            by_level = zip(self.levels, np.moveaxis(self.quantiles, -1, 0), strict=True)
            found["quantiles"] = {
                str(level): dict(zip(self.targets, values.T.tolist(), strict=True)) for level, values in by_level
            }
        return found

    def table(self, time: str) -> pandas.DataFrame:
        """A column per target, with quantiles one more per level, ``load_q0.1``; a row per time."""
        columns = dict(zip(self.targets, self.values.T, strict=True))
        if self.quantiles is not None:
            for target, values in zip(self.targets, self.quantiles.transpose(1, 2, 0), strict=True):
                names = (f"{target}_q{level:g}" for level in self.levels)
                columns |= dict(zip(names, values, strict=True))
        return self.rows(columns, time)


@dataclass(frozen=True)
class Cutoff:
    """Where a forecast begins.

    Attributes:
        time: of the last row that was seen.
    """

    time: int
    is_datetime: bool
