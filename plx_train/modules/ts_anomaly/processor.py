"""Pre- and postprocessing of anomaly detection as PaddleX does it, save that whole series are scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.ground.errors import UserError
from plx_train.modules.ts_anomaly.metric import events
from plx_train.modules.ts_anomaly.scores import root_scores
from plx_train.series.frame import Series, time_texts, waves
from plx_train.series.processor import SeriesProcessor
from plx_train.series.read.reader import Columns
from plx_train.series.scale import Scaler, write_scaler_pkl

INPUT = "observed_cov_numeric"
"""Name of the graph's input."""
SECTION = "Series"
"""Section of ``inference.yml`` that PaddleX skips."""


@dataclass(frozen=True)
class TsAnomalyPrediction:
    """How strange each row of a series is.

    Attributes:
        times: int64 (T,), nanoseconds since 1970 or whole numbers, as in the series.
        scores: float64 (T,), 0 or more: the squared error of the row, mean over features and over the windows that
            hold it, in squared training deviations; of a fusion the square of the mean rank, which is 1 for rows as
            strange as the strangest that was trained on.
        threshold: rows with this score or a higher one are anomalous.
    """

    times: np.ndarray
    scores: np.ndarray
    threshold: float
    is_datetime: bool

    @property
    def labels(self) -> np.ndarray:
        """1 where a row is anomalous, else 0, int64 (T,)."""
        return (self.scores >= self.threshold).astype(np.int64)

    def events(self) -> list[dict[str, Any]]:
        """Anomalous rows in a row: times of the first and the last, how many, and the highest score."""
        texts = self.time_texts()
        return [
            {"from": texts[first], "to": texts[end - 1], "rows": int(end - first),
             "score": float(self.scores[first:end].max())}
            for first, end in events(self.labels)
        ]  # fmt: skip

    def time_texts(self) -> list[str]:
        """The times as people write them, or whole numbers."""
        return time_texts(self.times, self.is_datetime)

    def to_json(self) -> dict[str, Any]:
        """Threshold, events, and of each row its time, score and label."""
        return {
            "threshold": self.threshold,
            "events": self.events(),
            "time": self.time_texts(),
            "score": self.scores.tolist(),
            "label": self.labels.tolist(),
        }


@dataclass(frozen=True)
class Scored:
    """Which rows a sample's scores belong to."""

    times: np.ndarray
    is_datetime: bool


@dataclass(frozen=True)
class TsAnomalyProcessor(SeriesProcessor):
    """Pre- and postprocessing of anomaly detection.

    Attributes:
        context: rows of a window.
        stride: rows between the windows that score a series.
        frequency: of the rows, as PaddleX writes it.
        mean, std: of the features, in training.
        threshold: score from which on a row is anomalous; before one is chosen 1, the error of giving back the mean.
        rule: where the threshold comes from, in a sentence.
        periods: what the training series said, for whoever evaluates the model again.
    """

    context: int
    stride: int
    features: tuple[str, ...]
    frequency: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    time: str | None = "timestamp"
    group: str | None = None
    threshold: float = 1.0
    rule: str = "Not chosen: the error of giving back the mean."
    periods: tuple[int, ...] = ()

    def wanted(self, given: Any) -> Columns:
        """The columns that the model was trained on."""
        return Columns(self.time, self.features, self.group)

    def example(self) -> Series:
        """A series of one window."""
        columns = waves(self.context, self.mean, self.std)
        return Series("example", "example", np.arange(self.context), False, self.features, columns)

    def scaled(self, series: Series) -> np.ndarray:
        """The features as the network sees them, float32 (T, C)."""
        return Scaler(self.mean, self.std).transform(np.asarray(series.values, np.float64)).astype(np.float32)

    def preprocess(self, series: Series) -> tuple[np.ndarray, Scored]:
        """All rows, scaled, float32 (T, C), and their times.

        Raises:
            UserError: the series is shorter than a window, or values are missing.
        """
        if len(series) < self.context:
            raise UserError(
                f"{series.name} has {len(series)} rows, but a window has {self.context}: give a longer series"
            )
        faulty = ~np.isfinite(series.values).all(axis=0)
        if faulty.any():
            names = ", ".join(name for name, is_faulty in zip(self.features, faulty, strict=True) if is_faulty)
            raise UserError(f"{series.name}: rows of {names} hold missing values: fill them, or leave the rows out")
        return self.scaled(series), Scored(series.times, series.is_datetime)

    def run(self, model: Callable[..., list[np.ndarray]], inputs: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        """Per series of a batch (N, T, C) the roots of its rows' scores, float64 (T,)."""
        return [root_scores(rows, lambda windows: model(windows)[0], self.context, self.stride) for rows in inputs[0]]

    def split_outputs(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """The graph's own outputs, windows (L, C)."""
        return list(outputs[0])

    def postprocess(self, output: np.ndarray, context: Scored) -> TsAnomalyPrediction:
        """Scores and labels of all rows, from the roots of the scores (T,)."""
        return TsAnomalyPrediction(context.times, np.square(output), self.threshold, context.is_datetime)

    def to_inference(self, model_name: str) -> dict[str, Any]:
        """The sections of ``inference.yml`` from which PaddleX scores a last window, and one of our own.

        PaddleX reads its scaling from ``scaler.pkl``, which `write_files` writes and nothing here ever opens.
        """
        freq = int(self.frequency) if self.frequency.isdigit() else self.frequency
        return {
            "Global": {"model_name": model_name},
            "size": {"in_chunk_len": self.context, "out_chunk_len": self.context, "skip_chunk_len": 0},
            "info_params": {"time_col": self.time, "feature_cols": list(self.features), "freq": freq},
            "model_threshold": self.threshold,
            "scale": True,
            "time_feat": False,
            "holiday": False,
            "input_data": {INPUT: [1, self.context, len(self.features)]},
            SECTION: {
                "stride": self.stride,
                "time": self.time,
                "group": self.group,
                "frequency": self.frequency,
                "mean": list(self.mean),
                "std": list(self.std),
                "rule": self.rule,
                "periods": list(self.periods),
            },
        }

    def write_files(self, folder: Path) -> None:
        """``scaler.pkl`` for PaddleX."""
        write_scaler_pkl(folder / "scaler.pkl", Scaler(self.mean, self.std))


def from_inference(inference: dict[str, Any]) -> TsAnomalyProcessor:
    """The processor that an ``inference.yml`` of this room describes; of PaddleX's own where it does not scale.

    Raises:
        UserError: it is of another kind, or PaddleX's own with a scaling, which is a pickle.
    """
    info, own = inference.get("info_params") or {}, inference.get(SECTION)
    if INPUT not in (inference.get("input_data") or {}) or "model_threshold" not in inference:
        raise UserError(f"it has no input {INPUT} and model_threshold, which anomaly detection needs")
    features, context = tuple(map(str, info["feature_cols"])), int(inference["size"]["in_chunk_len"])
    if not isinstance(own, dict):
        if inference.get("scale"):
            raise UserError(
                "its scaling is a pickled file, scaler.pkl, which could run anything when it is read: export it again"
            )
        own = {"mean": [0.0] * len(features), "std": [1.0] * len(features), "rule": "Given in inference.yml."}
    return TsAnomalyProcessor(
        context=context,
        stride=int(own.get("stride", max(context // 16, 1))),
        features=features,
        frequency=str(own.get("frequency", info.get("freq", 1))),
        mean=tuple(map(float, own["mean"])),
        std=tuple(map(float, own["std"])),
        time=own.get("time", info.get("time_col")),
        group=own.get("group"),
        threshold=float(inference["model_threshold"]),
        rule=str(own["rule"]),
        periods=tuple(map(int, own.get("periods") or ())),
    )
