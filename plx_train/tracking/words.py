"""Foreign words in MLflow, whose pages show texts as they are: the functions that every name and value passes."""

from __future__ import annotations

import re
from pathlib import Path

from plx_train.ground.characters import json_text, legible
from plx_train.ground.parsed import parse_json

LONGEST_KEY = 250
"""Characters of a name that MLflow takes."""
LONGEST_NAME = 500
"""Characters of the name of a run, an experiment or a dataset that it takes."""


def clean_key(key: str) -> str:
    """A name MLflow takes: other characters become ``_``, the end of an overlong one is cut."""
    return re.sub(r"[^\w\-./ ]", "_", key, flags=re.ASCII).strip("/")[:LONGEST_KEY] or "_"


def clean_text(text: str, most: int = LONGEST_NAME) -> str:
    """A value, or a name of a run, experiment or dataset: spelled out, and cut to `most` characters, visibly."""
    shown = legible(text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def path_text(path: Path) -> str:
    """A path that `path_of` reads again: in JSON's quotes where something in it can't be seen."""
    text = str(path)
    return text if legible(text) == text else json_text(text)


def path_of(text: str) -> Path:
    """The path that `path_text` wrote."""
    if text.startswith('"'):
        try:
            return Path(str(parse_json(text)))
        except ValueError:
            pass
    return Path(text)
