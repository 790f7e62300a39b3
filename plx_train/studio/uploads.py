"""Files that a browser sends, one after the other: whole under their name, or not there."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from plx_train.config.studio_options import StudioOptions
from plx_train.ground.confine import confined
from plx_train.ground.errors import UserError
from plx_train.studio.datasets import FILES, DataShelf, KnownData

PARTIAL = "partial"
DEEPEST, LONGEST = 20, 200
"""Folders in one another, and bytes of a name, that are taken in."""
MOST_FILES = 500_000


class Uploads:
    """What is taken in to a home's datasets, within limits."""

    def __init__(self, shelf: DataShelf, options: StudioOptions) -> None:
        self._shelf = shelf
        self._most_bytes = round(options.max_file_mb * (1 << 20))
        self._most_in_all = round(options.max_data_gb * (1 << 30))
        self._in_all: int | None = None
        self._lock = threading.Lock()
        for path in shelf.home.data.glob(f"*/{PARTIAL}"):
            # A studio that was killed may have left some.
            shutil.rmtree(path, ignore_errors=True)

    def there(self, one: KnownData) -> dict[str, int]:
        """Sizes of the files that are whole, by path."""
        place = self._place(one)
        return {path.relative_to(place).as_posix(): path.stat().st_size for path in _files(place)}

    async def take(self, one: KnownData, name: str, length: int | None, content: AsyncIterator[bytes]) -> int:
        """Writes a file of a request; its size.

        Raises:
            UserError: it is too large, another is there under its name, or its name is none.
        """
        place = self._place(one)
        target = _target(place, name)
        if target.exists():
            # Whoever sends it again did not hear that it came.
            if target.is_file() and await _is_same(target, content):
                return target.stat().st_size
            raise UserError(f"{name}: there is another file of this name already")
        if length is not None and length > self._most_bytes:
            raise self._too_large(name)
        with self._room(length or 0) as taken, _scratch(place.parent / PARTIAL) as scratch:
            size = 0
            with scratch.open("wb") as file:
                async for piece in content:
                    size += len(piece)
                    if size > self._most_bytes:
                        raise self._too_large(name)
                    taken(size)
                    file.write(piece)
                if length is not None and size != length:
                    raise UserError(f"{name}: {size} of {length} bytes came")
                await run_in_threadpool(_keep, file.fileno())
            await run_in_threadpool(_name, scratch, target, name)
        return size

    def _place(self, one: KnownData) -> Path:
        if not one.is_taken_in:
            raise UserError(f"{one.name} is a folder of this machine: put files into it there")
        return self._shelf.folder(one.name) / FILES

    def _too_large(self, name: str) -> UserError:
        return UserError(f"{name} is larger than {self._most_bytes >> 20} MiB: start with studio.max_file_mb=…")

    @contextmanager
    def _room(self, least: int) -> Iterator[Taken]:
        """Keeps room for a file; what did not come is given back.

        Raises:
            UserError: there is none left.
        """
        taken = Taken(self)
        try:
            taken(least)
            yield taken
        except BaseException:
            self.keep(-taken.size)
            raise

    def keep(self, more: int) -> None:
        """Counts bytes.

        Raises:
            UserError: they would be too many.
        """
        with self._lock:
            if self._in_all is None:
                places = self._shelf.home.data.glob(f"*/{FILES}")
                self._in_all = sum(path.stat().st_size for place in places for path in _files(place))
            if more > 0 and self._in_all + more > self._most_in_all:
                limit = f"{self._most_in_all / (1 << 30):g} GiB"
                raise UserError(f"no more than {limit} are taken in: start with studio.max_data_gb=…, or give a folder")
            self._in_all += more


class Taken:
    """Bytes that are counted for one file."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self.size = 0

    def __call__(self, size: int) -> None:
        if size > self.size:
            self._uploads.keep(size - self.size)
            self.size = size


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    path = folder / secrets.token_hex(8)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _keep(handle: int) -> None:
    os.fsync(handle)


def _name(scratch: Path, target: Path, name: str) -> None:
    """Gives a whole file its name, which nothing may have."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(scratch, target)
    except FileExistsError:
        raise UserError(f"{name}: there is a file of this name already") from None
    except OSError as error:
        raise UserError(f"{name} can't be written ({error.strerror or error})") from None


def _target(place: Path, name: str) -> Path:
    """
    Raises:
        UserError: the name is none that is taken in.
    """
    parts = name.split("/")
    is_odd = any(part.startswith(".") or not part or len(part.encode("utf-8", "replace")) > LONGEST for part in parts)
    if is_odd or len(parts) > DEEPEST or not name.isprintable():
        raise UserError(f"{name[:200]!r} is no path that is taken in: no hidden files, {DEEPEST} folders at most")
    return confined(place, name, "a request")


async def _is_same(path: Path, content: AsyncIterator[bytes]) -> bool:
    """Whether a file has the bytes that are sent, to the last."""
    with path.open("rb") as file:
        async for piece in content:
            if file.read(len(piece)) != piece:
                return False
        return not file.read(1)


def _files(place: Path) -> Iterator[Path]:
    found = 0
    for folder, _, names in os.walk(place):
        for name in names:
            found += 1
            if found > MOST_FILES:
                return
            path = Path(folder, name)
            with suppress(OSError):
                if path.is_file():
                    yield path
