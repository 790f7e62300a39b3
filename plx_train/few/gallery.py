"""What a teacher labelled in the last steps, kept to be shown: trusted, doubted, and said otherwise than before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.few.trust import TRUSTED

NUM_SHOWN = 4
"""Samples of each kind."""
TRUSTED_ONES, DOUBTED_ONES, CHANGED_ONES = KINDS = "trusted", "doubted", "changed"


@dataclass(frozen=True)
class Shown:
    """A sample of the pool as its teacher saw it.

    Attributes:
        view: uint8 (H, W, 3) BGR.
        before: what was said of it the time before, in words; empty where that was the first time.
    """

    name: str
    view: np.ndarray
    label: PseudoLabel
    weight: float
    before: str = ""


class Gallery:
    """The most trusted, the most doubted and a changed sample of each of the last batches; nothing is drawn for it."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[Shown]] = {kind: deque(maxlen=NUM_SHOWN) for kind in KINDS}
        self._said: dict[str, str] = {}

    def add(
        self, names: Sequence[str], views: Sequence[np.ndarray], labels: Sequence[PseudoLabel], weights: np.ndarray
    ) -> None:
        """Takes in a batch; of its views those are copied that are kept."""
        before = [self._said.get(name, "") for name in names]
        words = [label.words for label in labels]
        self._said |= dict(zip(names, words, strict=True))
        changed = (place for place, former in enumerate(before) if former and former != words[place])
        chosen = {
            TRUSTED_ONES: int(weights.argmax()) if weights.max() > TRUSTED else None,
            DOUBTED_ONES: int(weights.argmin()) if weights.min() <= TRUSTED else None,
            CHANGED_ONES: next(changed, None),
        }
        for kind, place in chosen.items():
            if place is not None:
                one = Shown(names[place], views[place].copy(), labels[place], float(weights[place]), before[place])
                self._kept[kind].append(one)

    def shown(self) -> Iterator[tuple[str, Shown]]:
        """Each with its kind, the newest first."""
        return ((kind, one) for kind, kept in self._kept.items() for one in reversed(kept))
