"""Pre- and postprocessing of anomaly detection as PaddleX does it, save that whole series are scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from plx_train.contract.processor import Graph
from plx_train.ground.errors import UserError
from plx_train.metrics.events import events
from plx_train.modules.ts_anomaly.config import SCORES_PER_CONTEXT
from plx_train.modules.ts_anomaly.scores import root_scores
from plx_train.series.frame import Series, waves
from plx_train.series.prediction import RowsPrediction
from plx_train.series.processor import (
    Facts,
    SeriesProcessor,
    as_float32,
    floats,
    integers,
    own_section,
    texts,
    with_gaps,
)
from plx_train.series.read.reader import Columns

if TYPE_CHECKING:
    import pandas

INPUT = "observed_cov_numeric"
"""Name of the graph's input."""
UNCHOSEN, UNCHOSEN_RULE = 1.0, "Not chosen: the error of giving back the mean."
"""The threshold before one is chosen."""


@dataclass(frozen=True)
class TsAnomalyPrediction(RowsPrediction):
    """How strange each row of a series is.

    Attributes:
        scores: float64 (T,), 0 or more: the squared error of the row, mean over features and over the windows that
            hold it, in squared training deviations; of a fusion the square of the mean rank, which is 1 for rows as
            strange as the strangest that was trained on.
        threshold: rows with this score or a higher one are anomalous.
    """

    scores: np.ndarray
    threshold: float

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

    def to_json(self) -> dict[str, Any]:
        """Threshold, events, and of each row its time, score and label."""
        return {
            "threshold": self.threshold,
            "events": self.events(),
            "time": self.time_texts(),
            "score": self.scores.tolist(),
            "label": self.labels.tolist(),
        }

    def table(self, time: str) -> pandas.DataFrame:
        """Label 0 or 1 and score of every row that was scored, by its time."""
        return self.rows({"label": self.labels, "score": self.scores}, time)

    def findings(self) -> dict[str, Any]:
        """The threshold, and the events: runs of anomalous rows."""
        return {"threshold": float(self.threshold), "events": self.events()}


@dataclass(frozen=True)
class Scored:
    """Which rows a sample's scores belong to."""

    times: np.ndarray
    is_datetime: bool


@dataclass(frozen=True, kw_only=True)
class TsAnomalyProcessor(SeriesProcessor):
    """Pre- and postprocessing of anomaly detection.

    Attributes:
        context: rows of a window.
        stride: rows between the windows that score a series.
        threshold: score from which on a row is anomalous; before one is chosen 1, the error of giving back the mean.
        rule: where the threshold comes from, in a sentence.
    """

    context: int
    stride: int
    features: tuple[str, ...]
    threshold: float = UNCHOSEN
    rule: str = UNCHOSEN_RULE

    shipped: ClassVar[Facts] = {
        "stride": int, "time": str, "group": str, "frequency": str, "mean": floats, "std": floats, "rule": str,
        "periods": integers, "missing": floats, "time_format": str,
    }  # fmt: skip

    def wanted(self, given: Any) -> Columns:
        """The columns that the model was trained on."""
        return Columns(self.time, self.features, self.group)

    def example(self) -> Series:
        """A series of one window."""
        columns = waves(self.context, self.mean, self.std)
        return Series("example", "example", np.arange(self.context), False, self.features, columns)

    def scaled(self, series: Series) -> np.ndarray:
        """The features as the network sees them, float32 (T, C)."""
        return as_float32(self.scaler.transform(np.asarray(series.values, np.float64)), self.features, series.name)

    def preprocess(self, series: Series) -> tuple[np.ndarray, Scored]:
        """All rows, scaled, float32 (T, C), and their times.

        Raises:
            UserError: the series is shorter than a window, or values are missing.
        """
        if len(series) < self.context:
            raise UserError(
                f"{series.name} has {len(series)} rows, but a window has {self.context}: give a longer series"
            )
        names = with_gaps(series.values, self.features)
        if names:
            raise UserError(f"{series.name}: rows of {names} hold missing values: fill them, or leave the rows out")
        return self.scaled(series), Scored(series.times, series.is_datetime)

    def run(self, graph: Graph, inputs: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        """Roots of the rows' scores, float64 (T,), per series of a batch (N, T, C)."""
        return [root_scores(rows, lambda windows: graph(windows)[0], self.context, self.stride) for rows in inputs[0]]

    def postprocess(self, output: np.ndarray, context: Scored) -> TsAnomalyPrediction:
        """Scores and labels of all rows, from the roots of the scores (T,)."""
        return TsAnomalyPrediction(context.times, context.is_datetime, np.square(output), self.threshold)

    @property
    def rows(self) -> tuple[int, int]:
        """A window, which is given back."""
        return self.context, self.context

    @property
    def inputs(self) -> dict[str, list[int]]:
        """Shape of the graph's input."""
        return {INPUT: [1, self.context, len(self.features)]}

    def columns_info(self) -> dict[str, Any]:
        """The section ``info_params``: which columns PaddleX takes for what."""
        return {"time_col": self.time, "feature_cols": list(self.features), "freq": self.paddlex_frequency}

    def switches(self) -> dict[str, Any]:
        """The threshold, by which PaddleX marks the rows of a last window; values are scaled."""
        return {"model_threshold": self.threshold, "scale": True, "time_feat": False, "holiday": False}

    @classmethod
    def from_inference(cls, inference: dict[str, Any]) -> TsAnomalyProcessor:
        """The processor that an ``inference.yml`` of this room describes; of PaddleX's own where it does not scale.

        Raises:
            UserError: it is of another kind, or PaddleX's own with a scaling, which is a pickle.
        """
        if INPUT not in (inference.get("input_data") or {}) or "model_threshold" not in inference:
            raise UserError(f"it has no input {INPUT} and model_threshold, which anomaly detection needs")
        info, context = inference.get("info_params") or {}, int(inference["size"]["in_chunk_len"])
        features = texts(info["feature_cols"])
        given: dict[str, Any] = {
            "stride": max(context // SCORES_PER_CONTEXT, 1),
            "frequency": str(info.get("freq", 1)),
            "time": info.get("time_col"),
            "rule": "Given in inference.yml.",
        }
        return cls(
            context=context,
            features=features,
            threshold=float(inference["model_threshold"]),
            **(given | cls.facts_of(own_section(inference, len(features)))),
        )
