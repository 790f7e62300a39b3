"""Folders of this machine, as far as the studio may look: to be chosen from, and the tables in them."""

from __future__ import annotations

import csv
import os
from itertools import islice
from pathlib import Path
from typing import Any

from plx_train.ground.confine import is_inside
from plx_train.ground.errors import UserError
from plx_train.ground.files import open_regular
from plx_train.studio.home import Home
from plx_train.vision.image import IMAGE_SUFFIXES

MOST_FOLDERS, MOST_ENTRIES = 400, 20_000
MOST_TABLES, MOST_ROWS, MOST_COLUMNS = 4, 8, 24
LONGEST_CELL = 60
READ_BYTES = 1 << 16


def look_into(home: Home, given: str) -> dict[str, Any]:
    """What lies in a folder, and the one above it where that may be looked into.

    Raises:
        UserError: it is none, or lies outside of what the studio may look into.
    """
    place = home.given_folder(given)
    folders, num_images, num_tables = [], 0, 0
    try:
        entries = list(islice(os.scandir(place), MOST_ENTRIES))
    except OSError as error:
        raise UserError(f"{place} can't be read ({error.strerror or error})") from None
    for entry in entries:
        suffix = Path(entry.name).suffix.lower()
        num_images += suffix in IMAGE_SUFFIXES
        num_tables += suffix in (".csv", ".tsv")
        if not entry.name.startswith(".") and _is_folder(entry):
            folders.append(entry.name)
    above = place.parent if any(is_inside(root, place.parent) for root in home.roots) else None
    return {
        "path": str(place),
        "above": str(above) if above and above != place else None,
        "folders": sorted(folders, key=str.lower)[:MOST_FOLDERS],
        "more": max(0, len(folders) - MOST_FOLDERS),
        "images": num_images,
        "tables": num_tables,
        "roots": [str(root) for root in home.roots],
    }


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def tables_in(root: Path) -> list[dict[str, Any]]:
    """The first rows of the tables in a folder, each cell shortened; none that a link outside of it names."""
    paths = sorted(path for path in root.iterdir() if path.suffix.lower() in (".csv", ".tsv") and is_inside(root, path))
    return [found for path in paths[:MOST_TABLES] if (found := _rows(path))]


def _rows(path: Path) -> dict[str, Any] | None:
    try:
        with open_regular(path) as file:
            text = file.read(READ_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return None
    lines = [line[:4000] for line in text.splitlines()[: MOST_ROWS + 1]]
    between = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=(lines or [""])[0].count)
    rows = [[cell[:LONGEST_CELL] for cell in row[:MOST_COLUMNS]] for row in csv.reader(lines, delimiter=between)]
    return {"name": path.name, "head": rows[:1], "rows": rows[1:]}
