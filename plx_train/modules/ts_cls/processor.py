"""Pre- and postprocessing of classification as PaddleX does it: scaled rows, filled up at the end, and their mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from plx_train.ground.errors import UserError
from plx_train.series.frame import Series, waves
from plx_train.series.prediction import SeriesPrediction
from plx_train.series.processor import (
    PICKLED,
    SECTION,
    Facts,
    SeriesProcessor,
    as_float32,
    floats,
    integers,
    texts,
    with_gaps,
)
from plx_train.series.read.given import header_given
from plx_train.series.read.reader import Columns
from plx_train.series.scale import write_scaler_pkl

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class TsClsPrediction(SeriesPrediction):
    """The class of a series.

    Attributes:
        classes: int64 (n,), numbers of all classes, likeliest first.
        scores: float64 (n,), their probabilities, of sum 1.
        names: their names, n of them.
        rows_left_out: at the series' end, of one that is longer than the network takes.
    """

    classes: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...]
    rows_left_out: int = 0

    @property
    def label(self) -> str:
        """Name of the likeliest class."""
        return self.names[0]

    @property
    def score(self) -> float:
        """Probability of the likeliest class."""
        return float(self.scores[0])

    def to_json(self) -> dict[str, Any]:
        """``classid`` and ``score`` as PaddleX names them, ``label``, and ``probabilities`` by name."""
        scores = [round(float(score), 5) for score in self.scores]
        found: dict[str, Any] = {"classid": int(self.classes[0]), "label": self.label, "score": scores[0]}
        found["probabilities"] = dict(zip(self.names, scores, strict=True))
        return found | ({"rows_left_out": self.rows_left_out} if self.rows_left_out else {})

    def table(self, time: str) -> pandas.DataFrame:
        """Number, name and score of the likeliest class, in one row."""
        import pandas

        columns = {"classid": [int(self.classes[0])], "label": [self.label], "score": [self.score]}
        return pandas.DataFrame(columns, pandas.Index([0], name="sample"))

    def findings(self) -> dict[str, Any]:
        """All classes, best first."""
        return {"label_names": list(self.names), "scores": np.asarray(self.scores, np.float64)}


@dataclass(frozen=True, kw_only=True)
class TsClsProcessor(SeriesProcessor):
    """Pre- and postprocessing of classification.

    Attributes:
        length: rows that the network takes: longer series lose their end, shorter ones are filled up with zeros.
        columns: the channels.
        labels: names of the classes by number.
        median_rows: of the training series: no kernel of ROCKET reaches further.
        is_standardised: the network brings each series to mean 0 and deviation 1 by itself.
        temperature: what the logits are divided by (Guo et al., 2017): above 1 scores are less sure of themselves.
    """

    length: int
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    median_rows: int = 0
    temperature: float = 1.0
    is_standardised: bool = False

    steps_matter: ClassVar[bool] = False
    shipped: ClassVar[Facts] = {
        "labels": texts, "time": str, "group": str, "frequency": str, "mean": floats, "std": floats,
        "median_rows": int, "periods": integers, "temperature": float, "is_standardised": bool,
        "missing": floats, "time_format": str,
    }  # fmt: skip

    def wanted(self, given: Any) -> Columns:
        """Columns to read; of a file that is a single series, times and groups are not asked for."""
        columns = Columns(self.time, self.columns, self.group)
        header = header_given(given)
        if header is None:
            return columns
        time, group = (name if name in header else None for name in (self.time, self.group))
        return Columns(time, self.columns, group)

    def example(self) -> Series:
        """A series as `preprocess` takes it."""
        values = waves(self.length, self.mean, self.std)
        return Series("example", "example", np.arange(self.length), False, self.columns, values)

    def preprocess(self, series: Series) -> tuple[tuple[np.ndarray, np.ndarray], int]:
        """Rows float32 (length, C) with their mask float32 (length,), and how many rows were left out.

        Raises:
            UserError: the series has no row, or a missing value.
        """
        values = self.scaled(series)
        features, mask = filled([values], self.length)
        return (features[0], mask[0]), len(series) - len(values)

    def scaled(self, series: Series) -> np.ndarray:
        """The first rows, `length` at most, as the network takes them, float32 (T, C).

        Raises:
            UserError: as `preprocess`.
        """
        if not len(series):
            raise UserError(f"{series.name} has no row: a class is told by one row at least")
        rows = np.asarray(series.values[: self.length], np.float64)
        names = with_gaps(rows, self.columns)
        if names:
            raise UserError(f"{series.name}: {names} holds missing values: fill them")
        return as_float32(self.scaler.transform(rows), self.columns, series.name)

    def postprocess(self, output: np.ndarray, context: int) -> TsClsPrediction:
        """All classes of logits (n,), likeliest first; `context` is the number of rows left out."""
        scores = softmax(output, self.temperature)
        order = np.argsort(-scores, kind="stable")
        return TsClsPrediction(order, scores[order], tuple(self.labels[number] for number in order), context)

    @property
    def rows(self) -> tuple[int, int]:
        """The length, and one class."""
        return self.length, 1

    @property
    def inputs(self) -> dict[str, list[int]]:
        """Shapes of the graph's inputs."""
        return {"features": [1, self.length, len(self.columns)], "pad_mask": [1, self.length]}

    def columns_info(self) -> dict[str, Any]:
        """The section ``info_params``; PaddleX names no classes, its classid is the place in `labels`.

        Of a file of several groups it would take the first alone if it knew their column, so it is not told.
        """
        time = {"time_col": self.time} if self.time else {}
        return {"target_cols": list(self.columns), **time, "freq": self.paddlex_frequency}

    def switches(self) -> dict[str, Any]:
        """Values are scaled."""
        return {"scale": True}

    def write_files(self, folder: Path) -> None:
        """Writes ``scaler.pkl`` for PaddleX."""
        write_scaler_pkl(folder / "scaler.pkl", self.scaler, self.columns)

    @classmethod
    def from_inference(cls, inference: dict[str, Any]) -> TsClsProcessor:
        """The processor that an ``inference.yml`` of this room describes.

        Raises:
            UserError: it is of another kind, or PaddleX's own, which does not say its classes or holds pickled scaling.
        """
        if not {"features", "pad_mask"} <= set(inference.get("input_data") or {}):
            raise UserError("it has no inputs features and pad_mask, which classification of series needs")
        own = inference.get(SECTION)
        if not isinstance(own, dict):
            raise UserError(f"it names no classes, and {PICKLED}: train it here")
        columns = texts(inference["info_params"]["target_cols"])
        return cls(length=int(inference["input_data"]["pad_mask"][-1]), columns=columns, **cls.facts_of(own))


def filled(series: list[np.ndarray], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Series (T, C), T at most `length`, filled up with zeros to float32 (N, length, C), and their mask (N, length)."""
    features = np.zeros((len(series), length, series[0].shape[1]), np.float32)
    mask = np.zeros((len(series), length), np.float32)
    for place, rows in enumerate(series):
        features[place, : len(rows)], mask[place, : len(rows)] = rows, 1
    return features, mask


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities float64 (…, n) of logits (…, n) divided by `temperature`."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
