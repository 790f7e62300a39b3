"""The files that a folder holds, and what of it can't be read: told, never passed over in silence."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from plx_train.ground.errors import UserError


@dataclass(frozen=True)
class Listing:
    """What was found in a folder and those below it.

    Attributes:
        files: by their path relative to the folder, in order.
        faults: a sentence for each entry that looks like one of them and is none.
        others: how many files of other kinds there are, by suffix.
    """

    files: dict[str, Path] = field(default_factory=dict)
    faults: tuple[UserError, ...] = ()
    others: Counter[str] = field(default_factory=Counter)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to read, and nothing to say about that."""
        return not self.files and not self.faults


def files_in(folder: Path, suffixes: Collection[str]) -> Listing:
    """All files with these suffixes, in lower case, in `folder` and those below it; links are followed."""
    paths: list[Path] = []
    faults: list[UserError] = []
    others: Counter[str] = Counter()
    real = Path(os.path.realpath(folder))
    for found in _entries(folder, frozenset(map(str, (real, *real.parents)))):
        if isinstance(found, UserError):
            faults.append(found)
            continue
        fault = _fault_of(found, suffixes)
        if fault:
            faults.append(fault)
        elif found.suffix.lower() not in suffixes:
            others[found.suffix.lower()] += not found.is_dir()
        elif not found.is_dir():
            paths.append(found)
    return Listing({path.relative_to(folder).as_posix(): path for path in sorted(paths)}, tuple(faults), +others)


def _entries(folder: Path, holders: frozenset[str]) -> Iterator[Path | UserError]:
    """All below `folder`, folders too; `holders` are the real paths of those that it lies in, and its own."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        yield UserError(f"{folder} can't be read ({error.strerror or error})")
        return
    for path in paths:
        yield path
        if not path.is_dir():
            continue
        real = os.path.realpath(path)
        if real in holders:
            yield UserError(f"{path} is a link to a folder that it lies in itself, and is not followed")
        else:
            yield from _entries(path, holders | {real})


def _fault_of(path: Path, suffixes: Collection[str]) -> UserError | None:
    """What is wrong with an entry that should be read by its name."""
    is_wanted = path.suffix.lower() in suffixes
    try:
        kind = path.stat().st_mode
    except OSError as error:
        # One without a suffix may have been a link to a folder.
        if path.is_symlink() and (is_wanted or not path.suffix):
            return UserError(f"{path} is a link to {path.readlink()}, which is not there")
        return UserError(f"{path} can't be read ({error.strerror or error})") if is_wanted else None
    if not is_wanted or stat.S_ISREG(kind):
        return None
    if stat.S_ISDIR(kind):
        return UserError(f"{path} is a folder, no file; what lies in it is read")
    return UserError(f"{path} is no file that can be read, but a device, a pipe or a socket")
