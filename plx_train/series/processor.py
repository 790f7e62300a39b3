"""What the processing of all rooms of series has in common: how it takes what people give."""

from __future__ import annotations

from typing import Any

from plx_train.contract.processor import Processor
from plx_train.series.frame import Series
from plx_train.series.read.given import SERIES_SUFFIXES, one_series, series_given
from plx_train.series.read.reader import Columns


class SeriesProcessor(Processor):
    """Takes series from tables; `wanted` says which columns."""

    def wanted(self, given: Any) -> Columns:
        """The columns to read of what was given."""
        raise NotImplementedError

    @property
    def suffixes(self) -> frozenset[str]:
        """Of the files that `as_input` reads."""
        return SERIES_SUFFIXES

    def as_input(self, given: Any) -> Series:
        """The series in a table file, a data frame, or an array (T, C) of its columns.

        Raises:
            UserError: it is none of them, lacks a column, or holds several series.
        """
        return one_series(given, self.wanted(given))

    def as_inputs(self, given: Any) -> list[Series]:
        """The same, one series per group.

        Raises:
            UserError: it is none of them, or lacks a column.
        """
        return series_given(given, self.wanted(given))
