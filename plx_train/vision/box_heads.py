"""A detector's head for other classes: rows of those of the same name are carried over, the others start anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

State = dict[str, np.ndarray]


def rehead(
    state: State, known: Sequence[str], classes: Sequence[str], target: Mapping[str, tuple[np.ndarray, int]]
) -> tuple[State, str | None]:
    """`state` with heads for `classes`, and in words what was kept.

    A class that the weights know under longer names only, as ``caption`` for ``figure_caption`` and ``table_caption``,
    begins with their mean. Of weights that name no classes, all rows are kept where they are as many. What sees the
    boxes is kept as it is.

    Args:
        known: the classes of `state`, in order.
        target: the network's own heads, and the axis of each that begins with the classes, of which new ones keep their
            initial values; what `state` lacks is left out.
    """
    target = {name: head for name, head in target.items() if name in state}
    if tuple(known) == tuple(classes) or not target:
        return state, None
    if not known and all(state[name].shape == values.shape for name, (values, _) in target.items()):
        return state, f"heads as they are: the weights don't name their {len(classes)} classes"
    sources = [sources_of(name, known) for name in classes]
    changed = {}
    for name, (values, axis) in target.items():
        if state[name].ndim != values.ndim:
            return state, None
        own, old = np.moveaxis(values, axis, 0), np.moveaxis(state[name], axis, 0)
        new = own.copy()
        num_old = len(old) - (len(own) - len(classes))
        if num_old < 1 or old.shape[1:] != own.shape[1:]:
            return state, None
        new[len(classes) :] = old[num_old:]
        for place, rows in enumerate(sources):
            if rows and max(rows) < num_old:
                new[place] = old[rows].mean(axis=0)
        changed[name] = np.moveaxis(new, 0, axis)
    found = [name for name, rows in zip(classes, sources, strict=True) if rows]
    return state | changed, f"heads of {len(classes)} classes, {len(found)} of them known to the weights"


def sources_of(name: str, known: Sequence[str]) -> list[int]:
    """Places of the known classes that a class begins with."""
    words = _words(name)
    same = [place for place, other in enumerate(known) if _words(other) == words]
    return same or [place for place, other in enumerate(known) if _words(other)[-len(words) :] == words]


def _words(name: str) -> list[str]:
    return name.lower().replace("_", " ").replace("-", " ").split()
