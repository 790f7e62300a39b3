"""The files that ``input=`` names."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from plx_train.ground.errors import UserError
from plx_train.vision.image import IMAGE_SUFFIXES


def find_files(path: Path, suffixes: Collection[str] = IMAGE_SUFFIXES) -> dict[str, Path]:
    """Files by a name relative to `path`: the file itself, or all with these suffixes in a folder and its subfolders.

    Raises:
        UserError: there is none.
    """
    if path.is_file():
        return {path.name: path}
    if not path.is_dir():
        raise UserError(f"input={path} does not exist")
    found = sorted(item for item in path.rglob("*") if item.suffix.lower() in suffixes)
    if not found:
        raise UserError(f"input={path} holds no file that can be read ({', '.join(sorted(suffixes))})")
    return {item.relative_to(path).as_posix(): item for item in found}
