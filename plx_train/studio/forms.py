"""Forms for the options of a command, made from what the options say of themselves."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from plx_train.config.compose import compose_run
from plx_train.config.groups import Preset, presets
from plx_train.config.schema import options_with_module
from plx_train.config.written import MISSING, written
from plx_train.contract.option import Option, Trait
from plx_train.contract.room import AnyRoom
from plx_train.contract.rooms import load_room
from plx_train.contract.truth import Truth
from plx_train.ground.credentials import without_credentials
from plx_train.ground.errors import UserError
from plx_train.vision.room import ImageRoom

FIRST = {
    "trainer.max_time": "Time",
    "device": "Device",
    "trainer.epochs": "Epochs",
    "module.network": "Network",
    "module.dict": "Characters",
    "optimizer.lr": "Learning rate",
    "trainer.batch_size": "Batch",
    "dataset.pool": "Unlabelled images",
    "dataset.labelled": "Part of the labels",
}
"""Keys that matter first, and what they are in words; the rest is folded away."""
ELSEWHERE = ("mode", "module", "output", "dataset.root", "run", "resume", "pipeline", "input", "device.type")
"""Keys that have a place of their own on the page."""
OF_OTHER_MODES = ("serve", "studio", "doctor", "promote", "sweep", "quantize", "suggest", "audit", "pipeline", "models")
"""Sections that a training does not read."""

# Hydra keeps what it composes in one place for all threads.
_COMPOSING = threading.Lock()


def _reached(said: Sequence[str]) -> str:
    """What comments say of the recipe's command: to the end of the sentence, however many lines it takes."""
    place = next((place for place, line in enumerate(said) if line.startswith("scripts/run ")), len(said))
    words = " ".join(said[place:]).partition(": ")[2]
    return re.split(r"(?<=\.)\s", words, maxsplit=1)[0]


def modules() -> list[dict[str, Any]]:
    """What can be trained: name, sentence, what its recipe reached, and the kind of truth that it learns from."""
    found = []
    for one in presets("module").values():
        comments = [line[1:].strip() for line in one.path.read_text("utf-8").splitlines() if line.startswith("#")]
        said = [line for line in comments if not line.startswith("@package")]
        reached = _reached(said[1:])
        try:
            room = load_room(one.picks["schema"])
        except UserError:
            continue
        found.append(
            {
                "name": one.name,
                "sentence": one.sentence,
                "reached": reached,
                "dataset": one.picks.get("dataset", ""),
                "kind": kind.name.lower() if (kind := _kind(room, one)) else None,
                "seesImages": isinstance(room, ImageRoom),
                "room": room.name,
                "takesPool": room.pool_schedule is not None,
            }
        )
    return found


def _kind(room: AnyRoom, one: Preset) -> Truth | None:
    """The kind of truth that a recipe learns from; None: it needs no labels, or reads tables."""
    options = room.options()
    for key, value in one.content.get("module", {}).items():
        if hasattr(options, key) and not isinstance(value, dict):
            setattr(options, key, value)
    return room.truth(options)


@lru_cache(maxsize=64)
def form(module: str) -> dict[str, Any]:
    """The options of a training of `module`, with the values that its recipe gives them.

    Raises:
        UserError: there is no such module.
    """
    with _COMPOSING:
        composed = compose_run([f"module={module}"])
    options = options_with_module(composed.options.module)
    fields = [_field(one, composed.flat) for one in options.values() if _is_shown(one)]
    first = [one for key in FIRST for one in (_device(), *fields) if one["key"] == key]
    return {"module": module, "first": first, "rest": [one for one in fields if one["key"] not in FIRST]}


def _device() -> dict[str, Any]:
    """The choice of a device, which is a preset."""
    names = list(presets("device"))
    return {
        "key": "device",
        "title": FIRST["device"],
        "isList": False,
        "sentence": "Where it is computed; auto: on the first accelerator, where there is none on the processor.",
        "takes": ", ".join(names),
        "type": "str",
        "choices": names,
        "isOptional": False,
        "default": "auto",
    }


def _is_shown(one: Option) -> bool:
    section = one.key.partition(".")[0]
    return Trait.INTERNAL not in one.traits and one.key not in ELSEWHERE and section not in OF_OTHER_MODES


def _field(one: Option, flat: Mapping[str, Any]) -> dict[str, Any]:
    value = flat.get(one.key, one.default)
    return {
        "key": one.key,
        "title": FIRST.get(one.key),
        "isList": one.type_name.startswith("list"),
        "sentence": one.sentence,
        "takes": one.takes,
        "type": one.type_name,
        "choices": list(one.choices.names) if one.choices and not one.type_name.startswith("list") else None,
        "isOptional": one.is_optional,
        "default": "" if value == MISSING or value is None else written(value),
    }


def fault_of(overrides: Sequence[str]) -> str | None:
    """What is wrong with a command's options, in a sentence; None: nothing is."""
    texts = [text for text in overrides if text not in ("-m", "--multirun")]
    is_sweep = len(texts) < len(overrides)
    try:
        with _COMPOSING:
            compose_run([text for text in texts if not (is_sweep and _varies(text))])
    except UserError as error:
        return str(error)
    return None


def _varies(text: str) -> bool:
    value = text.partition("=")[2]
    return ("," in value and not value.startswith(("[", "{", "'", '"'))) or "(" in value


def command(overrides: Sequence[str]) -> str:
    """What a terminal would be given."""
    return without_credentials(f"python -m plx_train {shlex.join(overrides)}")
