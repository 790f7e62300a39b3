"""What the predictions of all rooms of series have in common: a table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.prediction import Prediction
from plx_train.series.frame import time_texts

if TYPE_CHECKING:
    import pandas


class SeriesPrediction(Prediction):
    """What a model finds in one series."""

    @abstractmethod
    def table(self, time: str) -> pandas.DataFrame:
        """What was found, with PaddleX's columns; `time` is the name of an index of times."""

    def findings(self) -> dict[str, Any]:
        """What a pipeline's result says beside the table."""
        return {}


@dataclass(frozen=True)
class RowsPrediction(SeriesPrediction):
    """A prediction of rows, each with its time.

    Attributes:
        times: int64 (T,), nanoseconds since 1970 or whole numbers, as in the series.
        is_datetime: whether they are nanoseconds.
    """

    times: np.ndarray
    is_datetime: bool

    def time_texts(self) -> list[str]:
        """The times as people write them, or whole numbers."""
        return time_texts(self.times, self.is_datetime)

    def rows(self, columns: Mapping[str, np.ndarray], time: str) -> pandas.DataFrame:
        """`columns` (T,) each as a table; `time` is the name of its index."""
        import pandas

        shown = self.times.astype("datetime64[ns]") if self.is_datetime else self.times
        return pandas.DataFrame(columns, pandas.Index(shown, name=time))
