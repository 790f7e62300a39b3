"""Files: where they are kept between runs, what tells them apart, and how one is replaced."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from plx_train.ground.characters import bounded
from plx_train.ground.errors import UserError

READ_BYTES = 1 << 20
LONGEST_NAME = 255
"""Bytes of a file's name that file systems take."""
MOST_SHOWN = 60
"""Characters of a path that can't be one."""


def cache_folder() -> Path:
    """Where things are kept between runs: PLX_TRAIN_CACHE, or ~/.cache/plx_train."""
    given = os.environ.get("PLX_TRAIN_CACHE")
    return user_path(given) if given else Path.home() / ".cache" / "plx_train"


def state_folder() -> Path:
    """Where this user keeps what must not be lost: PLX_TRAIN_STATE, or plx_train in XDG_STATE_HOME or ~/.local/state.

    Raises:
        RuntimeError: the user has no home.
    """
    given = os.environ.get("PLX_TRAIN_STATE")
    if given:
        return user_path(given)
    shared = os.environ.get("XDG_STATE_HOME", "")
    # What is not absolute there is to be passed over.
    return (Path(shared) if Path(shared).is_absolute() else Path.home() / ".local" / "state") / "plx_train"


def user_path(given: str | Path) -> Path:
    """The path that a user means, ``~`` expanded; a relative one stays relative.

    Raises:
        UserError: the user after ``~`` is not known, or no file system takes a name as long.
    """
    try:
        path = Path(given).expanduser()
    except RuntimeError:
        raise UserError(f"{given} names the home of a user who does not exist here") from None
    longest = longest_name(path)
    if longest > LONGEST_NAME:
        shown = bounded(str(given), MOST_SHOWN)
        raise UserError(f"{shown} is no path: a name in it has {longest} bytes, {LONGEST_NAME} are possible")
    return path


def resolve_path(given: str | Path) -> Path:
    """The path that a user means, absolute: ``~`` expanded, relative to where the command runs."""
    return user_path(given).absolute()


def longest_name(path: str | Path) -> int:
    """Bytes of the longest name in a path."""
    return max((len(part.encode("utf-8", "surrogatepass")) for part in Path(path).parts), default=0)


def is_folder(path: Path) -> bool:
    """Whether it is one; a name that no file system takes is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def sha256(path: Path) -> str:
    """The hash of a file's content, hexadecimal.

    Raises:
        OSError: it can't be read.
    """
    digest = hashlib.sha256()
    update_digest(digest, path)
    return digest.hexdigest()


def update_digest(digest: Any, path: Path) -> None:
    """Feeds the content of an ordinary file to a hash, some of it at a time.

    Raises:
        OSError: it can't be read, or is a device or pipe.
    """
    with open_regular(path) as file:
        while block := file.read(READ_BYTES):
            digest.update(block)


def read_limited(path: Path, most: int) -> bytes:
    """The content of an ordinary file of at most `most` bytes, however large it grows meanwhile.

    Raises:
        OSError: it can't be read, is larger, or is a device or pipe.
    """
    with open_regular(path) as file:
        status = os.fstat(file.fileno())
        # Memory is taken for what is asked for, so no more is asked for than there is.
        content = file.read(min(status.st_size, most) + 1)
        while len(content) <= most and (more := file.read(READ_BYTES)):
            content += more
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most >> 20} MiB")
    return content


def open_regular(path: Path) -> BinaryIO:
    """An ordinary file opened for reading.

    Raises:
        OSError: it can't be read, or is a device or pipe.
    """
    # A pipe that nobody writes to must not hold the reader up.
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no ordinary file")
    return file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to: it takes the place of `path`, in one step, where the block ends well.

    Raises:
        OSError: it can't; what was there stays, and nothing is left beside it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def replace_file(path: Path, text: str, is_durable: bool = False) -> None:
    """Writes a file that nobody sees half of; its folder exists.

    Args:
        is_durable: it is on disk, not only on its way there, when this returns.

    Raises:
        OSError: it can't be written; what was there stays.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        if is_durable:
            file.flush()
            os.fsync(file.fileno())


def replace_folder(source: Path, target: Path) -> None:
    """Gives `source` the name `target`; a folder can't be renamed over a full one, so the old one steps aside first."""
    old = target.with_name(f".{target.name}.old")
    remove_folder(old)
    if target.exists():
        target.rename(old)
    source.replace(target)
    remove_folder(old)


def remove_folder(folder: Path) -> None:
    """Removes it if it is there."""
    shutil.rmtree(folder, ignore_errors=True)
