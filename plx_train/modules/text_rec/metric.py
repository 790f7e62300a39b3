"""How well texts are read: whole texts, and characters by edit distance, each with and without spaces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from plx_train.contract.metric import Metric
from plx_train.contract.sample import Sample
from plx_train.metrics.edit_distance import edit_distance


@dataclass
class _Sums:
    """Sums of one way to compare; `num_characters` are the true texts'."""

    num_samples: int = 0
    num_exact: int = 0
    num_edits: int = 0
    num_characters: int = 0
    similarity: float = 0.0

    def add(self, read: str, true: str) -> float:
        """Takes in one text and returns its similarity."""
        edits = edit_distance(read, true)
        similarity = 1 - edits / max(len(read), len(true), 1)
        self.num_samples += 1
        self.num_exact += read == true
        self.num_edits += edits
        self.num_characters += len(true)
        self.similarity += similarity
        return similarity

    def figures(self) -> dict[str, float]:
        return {
            "accuracy": self.num_exact / max(self.num_samples, 1),
            "similarity": self.similarity / max(self.num_samples, 1),
            "character_accuracy": 1 - self.num_edits / max(self.num_characters, 1),
        }


@dataclass
class TextRecMetric(Metric):
    """Accumulates texts one by one."""

    errors: ClassVar[frozenset[str]] = frozenset()
    spaced: _Sums = field(default_factory=_Sums)
    without_space: _Sums = field(default_factory=_Sums)

    def update(self, prediction: Any, sample: Sample) -> float:
        """Adds one text and returns its similarity, spaces counted.

        Args:
            prediction: has `text`.
            sample: its ``truth`` is the true text.
        """
        read, true = prediction.text, sample.truth
        self.without_space.add(read.replace(" ", ""), true.replace(" ", ""))
        return self.spaced.add(read, true)

    def compute(self) -> dict[str, float]:
        """Over all texts; spaces count, but in figures whose names end with ``_no_space``.

        ``accuracy``: share of texts read without any fault. ``similarity``: mean of 1 − edits / length of the
        longer text. ``character_accuracy``: 1 − all edits / all true characters (1 − CER); below 0 where more is
        read than there is.
        """
        return self.spaced.figures() | {
            f"{name}_no_space": value for name, value in self.without_space.figures().items()
        }
