"""The score from which on something is called true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plx_train.data.classes import listed
from plx_train.ground.errors import UserError
from plx_train.metrics.ranking import ranked

DEFAULT = "default"
"""Key under which a mapping has the threshold of the classes that it does not name."""
LONGEST_NUMBER = 9
"""Digits of a class's number, beyond which it is none."""
MIN_OF_A_KIND = 5
"""Fewer samples that are true, or that are not, are no basis to choose a threshold on."""


def best_threshold(truth: np.ndarray, scores: np.ndarray, default: float = 0.5) -> float:
    """The threshold of the best F1, the middle between two scores; `default` where too few samples are of a kind.

    Args:
        truth: (N,), true or 1 where it holds.
        scores: (N,), 0 to 1.
    """
    holds, given = np.asarray(truth).astype(bool), np.asarray(scores, np.float64)
    if min(int(holds.sum()), int((~holds).sum())) < MIN_OF_A_KIND:
        return default
    ordered, ends, hits = ranked(holds, given)
    last = int(ends[int(np.argmax(2 * hits / (ends + 1 + holds.sum())))])
    below = ordered[last + 1] if last + 1 < len(ordered) else 0.0
    return float((ordered[last] + below) / 2)


def moved(probabilities: np.ndarray, thresholds: np.ndarray | float) -> np.ndarray:
    """Probabilities moved so that 0.5 is the threshold: their odds divided by the threshold's; float64, of one shape.

    Moving by ``1 - thresholds`` brings them back.
    """
    odds, limit = np.asarray(probabilities, np.float64), np.asarray(thresholds, np.float64)
    true, false = odds * (1 - limit), (1 - odds) * limit
    return true / (true + false)


def chosen_limits(given: Any, own: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Thresholds (classes,): `own` ones, but for what is `given` instead.

    Args:
        given: None; one number for all; one for each class; or some by the number or name of their class, and maybe
            one for the others as ``default``.
        names: of the classes.

    Raises:
        UserError: that is none of these.
    """
    limits = own.copy()
    if isinstance(given, Mapping):
        limits[:] = _checked(given.get(DEFAULT), DEFAULT) if DEFAULT in given else own
        for key in given:
            if key != DEFAULT:
                limits[_place(key, names)] = _checked(given[key], key)
    elif given is not None:
        values = list(given) if isinstance(given, list | tuple | np.ndarray) else [given] * len(names)
        if len(values) != len(names):
            raise UserError(f"threshold must be one number, or {len(names)}, one for each class")
        limits[:] = [_checked(value, name) for value, name in zip(values, names, strict=True)]
    return limits


def _checked(value: Any, key: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not 0 <= value <= 1:
        raise UserError(f"threshold of the class {key} must be a number from 0 to 1, not {value!r}")
    return float(value)


def _place(key: Any, names: Sequence[str]) -> int:
    """The number of a class, given by number or name."""
    if key in names:
        return list(names).index(key)
    text = str(key)
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else len(names)
    if number >= len(names):
        raise UserError(f"threshold names the class {text[:100]}, which is none of {listed(names)} or their numbers")
    return number
