"""A copy of tables in which no row stands twice; the tables themselves stay as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

from plx_train.ground.confine import is_inside
from plx_train.ground.errors import UserError

SUFFIXES = (".csv", ".tsv")
MENDED = "mended"


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
