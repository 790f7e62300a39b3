"""Confines paths that a file, a tag, a server or an archive names to the folder that they are about."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from plx_train.ground.errors import UserError
from plx_train.ground.files import LONGEST_NAME, longest_name

LONGEST_PATH = 4096
"""Characters of the longest path; longer texts are none."""
SHOWN = 100
SHA256 = re.compile(r"[0-9a-f]{64}")


class PathRefused(UserError):
    """A path that leads out of the folder it belongs to, or that is none."""


def confined(root: Path, name: object, what: str) -> Path:
    """The path that `name` means in `root`, links followed on the way; it need not be there.

    Args:
        name: relative to `root`, or absolute and in it.
        what: who names it, for the sentence.

    Raises:
        PathRefused: it leads out of `root`, or is no path.
    """
    if (
        not isinstance(name, str)
        or not name
        or "\0" in name
        or len(name) > LONGEST_PATH
        or longest_name(name) > LONGEST_NAME
    ):
        raise PathRefused(f"{what} names {_shown(name)}, which is no path")
    if "\\" in name and os.name != "nt":
        # On another system it would lead elsewhere.
        raise PathRefused(f"{what} names {_shown(name)}: a path with backslashes is none of this system")
    path = root / name
    if ".." in PurePosixPath(name).parts or not is_inside(root, path):
        raise PathRefused(f"{what} names {_shown(name)}, which leads out of {root}: nothing there is touched")
    return path


def plain_name(name: object, what: str) -> str:
    """`name`, which is that of a file, and no path.

    Raises:
        PathRefused: it is something else.
    """
    if not isinstance(name, str) or name in ("", ".", "..") or len(name) > LONGEST_PATH or re.search(r"[/\\\0]", name):
        raise PathRefused(f"{what} names {_shown(name)}, which is no plain name of a file")
    return name


def is_inside(root: Path, path: Path) -> bool:
    """Whether a path leads into `root`, links followed; one that can't be followed does not."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError):  # a loop of links, a name that no file system takes
        return False


def sha256_name(digest: object, what: str) -> str:
    """`digest`, which is a sha256 in hexadecimal.

    Raises:
        PathRefused: it is something else.
    """
    if not isinstance(digest, str) or not SHA256.fullmatch(digest):
        raise PathRefused(f"{what} is {_shown(digest)}, which is no sha256: somebody has written another text there")
    return digest


def refuse_leading_out(root: Path, place: Path | None = None) -> None:
    """Looks at all that lies in `place`, a file or folder in `root`, or at all of `root`.

    Raises:
        PathRefused: a link there leads out of `root`, or something is neither file nor folder nor link.
    """
    for path in _tree(place or root):
        try:
            mode = path.lstat().st_mode
        except OSError:  # gone since
            continue
        if stat.S_ISLNK(mode) and not is_inside(root, path):
            raise PathRefused(
                f"{path} is a link that leads out of {root}: put what it leads to in its place, or take it away"
            )
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
            raise PathRefused(f"{path} is neither a file nor a folder: take it away")


def _tree(place: Path) -> Iterator[Path]:
    yield place
    for folder, folders, files in os.walk(place):
        for name in (*folders, *files):
            yield Path(folder, name)


def _shown(name: object) -> str:
    text = repr(name)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
