"""What text detection finds on one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.prediction import Prediction


@dataclass(frozen=True)
class TextDetPrediction(Prediction):
    """The text boxes of one image.

    Attributes:
        quads: float32 (N, 4, 2), whole pixels, clockwise from the top left; a list of (P, 2) for polygons.
        scores: float32 (N,), mean probability inside each box before it was grown, 0 to 1.
    """

    quads: np.ndarray | list[np.ndarray]
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        span = f", scores {self.scores.min():.2f} to {self.scores.max():.2f}" if len(self) else ""
        return f"TextDetPrediction({len(self)} boxes{span})"

    def to_json(self) -> list[dict[str, Any]]:
        """``[{"points": [[x, y], …], "score": s}, …]`` of plain numbers."""
        return [
            {"points": [[int(x), int(y)] for x, y in points], "score": round(float(score), 6)}
            for points, score in zip(self.quads, self.scores, strict=True)
        ]

    def findings(self) -> dict[str, Any]:
        """``dt_polys`` and ``dt_scores``, as PaddleX names them."""
        return {"dt_polys": [np.asarray(points, np.int16) for points in self.quads], "dt_scores": self.scores.tolist()}
