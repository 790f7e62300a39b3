"""A file to try a pipeline with: of the data that its model was trained on, else of those that are here already."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plx_train.config.groups import presets
from plx_train.contract.pipelines import declaration_of
from plx_train.ground.confine import is_inside
from plx_train.ground.foreign_yaml import parsed_yaml
from plx_train.ground.places import datasets_dir
from plx_train.runs.folder import CONFIG_FILE, EXPORT, INT8_EXPORT
from plx_train.studio.home import Home
from plx_train.studio.pipelines import parts_of

PICTURES, TABLES = (".jpg", ".jpeg", ".png"), (".csv",)
ANY_PICTURES = "pages"
"""Embedded data that have pictures for whatever reads some."""
MOST_LOOKED_AT = 2000
MOST_BYTES = 24 << 20


def sample_of(home: Home, config: Mapping[str, Any], field: str) -> Path | None:
    """The first file that a pipeline may be asked about; None where none is at hand.

    Args:
        field: of its requests, which says what it reads.
    """
    suffixes = TABLES if field == "csv" else PICTURES
    for folder in _folders(home, config, field):
        if any(is_inside(root, folder) for root in (*home.roots, datasets_dir())):
            found = next(_files(folder, suffixes), None)
            if found:
                return found
    return None


def _folders(home: Home, config: Mapping[str, Any], field: str) -> Iterator[Path]:
    for place, (part, _) in enumerate(parts_of(declaration_of(config))):
        if place and field == "file":
            # Later parts of what reads pages see pieces of them.
            break
        given = (config["SubModules"].get(part.key) or {}).get("model_dir")
        if given and ":/" not in given:
            yield from _trained_on(home.root / given)
        if field != "file":
            yield from _embedded(part.module)
    yield datasets_dir() / ANY_PICTURES


def _trained_on(model: Path) -> Iterator[Path]:
    """The data of the run that a model is of."""
    run = model.parent if model.name in (EXPORT, INT8_EXPORT) else model
    try:
        root = parsed_yaml((run / CONFIG_FILE).read_text("utf-8"))["dataset"]["root"]
        if Path(root).is_dir():
            yield Path(root)
    except (OSError, ValueError, KeyError, TypeError):
        return


def _embedded(room: str) -> Iterator[Path]:
    """The embedded data of a room's recipes, that of its own name first."""
    found = [one for one in presets("module").values() if one.picks.get("schema") == room and "dataset" in one.picks]
    for one in sorted(found, key=lambda each: each.name != room):
        dataset = presets("dataset").get(one.picks["dataset"])
        root = Path(str(dataset.settings.get("dataset.root", ""))) if dataset else Path()
        if root.is_absolute() and root.is_dir():
            yield root


def _files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    looked = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names, key=lambda each: (not each.startswith("val"), each)):
            looked += 1
            path = Path(place, name)
            if path.suffix.lower() in suffixes and path.is_file() and path.stat().st_size <= MOST_BYTES:
                yield path
        if looked > MOST_LOOKED_AT:
            return
