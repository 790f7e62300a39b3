"""Pre- and postprocessing of classification as PaddleX does it: scaled rows, filled up at the end, and their mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.ground.errors import UserError
from plx_train.series.frame import Series, waves
from plx_train.series.processor import SeriesProcessor
from plx_train.series.read.given import header_given
from plx_train.series.read.reader import Columns
from plx_train.series.scale import Scaler, write_scaler_pkl

SECTION = "Series"
"""Section of ``inference.yml`` that PaddleX skips."""


@dataclass(frozen=True)
class TsClsPrediction:
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


@dataclass(frozen=True)
class TsClsProcessor(SeriesProcessor):
    """Pre- and postprocessing of classification.

    Attributes:
        length: rows that the network takes: longer series lose their end, shorter ones are filled up with zeros.
        columns: the channels.
        labels: names of the classes by number.
        mean, std: of the channels in training.
        frequency: of the rows, as PaddleX writes it.
        median_rows, periods: what the training series said, for whoever builds the network again.
        is_standardised: the network brings each series to mean 0 and deviation 1 by itself.
        temperature: what the logits are divided by (Guo et al., 2017): above 1 scores are less sure of themselves.
    """

    length: int
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    time: str | None = None
    group: str | None = None
    frequency: str = "1"
    median_rows: int = 0
    periods: tuple[int, ...] = ()
    temperature: float = 1.0
    is_standardised: bool = False

    @property
    def scaler(self) -> Scaler:
        """Of the channels."""
        return Scaler(self.mean, self.std)

    def wanted(self, given: Any) -> Columns:
        """Of a file that is a single series, times and groups are not asked for."""
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
        faulty = np.flatnonzero(~np.isfinite(rows).all(axis=0))
        if len(faulty):
            names = ", ".join(self.columns[column] for column in faulty)
            raise UserError(f"{series.name}: {names} holds missing values: fill them")
        return self.scaler.transform(rows).astype(np.float32)

    def split_outputs(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """The logits (n,) of each series."""
        return list(outputs[0])

    def postprocess(self, output: np.ndarray, context: int) -> TsClsPrediction:
        """All classes of logits (n,), likeliest first; `context` is the number of rows left out."""
        scores = softmax(output, self.temperature)
        order = np.argsort(-scores, kind="stable")
        return TsClsPrediction(order, scores[order], tuple(self.labels[number] for number in order), context)

    def to_inference(self, model_name: str) -> dict[str, Any]:
        """The sections of ``inference.yml`` from which PaddleX classifies; `from_inference` reads a section of our own.

        PaddleX reads its scaling from ``scaler.pkl``, which `write_files` writes and nothing here ever opens. It names
        no classes and knows no temperature: its classid is the place in `labels`. Of a file of several groups it
        would take the first alone if it knew the column, so it is not told.
        """
        info: dict[str, Any] = {"target_cols": list(self.columns)}
        if self.time:
            info["time_col"] = self.time
        info["freq"] = int(self.frequency) if self.frequency.isdigit() else self.frequency
        return {
            "Global": {"model_name": model_name},
            "size": {"in_chunk_len": self.length, "out_chunk_len": 1, "skip_chunk_len": 0},
            "info_params": info,
            "scale": True,
            "input_data": {"features": [1, self.length, len(self.columns)], "pad_mask": [1, self.length]},
            SECTION: {
                "labels": list(self.labels),
                "time": self.time,
                "group": self.group,
                "frequency": self.frequency,
                "mean": list(self.mean),
                "std": list(self.std),
                "median_rows": self.median_rows,
                "periods": list(self.periods),
                "temperature": self.temperature,
                "is_standardised": self.is_standardised,
            },
        }

    def write_files(self, folder: Path) -> None:
        """``scaler.pkl`` for PaddleX."""
        write_scaler_pkl(folder / "scaler.pkl", self.scaler, self.columns)


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


def from_inference(inference: dict[str, Any]) -> TsClsProcessor:
    """The processor that an ``inference.yml`` of this room describes.

    Raises:
        UserError: it is of another kind, or PaddleX's own, which does not say its classes or holds pickled scaling.
    """
    if not {"features", "pad_mask"} <= set(inference.get("input_data") or {}):
        raise UserError("it has no inputs features and pad_mask, which classification of series needs")
    own = inference.get(SECTION)
    if not isinstance(own, dict):
        raise UserError(
            "it names no classes, and its scaling is a pickled file, scaler.pkl, which could run anything when it is "
            "read: train it here"
        )
    return TsClsProcessor(
        length=int(inference["input_data"]["pad_mask"][-1]),
        columns=tuple(map(str, inference["info_params"]["target_cols"])),
        labels=tuple(map(str, own["labels"])),
        mean=tuple(map(float, own["mean"])),
        std=tuple(map(float, own["std"])),
        time=own.get("time"),
        group=own.get("group"),
        frequency=str(own.get("frequency", 1)),
        median_rows=int(own.get("median_rows", 0)),
        periods=tuple(map(int, own.get("periods") or ())),
        temperature=float(own.get("temperature", 1.0)),
        is_standardised=bool(own.get("is_standardised", False)),
    )
