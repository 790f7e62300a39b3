"""How much what a teacher says is trusted: a weight from 0 to 1 for each confidence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from plx_train.config.few_options import FIXED, FREEMATCH, SOFTMATCH
from plx_train.contract.pseudo_label import PseudoLabel

TRUSTED = 0.5
"""Weight above which a label is called trusted."""
KEPT = 0.99
"""Share of a running mean that stays when another batch comes."""
SPREAD = 2.0
"""Deviations below the mean at which a weight has all but fallen."""


class Trust(ABC):
    """Weighs pseudo-labels; what it has learned of them so far is its state."""

    @abstractmethod
    def weigh(self, labels: Sequence[PseudoLabel]) -> np.ndarray:
        """A weight for each, float32 (N,), after it has taken them in."""

    def state(self) -> dict[str, Any]:
        """What it has learned, JSON-able."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes back what `state` gave."""
        return


class Fixed(Trust):
    """All from a threshold on, none below (FixMatch, Sohn et al., 2020)."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def weigh(self, labels: Sequence[PseudoLabel]) -> np.ndarray:
        """1 or 0."""
        return np.asarray([label.confidence >= self.threshold for label in labels], np.float32)


class FreeMatch(Trust):
    """A threshold that follows the mean confidence, lower for classes that are seldom seen (Wang et al., 2023)."""

    def __init__(self) -> None:
        self.mean: float | None = None
        self.by_class: np.ndarray | None = None

    def weigh(self, labels: Sequence[PseudoLabel]) -> np.ndarray:
        """1 or 0."""
        confidences = _confidences(labels)
        self.mean = _moved(self.mean, float(confidences.mean()))
        scores = [label.scores for label in labels if label.scores is not None]
        if len(scores) < len(labels):
            return (confidences >= self.mean).astype(np.float32)
        found = np.mean(scores, axis=0)
        self.by_class = found if self.by_class is None else KEPT * self.by_class + (1 - KEPT) * found
        limits = self.mean * self.by_class / self.by_class.max()
        return (confidences >= [limits[list(label.classes)].max() for label in labels]).astype(np.float32)

    def state(self) -> dict[str, Any]:
        """The means."""
        return {"mean": self.mean, "by_class": None if self.by_class is None else self.by_class.tolist()}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes them back."""
        self.mean = state["mean"]
        self.by_class = None if state["by_class"] is None else np.asarray(state["by_class"])


class SoftMatch(Trust):
    """A weight that falls like a bell below the mean confidence, and is 1 above it (Chen et al., 2023)."""

    def __init__(self) -> None:
        self.mean: float | None = None
        self.variance: float | None = None

    def weigh(self, labels: Sequence[PseudoLabel]) -> np.ndarray:
        """A share, 0 to 1."""
        confidences = _confidences(labels)
        self.mean = _moved(self.mean, float(confidences.mean()))
        self.variance = _moved(self.variance, float(confidences.var()))
        below = np.minimum(confidences - self.mean, 0)
        return np.exp(-(below**2) / max(2 * self.variance / SPREAD**2, 1e-12)).astype(np.float32)

    def state(self) -> dict[str, Any]:
        """Mean and variance."""
        return {"mean": self.mean, "variance": self.variance}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes them back."""
        self.mean, self.variance = state["mean"], state["variance"]


def make_trust(name: str, threshold: float) -> Trust:
    """The way of that name; the threshold is that of `FIXED`."""
    return {FREEMATCH: FreeMatch, SOFTMATCH: SoftMatch}[name]() if name != FIXED else Fixed(threshold)


def _confidences(labels: Sequence[PseudoLabel]) -> np.ndarray:
    return np.asarray([label.confidence for label in labels], np.float64)


def _moved(mean: float | None, value: float) -> float:
    return value if mean is None else KEPT * mean + (1 - KEPT) * value
