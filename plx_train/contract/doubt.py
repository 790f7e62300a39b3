"""What speaks against a sample's label."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.truth import Outline

DOUBTS = {
    "class": "another class",
    "label": "a label that does not hold",
    "no label": "a label that is missing",
    "text": "another text",
    "missing": "an object that is not labelled",
    "spare": "a label where nothing is",
    "twice": "an object that is labelled twice",
    "place": "a label beside the place",
}
"""Kinds of doubts, in words."""


@dataclass(frozen=True)
class Doubt:
    """What speaks against a label.

    Attributes:
        kind: one of `DOUBTS`.
        score: how much does, 0 to 1; compares within one room.
        label: what the label says, in words; empty where it says nothing.
        suggestion: what it should say; empty: nothing.
        box: the place in the image that it is about, x1, y1, x2, y2 in pixels; None: all of it.
    """

    kind: str
    score: float
    label: str
    suggestion: str
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Suspicion:
    """Doubts about a sample's truth, one at least.

    Attributes:
        doubts: most first.
        truth: what it would be with all suggestions taken, as formats give it.
    """

    doubts: tuple[Doubt, ...]
    truth: str | tuple[str, ...] | tuple[Outline, ...]

    @property
    def score(self) -> float:
        """That of the first doubt."""
        return self.doubts[0].score


def suspicion(doubts: list[Doubt], truth: str | tuple[str, ...] | tuple[Outline, ...]) -> Suspicion | None:
    """The doubts, most first; None where there are none."""
    return Suspicion(tuple(sorted(doubts, key=lambda doubt: -doubt.score)), truth) if doubts else None
