"""The sheet of facts of all rooms of series: how it takes what people give, and how it stands in ``inference.yml``."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from plx_train.contract.processor import Processor
from plx_train.ground.errors import UserError
from plx_train.series.frame import Series
from plx_train.series.read.given import SERIES_SUFFIXES, one_series, series_given
from plx_train.series.read.reader import Columns
from plx_train.series.scale import Scaler, write_scaler_pkl
from plx_train.series.step import check_steps

SECTION = "Series"
"""Section of ``inference.yml`` that PaddleX skips."""
MOST_VALUES = 20_000_000
"""Values of a series that a network may be given at once: memory is taken for them whatever the series has."""
Facts = Mapping[str, Callable[[Any], Any]]
"""Fields that ship, with what makes each of the value in ``inference.yml``."""
PICKLED = "its scaling is a pickled file, scaler.pkl, which could run anything when it is read"


@dataclass(frozen=True, kw_only=True)
class SeriesProcessor(Processor):
    """Takes series from tables, and keeps what the training series said.

    Attributes:
        mean, std: of the columns, in training.
        frequency: of the rows, as PaddleX writes it: 1h, 10min, or a whole number.
        time, group: names of the columns of times and of ids of series.
        periods: rows of the strongest frequencies in training, for whoever builds the network again.
        missing: numbers that marked missing values in training.
        time_format: how times were written, where day and month may be mistaken.
        steps: whether whole numbers that count time were even; None of others.
        shipped: what stands in the section of our own, in its order.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    frequency: str = "1"
    time: str | None = None
    group: str | None = None
    periods: tuple[int, ...] = ()
    missing: tuple[float, ...] = ()
    time_format: str | None = None
    steps: str | None = None

    shipped: ClassVar[Facts]
    steps_matter: ClassVar[bool] = True
    """Whether rows must be as far apart as they were in training."""

    def __post_init__(self) -> None:
        largest = max((math.prod(shape) for shape in self.inputs.values()), default=0)
        if largest > MOST_VALUES:
            raise UserError(
                f"the network would be given {largest / 1e6:.0f} million values of a series, above the limit of "
                f"{MOST_VALUES / 1e6:.0f} million: take fewer rows"
            )

    @abstractmethod
    def wanted(self, given: Any) -> Columns:
        """The columns to read of what was given."""

    @property
    @abstractmethod
    def rows(self) -> tuple[int, int]:
        """Rows that the network takes and gives."""

    @property
    @abstractmethod
    def inputs(self) -> dict[str, list[int]]:
        """Shapes of the graph's inputs for one sample, by name in their alphabetical order."""

    @abstractmethod
    def columns_info(self) -> dict[str, Any]:
        """The section ``info_params``: which columns PaddleX takes for what."""

    @abstractmethod
    def switches(self) -> dict[str, Any]:
        """The settings that PaddleX reads beside the sections."""

    @property
    def suffixes(self) -> frozenset[str]:
        """Suffixes of the files that `as_input` reads."""
        return SERIES_SUFFIXES

    @property
    def scaler(self) -> Scaler:
        """What brings the columns to the network's scale."""
        return Scaler(self.mean, self.std)

    @property
    def paddlex_frequency(self) -> int | str:
        """The frequency, whole numbers as such."""
        return int(self.frequency) if self.frequency.isdigit() else self.frequency

    def as_input(self, given: Any) -> Series:
        """The series in a table file, a data frame, or an array (T, C) of its columns.

        Raises:
            UserError: it is none of them, lacks a column, holds several series, or has another step than the model.
        """
        found = one_series(given, self._columns(given))
        self._check_steps(given, [found])
        return found

    def as_inputs(self, given: Any) -> list[Series]:
        """The same, one series per group.

        Raises:
            UserError: it is none of them, lacks a column, or has another step than the model.
        """
        found = series_given(given, self._columns(given))
        self._check_steps(given, found)
        return found

    def _columns(self, given: Any) -> Columns:
        return replace(self.wanted(given), missing=self.missing, time_format=self.time_format)

    def _check_steps(self, given: Any, found: Sequence[Series]) -> None:
        """Looks at the steps of a table; arrays and series have none, or were looked at before."""
        is_table = isinstance(given, str | Path | bytes) or self.time in getattr(given, "columns", ())
        if self.steps_matter and self.time and (is_table or (hasattr(given, "columns") and found[0].is_datetime)):
            check_steps(found, self.frequency, self.steps)

    def narrow(self, values: np.ndarray, columns: Sequence[str], series: Series) -> np.ndarray:
        """Rows (T, C) of `series` as networks take them, float32.

        Raises:
            UserError: a number is larger than any of 32 bits.
        """
        with np.errstate(over="ignore"):
            narrow = values.astype(np.float32)
        beyond = np.flatnonzero(np.isinf(narrow).any(axis=0))
        if len(beyond):
            names = ", ".join(columns[place] for place in beyond.tolist())
            raise UserError(
                f"{series.name} holds numbers that are too far from those the model was trained on, more than 32 bits "
                f"hold ({names}): if they mark missing values, leave these cells empty, or name the mark in "
                "dataset.missing when it is trained"
            )
        return narrow

    def to_inference(self, model_name: str) -> dict[str, Any]:
        """The sections of ``inference.yml`` as PaddleX reads them, and one of our own that `from_inference` reads.

        PaddleX reads its scaling from ``scaler.pkl``, which `write_files` writes and nothing here ever opens.
        """
        taken, given = self.rows
        return {
            "Global": {"model_name": model_name},
            "size": {"in_chunk_len": taken, "out_chunk_len": given, "skip_chunk_len": 0},
            "info_params": self.columns_info(),
            **self.switches(),
            "input_data": self.inputs,
            SECTION: {name: _plain(getattr(self, name)) for name in (*self.shipped, *self._rare())},
        }

    @classmethod
    def facts_of(cls, own: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that the section of our own names; older exports name fewer."""
        shipped = {**cls.shipped, **RARE}
        known = {name: own[name] for name in shipped if name in own}
        return {name: None if value is None else shipped[name](value) for name, value in known.items()}

    def _rare(self) -> list[str]:
        return [name for name in RARE if getattr(self, name)]

    def write_files(self, folder: Path) -> None:
        """Writes ``scaler.pkl`` for PaddleX."""
        write_scaler_pkl(folder / "scaler.pkl", self.scaler)


SeriesP = TypeVar("SeriesP", bound=SeriesProcessor)
"""The processor of a room of series."""


def own_section(inference: Mapping[str, Any], num_columns: int) -> dict[str, Any]:
    """The section of our own; of a model that does not scale, one that says so.

    Raises:
        UserError: it is PaddleX's own, whose scaling is a pickle.
    """
    own = inference.get(SECTION)
    if isinstance(own, dict):
        return own
    if inference.get("scale"):
        raise UserError(f"{PICKLED}: export it again")
    return {"mean": [0.0] * num_columns, "std": [1.0] * num_columns}


def with_gaps(values: np.ndarray, columns: Sequence[str]) -> str:
    """Names of the columns in which rows (T, C) hold missing values; empty where none does."""
    faulty = ~np.isfinite(values).all(axis=0)
    return ", ".join(name for name, is_faulty in zip(columns, faulty, strict=True) if is_faulty)


def floats(values: Any) -> tuple[float, ...]:
    """A list in ``inference.yml`` as numbers."""
    return tuple(map(float, values))


def integers(values: Any) -> tuple[int, ...]:
    """A list in ``inference.yml`` as whole numbers."""
    return tuple(map(int, values))


def texts(values: Any) -> tuple[str, ...]:
    """A list in ``inference.yml`` as texts."""
    return tuple(map(str, values))


RARE: Facts = {"missing": floats, "time_format": str, "steps": str}
"""Facts of all rooms that most models lack, and then leave out."""


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
