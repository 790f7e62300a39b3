"""How well texts are read: whole texts, and characters by edit distance, each with and without spaces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from plx_train.contract.metric import Metric


@dataclass
class _Sums:
    """Of one way to compare; `num_characters` are the true texts'."""

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

    def update(self, prediction: Any, sample: dict[str, Any]) -> float:
        """Adds one text and returns its similarity, spaces counted.

        Args:
            prediction: has `text`.
            sample: ``labels``, the true text.
        """
        read, true = prediction.text, sample["labels"]
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

    def curve(self) -> list[tuple[float, float]]:
        """Nothing: a text is read or not."""
        return []


def edit_distance(first: str, second: str) -> int:
    """Fewest insertions, deletions and replacements of characters that turn one text into the other.

    The rows of the usual table are kept as bits of one number each (Myers 1999, as put by Hyyrö 2003).
    """
    if first == second or not first or not second:
        return 0 if first == second else max(len(first), len(second))
    full = (1 << len(first)) - 1
    places: dict[str, int] = {}
    for place, character in enumerate(first):
        places[character] = places.get(character, 0) | 1 << place
    rises, falls, distance = full, 0, len(first)
    for character in second:
        equal = places.get(character, 0) | falls
        diagonal = ((((equal & rises) + rises) ^ rises) | equal) & full
        across_rises = falls | (full & ~(diagonal | rises))
        across_falls = rises & diagonal
        distance += (across_rises >> (len(first) - 1)) - (across_falls >> (len(first) - 1))
        across_rises = (across_rises << 1 | 1) & full
        across_falls = (across_falls << 1) & full
        rises = across_falls | (full & ~(diagonal | across_rises))
        falls = across_rises & diagonal
    return distance
