"""Fits a classifier to another dictionary: rows of characters that remain are kept, the others start anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.ground.errors import WeightsError
from plx_train.modules.text_rec.dictionary import HINT, dictionary_of, listed
from plx_train.modules.text_rec.targets import SHIFT
from plx_train.vision.heads import with_rows

if TYPE_CHECKING:
    from plx_train.weights.fetch import WeightsSource

WEIGHT, BIAS = "head.ctc_head.fc.weight", "head.ctc_head.fc.bias"
CLASS_AXES = {WEIGHT: 1, BIAS: 0}
TOKEN_AXES = {"head.gtc_head.embedding.embedding.weight": 0, "head.gtc_head.tgt_word_prj.weight": 1}
"""Tensors with a row for each class, or each of a guide's tokens, and the axis of the rows."""


def rehead(
    state: dict[str, np.ndarray], source: WeightsSource, characters: Sequence[str], target: Mapping[str, Any]
) -> tuple[dict[str, np.ndarray], str | None]:
    """`state` for `characters`, and in words what was kept; unchanged where they are the source's.

    Args:
        target: the network's own tensors, of which new characters keep their initial rows.

    Raises:
        WeightsError: the source does not say which characters its classes are.
    """
    if WEIGHT not in state or BIAS not in state:
        return state, None
    try:
        known = dictionary_of(source.path)
    except WeightsError:
        # A bare file of tensors has no list; with a dictionary named by hand the sizes must agree.
        if state[BIAS].shape == (len(characters) + 2,):
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
    state = with_rows(state, target, CLASS_AXES, places, rows)
    signs = np.arange(SHIFT + 1)
    places, rows = (np.concatenate([signs, of_class[1:] + SHIFT]) for of_class in (places, rows))
    state = with_rows(state, target, TOKEN_AXES, places, rows)
    new = [character for character in characters if character not in old]
    note = f"dictionary of {len(characters)} characters, {len(characters) - len(new)} of them known to the weights"
    if new:
        note += f"; new: {listed((character, 1) for character in new)}".replace(" 1×", "")
    return state, note
