"""What a model says of an unlabelled sample, in the place of a label."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from plx_train.contract.truth import Outline


@dataclass(frozen=True)
class PseudoLabel:
    """What a model says of an unlabelled sample.

    Attributes:
        truth: a class or a text, names of labels, or outlines, as formats give it.
        confidence: how sure it is of that, 0 to 1.
        classes: numbers of the classes in it; nothing where there are none.
        scores: of all classes by number, (classes,), where that is what the model gives.
        can_be_learned: whether there is anything to learn in it: one of the classes, a text that could be read.
    """

    truth: str | tuple[str, ...] | tuple[Outline, ...]
    confidence: float
    classes: tuple[int, ...] = ()
    scores: np.ndarray | None = None
    can_be_learned: bool = True

    @property
    def words(self) -> str:
        """What it says, in a line."""
        if isinstance(self.truth, str):
            return self.truth
        names = (each if isinstance(each, str) else each.label for each in self.truth if not _is_ignored(each))
        counted = (f"{count} {name}" if count > 1 else name for name, count in Counter(names).items())
        return ", ".join(counted) or "nothing"


def _is_ignored(each: str | Outline) -> bool:
    return isinstance(each, Outline) and each.is_ignored
