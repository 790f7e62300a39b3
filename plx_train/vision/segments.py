"""The class of each pixel of an image, as a model finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.prediction import Prediction
from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.truth import IGNORED, Outline, RunLengths

SURE = 0.8
"""How far ahead a class must be for its pixel to be learned."""


@dataclass(frozen=True)
class Segments(Prediction):
    """What a model sees at each pixel.

    Attributes:
        classes: numbers of classes, uint8 (H, W).
        names: of the classes, by number.
        ahead: by how much the probability of each pixel's class is above the next one's, float32 (H, W); None where
            nobody asked.
    """

    classes: np.ndarray
    names: tuple[str, ...]
    ahead: np.ndarray | None = None

    def __repr__(self) -> str:
        height, width = self.classes.shape
        return f"Segments({width} x {height} pixels)"

    @property
    def pixels(self) -> np.ndarray:
        """Pixels of each class, int64 (classes,)."""
        return np.bincount(self.classes.ravel(), minlength=len(self.names))

    def to_json(self) -> dict[str, Any]:
        """Height and width, the classes that are seen, and all pixels, row by row, as [class, pixels in a row]."""
        flat = self.classes.ravel()
        starts = np.flatnonzero(np.diff(flat, prepend=256 if len(flat) else 0))
        lengths = np.diff(starts, append=len(flat))
        runs = np.stack([flat[starts], lengths], axis=1).tolist() if len(flat) else []
        return {"size": list(self.classes.shape), "classes": self._seen(), "runs": runs}

    def findings(self) -> dict[str, Any]:
        """``pred`` int32 (1, H, W), as PaddleX has it, and the classes that are seen."""
        return {"pred": self.classes[None].astype(np.int32), "classes": self._seen()}

    def _seen(self) -> list[dict[str, Any]]:
        counts = self.pixels
        return [
            {"cls_id": int(number), "label": self.names[number], "pixels": int(counts[number])}
            for number in np.flatnonzero(counts)
        ]


def pseudo_mask(found: Segments) -> PseudoLabel:
    """What is seen, pixel by pixel; where a class is hardly ahead of the next, pixels count neither way."""
    unsure = np.zeros(found.classes.shape, bool) if found.ahead is None else found.ahead < SURE
    seen = np.flatnonzero(np.bincount(found.classes[~unsure], minlength=len(found.names)))
    # What lies in no outline is of class 0.
    marked = [
        Outline((), found.names[number], runs=RunLengths.of(found.classes == number)) for number in seen if number
    ]
    if unsure.any():
        marked.append(Outline((), IGNORED, True, RunLengths.of(unsure)))
    confidence = 1.0 if found.ahead is None else float(found.ahead.mean())
    return PseudoLabel(tuple(marked), confidence, tuple(map(int, seen)), can_be_learned=len(seen) > 0)
