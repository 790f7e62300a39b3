"""A classifier for other classes: columns of those of the same name are carried over, the others start anew."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from plx_train.ground.errors import WeightsError
from plx_train.runs.checkpoint import is_checkpoint, load_state
from plx_train.runs.folder import INFERENCE_FILE


def classes_of(weights: Path) -> tuple[str, ...] | None:
    """The classes that weights were trained with: a checkpoint's or an export's; None where they don't say.

    Raises:
        WeightsError: what should say it can't be read.
    """
    folder = weights if weights.is_dir() else weights.parent
    if is_checkpoint(folder):
        found = (load_state(folder).get("processor") or {}).get("labels")
    elif (folder / INFERENCE_FILE).is_file():
        found = _label_list(folder / INFERENCE_FILE)
    else:
        return None
    return tuple(str(name) for name in found) if found else None


def _label_list(path: Path) -> Sequence[Any] | None:
    """The list of labels of whichever step of ``PostProcess`` has one."""
    try:
        post = (yaml.safe_load(path.read_text("utf-8")) or {}).get("PostProcess") or {}
        lists = [step["label_list"] for step in post.values() if isinstance(step, dict) and "label_list" in step]
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise WeightsError(f"{path} can't be read ({type(error).__name__})") from None
    return lists[0] if lists else None


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
    changed = dict(state)
    for name in names:
        values = np.array(target[name].numpy())
        for place, former in pairs:
            values[..., place] = state[name][..., former]
        changed[name] = values
    return changed, f"classifier of {len(classes)} classes, {len(pairs)} of them known to the weights"
