"""Hashes of files as they were found before, in a file of the cache that is read and written line by line.

A dataset may have a million files: all that is held of one in memory is what its own hash takes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from heapq import merge
from pathlib import Path
from typing import TextIO

from plx_train.ground.files import replacing

Entry = tuple[int, int, str]
"""Size, time of change in nanoseconds and sha256 of a file."""
HASH_BYTES = 32
NONE = bytes(HASH_BYTES)
LINE_ENDS = ("\n", "\r")


class Hashes(Mapping[str, str | None]):
    """The sha256 of each file by its name, hexadecimal; None where it can't be read.

    Args:
        names: sorted, each once.
        digests: 32 bytes for each name, zeros where there is none.
    """

    def __init__(self, names: Sequence[str], digests: bytes | bytearray) -> None:
        self._names, self._digests = names, digests

    def __getitem__(self, name: str) -> str | None:
        place = bisect_left(self._names, name)
        if place == len(self._names) or self._names[place] != name:
            raise KeyError(name)
        digest = self._digests[HASH_BYTES * place : HASH_BYTES * (place + 1)]
        return None if digest == NONE else digest.hex()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def found_before(path: Path, names: Iterable[str]) -> Generator[Entry | None]:
    """What a file of the cache has of each of `names`, which are sorted; None where it has nothing."""
    with closing(_lines(path)) as lines:
        current = next(lines, None)
        for name in names:
            while current is not None and current[0] < name:
                current = next(lines, None)
            yield current[1] if current is not None and current[0] == name else None


def keep(path: Path, names: Sequence[str], entries: Iterable[Entry | None]) -> None:
    """Writes the entries of `names`, which are sorted, beside what the file has of others.

    A cache that can't be written is no reason to stop.
    """
    new = ((name, entry) for name, entry in zip(names, entries, strict=True) if entry is not None)
    with suppress(OSError, UnicodeError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, closing(_others(path, names)) as others, _writing(temporary) as file:
            for name, (size, time, digest) in merge(others, new):
                # Such a name can't stand in a line.
                if not any(end in name for end in LINE_ENDS):
                    file.write(f"{size}\t{time}\t{digest}\t{name}\n")


def _writing(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", errors="surrogatepass", newline="\n")


def _others(path: Path, names: Sequence[str]) -> Generator[tuple[str, Entry]]:
    """What a file has of other names."""
    place = 0
    for name, entry in _lines(path):
        while place < len(names) and names[place] < name:
            place += 1
        if place == len(names) or names[place] != name:
            yield name, entry


def _lines(path: Path) -> Generator[tuple[str, Entry]]:
    """Names and entries of a file, in order, up to the first line that is none."""
    last = ""
    with suppress(OSError, ValueError), path.open(encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        for line in file:
            size, time, digest, name = line.removesuffix("\n").split("\t", 3)
            if name <= last or len(bytes.fromhex(digest)) != HASH_BYTES:
                return
            last = name
            yield name, (int(size), int(time), digest)
