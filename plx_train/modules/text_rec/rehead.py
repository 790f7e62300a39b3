"""Fits a classifier to another dictionary: rows of characters that remain are kept, the others start anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.errors import WeightsError
from plx_train.modules.text_rec.dictionary import HINT, dictionary_of, listed

if TYPE_CHECKING:
    from plx_train.weights.fetch import WeightsSource

WEIGHT, BIAS = "head.ctc_head.fc.weight", "head.ctc_head.fc.bias"


def rehead(
    state: dict[str, np.ndarray], source: WeightsSource, characters: Sequence[str], target: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], str | None]:
    """`state` with a classifier for `characters`, and in words what was kept; unchanged where they are the source's.

    Args:
        target: the network's own tensors, of which new characters keep their initial rows.

    Raises:
        WeightsError: the source does not say which characters its classes are.
    """
    if WEIGHT not in state or BIAS not in state:
        return state, None
    num_classes = len(characters) + 2
    try:
        known = dictionary_of(source.path)
    except WeightsError:
        # A bare file of tensors has no list; with a dictionary named by hand the sizes must agree.
        if state[BIAS].shape == (num_classes,):
            return state, None
        raise
    if len(known) + 2 != len(state[BIAS]):
        raise WeightsError(
            f"weights={source.name} have {len(state[BIAS])} classes, but their dictionary of {len(known)} characters "
            f"asks for {len(known) + 2}: {HINT}"
        )
    if tuple(known) == tuple(characters):
        return state, None
    old = {character: place for place, character in enumerate((*known, " "), 1)}
    kept = [(place, old[character]) for place, character in enumerate((*characters, " "), 1) if character in old]
    places, rows = np.asarray([(0, 0), *kept]).T
    weight, bias = (np.array(target[name].numpy()) for name in (WEIGHT, BIAS))
    weight[:, places], bias[places] = state[WEIGHT][:, rows], state[BIAS][rows]
    new = [character for character in characters if character not in old]
    note = f"dictionary of {len(characters)} characters, {len(characters) - len(new)} of them known to the weights"
    if new:
        note += f"; new: {listed((character, 1) for character in new)}".replace(" 1×", "")
    return state | {WEIGHT: weight, BIAS: bias}, note
