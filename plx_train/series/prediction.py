"""What the predictions of all rooms of series have in common: a table."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.prediction import Prediction

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


def time_index(times: np.ndarray, is_datetime: bool, name: str) -> pandas.Index:
    """Times int64 (T,) as a table's index; see `Series.times`."""
    import pandas

    return pandas.Index(times.astype("datetime64[ns]") if is_datetime else times, name=name)
