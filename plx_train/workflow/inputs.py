"""The files that ``input=`` names."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from plx_train.ground.errors import UserError
from plx_train.ground.listing import Listing, files_in
from plx_train.terminal.console import Console
from plx_train.vision.image import IMAGE_SUFFIXES


def find_files(path: Path, suffixes: Collection[str] = IMAGE_SUFFIXES) -> Listing:
    """Files by a name relative to `path`: the file itself, or all with these suffixes in a folder and its subfolders.

    Raises:
        UserError: there is none.
    """
    must_exist(path)
    if not path.is_dir():
        return Listing({path.name: path})
    found = files_in(path, suffixes)
    if found.is_empty:
        raise UserError(f"input={path} holds no file that can be read ({', '.join(sorted(suffixes))})")
    return found


def must_exist(path: Path) -> None:
    """
    Raises:
        UserError: there is nothing at `path`, or a link that leads nowhere.
    """
    if path.is_symlink() and not path.exists():
        raise UserError(f"input={path} is a link to {path.readlink()}, which is not there")
    if not path.exists():
        raise UserError(f"input={path} does not exist")


def tell_others(listing: Listing, console: Console) -> None:
    """Says which files of a folder are of kinds that are not read, so that none is missed unnoticed."""
    if listing.others:
        kinds = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in sorted(listing.others.items()))
        console.info(f"passed over, for their kind is not read here: {kinds}")


def teller(console: Console) -> tuple[list[UserError], Callable[[UserError], None]]:
    """What can't be read, and what tells of it and keeps it there: the rest goes on, and the exit code is 1."""
    faults: list[UserError] = []

    def tell(fault: UserError) -> None:
        console.error(str(fault))
        faults.append(fault)

    return faults, tell
