"""A classifier for other classes: rows of those of the same name are carried over, the others start anew."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.ground.errors import UserError, WeightsError
from plx_train.runs.checkpoint import is_checkpoint, load_state
from plx_train.runs.exported import read_inference
from plx_train.runs.folder import INFERENCE_FILE


def classes_of(weights: Path) -> tuple[str, ...] | None:
    """The classes that weights were trained with: a checkpoint's or an export's; None where they don't say.

    Raises:
        WeightsError: what should say it can't be read.
    """
    return recorded_names(weights, "labels", "label_list")


def recorded_names(weights: Path, field: str, key: str) -> tuple[str, ...] | None:
    """The names of what weights tell apart; None where they don't say.

    Args:
        field: of the processor, by which a checkpoint keeps them.
        key: by which an export does, at its top, in ``PostProcess``, or in a step of it.

    Raises:
        WeightsError: what should say it can't be read.
    """
    folder = weights if weights.is_dir() else weights.parent
    found: Sequence[Any] | None = None
    if is_checkpoint(folder):
        recorded = load_state(folder).get("processor")
        found = recorded.get(field) if isinstance(recorded, dict) else None
    elif (folder / INFERENCE_FILE).is_file():
        found = _of_export(folder / INFERENCE_FILE, key)
    return tuple(map(str, found)) if isinstance(found, list | tuple) and found else None


def _of_export(path: Path, key: str) -> Sequence[Any] | None:
    try:
        content = read_inference(path.parent)
        post = content.get("PostProcess") or {}
        steps = [content, post, *post.values()]
    except (UserError, AttributeError) as error:
        raise WeightsError(f"{path} can't be read ({type(error).__name__})") from None
    return next((step[key] for step in steps if isinstance(step, dict) and key in step), None)


def rehead(
    state: dict[str, np.ndarray],
    known: Sequence[str] | None,
    classes: Sequence[str],
    target: Mapping[str, Any],
    heads: re.Pattern[str],
) -> tuple[dict[str, np.ndarray], str | None]:
    """`state` with a classifier for `classes`, and in words what was kept.

    Args:
        known: the classes of `state`; None: they are others.
        target: the network's own tensors, of which new classes keep their initial values.
        heads: names of the classifier's tensors, whose last axis is the classes.
    """
    names = [name for name in target if heads.match(name)]
    if not names or any(name not in state for name in names) or tuple(known or ()) == tuple(classes):
        return state, None
    old = {name: place for place, name in enumerate(known or ())}
    pairs = [(place, old[name]) for place, name in enumerate(classes) if name in old]
    places, rows = np.asarray(pairs, np.int64).reshape(-1, 2).T
    changed = with_rows(state, target, dict.fromkeys(names, -1), places, rows)
    return changed, f"classifier of {len(classes)} classes, {len(pairs)} of them known to the weights"


def with_rows(
    state: dict[str, np.ndarray],
    target: Mapping[str, Any],
    axes: Mapping[str, int],
    places: np.ndarray,
    rows: np.ndarray,
) -> dict[str, np.ndarray]:
    """`state` with the target's tensors named in `axes`, whose rows at `places` are the `rows` of its own.

    Args:
        target: the network's own tensors.
        axes: the axis of the rows, by the tensor's name.
    """
    changed = {}
    for name in axes.keys() & state.keys() & target.keys():
        old, new = (np.moveaxis(values, axes[name], 0) for values in (state[name], np.array(target[name].numpy())))
        if old.shape[1:] == new.shape[1:]:  # of another width: told by whoever sets the tensors
            new[places] = old[rows]
            changed[name] = np.moveaxis(new, 0, axes[name])
    return state | changed
