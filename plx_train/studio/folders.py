"""Folders of this machine, as far as the studio may look: to be chosen from, their tables, and copies of these."""

from __future__ import annotations

import csv
import os
import shutil
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
SUFFIXES = (".csv", ".tsv")
MENDED = "mended"
"""Folder of a copy in which no row stands twice."""


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
        num_tables += suffix in SUFFIXES
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
    paths = sorted(path for path in root.iterdir() if path.suffix.lower() in SUFFIXES and is_inside(root, path))
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


def without_doubled_rows(root: Path, target: Path) -> int:
    """Copies a folder's tables without rows that follow one that is the same to the letter; how many there were.

    Raises:
        UserError: there are none, or the tables can't be copied; then nothing is left.
    """
    scratch = target.with_name(f".{target.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        scratch.mkdir(parents=True)
        paths = [path for path in sorted(root.iterdir()) if path.suffix.lower() in SUFFIXES and is_inside(root, path)]
        number = sum(_copied(path, scratch / path.name) for path in paths)
        if not number:
            raise UserError("no row stands twice to the letter: rows of one time that differ are mended in the file")
        shutil.rmtree(target, ignore_errors=True)
        scratch.rename(target)
    except OSError as error:
        raise UserError(f"{root} can't be copied ({error.strerror or error})") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return number


def _copied(path: Path, target: Path) -> int:
    number, last = 0, None
    with path.open("rb") as given, target.open("wb") as file:
        for line in given:
            row = line.rstrip(b"\r\n")
            if row and row == last:
                number += 1
                continue
            last = row
            file.write(line)
    return number
