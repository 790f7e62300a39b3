"""What a model says of an unlabelled sample, in the place of a label."""

from __future__ import annotations

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
        is_of_classes: whether it shows one of the classes at all, as far as is known.
    """

    truth: str | tuple[str, ...] | tuple[Outline, ...]
    confidence: float
    classes: tuple[int, ...] = ()
    scores: np.ndarray | None = None
    is_of_classes: bool = True
