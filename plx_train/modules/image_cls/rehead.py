"""Fits a classifier to other classes: those of the same name are kept, the others start anew."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from plx_train.ground.errors import WeightsError
from plx_train.runs.checkpoint import is_checkpoint
from plx_train.runs.folder import INFERENCE_FILE, STATE_FILE


def classes_of(weights: Path) -> tuple[str, ...] | None:
    """The classes that weights were trained with: a checkpoint's or an export's; None where they don't say.

    Raises:
        WeightsError: what should say it can't be read.
    """
    folder = weights if weights.is_dir() else weights.parent
    if is_checkpoint(folder):
        found = (_read(folder / STATE_FILE, json.loads).get("processor") or {}).get("labels")
    elif (folder / INFERENCE_FILE).is_file():
        post = _read(folder / INFERENCE_FILE, yaml.safe_load).get("PostProcess") or {}
        found = (post.get("Topk") or {}).get("label_list")
    else:
        return None
    return tuple(str(name) for name in found) if found else None


def _read(path: Path, parse: Any) -> dict[str, Any]:
    try:
        content = parse(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise WeightsError(f"{path} can't be read ({type(error).__name__})") from None
    return content if isinstance(content, dict) else {}


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
