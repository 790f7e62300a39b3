"""A dataset's fingerprint by content; files are hashed once, and reports kept by fingerprint."""

from __future__ import annotations

import hashlib
import json
import os
import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any

from plx_train.data.known_hashes import NONE, Entry, Hashes, found_before, keep
from plx_train.ground.files import cache_folder, replace_file, sha256
from plx_train.ground.parsed import parse_json

FRESH_SECONDS = 2.0
"""Files changed so lately are hashed again next time: a second change may leave size and time as they are."""
CHUNK, BLOCK = 64, 8192
"""Files that a thread takes at a time, and all threads together."""
UNSETTLED = -1
"""Stands for the size of a file that is hashed again next time."""


@dataclass(frozen=True)
class Fingerprint:
    """A dataset's content.

    Attributes:
        value: sha256 over the sorted relative names and contents of its files, hexadecimal.
        hashes: sha256 of each file by relative name; None where it can't be read.
    """

    value: str
    hashes: Mapping[str, str | None]


def fingerprint(
    root: Path,
    names: Iterable[str],
    num_threads: int = 2,
    label_files: Sequence[str] = (),
    label_folder: Path | None = None,
) -> Fingerprint:
    """The fingerprint of the files `names`, relative to `root`, and of `label_files`, relative to `label_folder` or it.

    A file whose size and time of change are those of an earlier call is not read again, so one that was
    altered *and* given its old time back goes unnoticed. Without a writable cache every file is read every
    time.
    """
    elsewhere = {name: str(label_folder / name) for name in label_files} if label_folder else {}
    # A set of a million names takes as much memory as the names.
    unique = [name for name, _ in groupby(sorted(chain(names, label_files)))]
    store = cache_folder() / "datasets/sums" / f"{hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:24]}.txt"
    digest, digests, is_new = hashlib.sha256(), bytearray(), False
    sizes, times = array("q"), array("q")
    for name, known, entry in _entries(store, str(root), unique, elsewhere, num_threads):
        size, changed, value = entry or (0, 0, None)
        is_settled = entry is not None and name not in elsewhere and time.time() - changed / 1e9 > FRESH_SECONDS
        is_new |= is_settled and entry != known
        sizes.append(size if is_settled else UNSETTLED)
        times.append(changed)
        digests += bytes.fromhex(value) if value else NONE
        digest.update(f"{name}\0{value}\n".encode("utf-8", "surrogateescape"))
    hashes = Hashes(unique, digests)
    if is_new:
        rows = zip(unique, sizes, times, strict=True)
        keep(store, unique, (_kept(size, changed, hashes[name]) for name, size, changed in rows))
    return Fingerprint(digest.hexdigest(), hashes)


def _kept(size: int, changed: int, value: str | None) -> Entry | None:
    return None if value is None or size == UNSETTLED else (size, changed, value)


def _entries(
    store: Path, root: str, names: Sequence[str], elsewhere: Mapping[str, str], num_threads: int
) -> Iterator[tuple[str, Entry | None, Entry | None]]:
    """Each name, what was known of its file, and what holds now."""

    def several(piece: Sequence[tuple[str, Entry | None]]) -> list[Entry | None]:
        return [
            _hash_entry(elsewhere.get(name) or f"{root}/{name}", None if name in elsewhere else known)
            for name, known in piece
        ]

    with ThreadPoolExecutor(num_threads) as pool, closing(found_before(store, names)) as before:
        rows = zip(names, before, strict=True)
        while block := list(islice(rows, BLOCK)):
            # One by one, handing them out takes longer than looking at files that are known.
            pieces = [block[start : start + CHUNK] for start in range(0, len(block), CHUNK)]
            found = chain.from_iterable(pool.map(several, pieces))
            yield from ((name, known, entry) for (name, known), entry in zip(block, found, strict=True))


def load_report(key: dict[str, Any]) -> dict[str, Any] | None:
    """What `save_report` kept under `key`; None where there is nothing, or nothing readable."""
    kept = _read_json(_report_file(key))
    return kept["report"] if kept.get("key") == key and isinstance(kept.get("report"), dict) else None


def save_report(key: dict[str, Any], report: dict[str, Any]) -> None:
    """Keeps `report` under `key`: fingerprint, version, options. An unwritable cache keeps nothing."""
    _write_json(_report_file(key), {"key": key, "report": report})


def _report_file(key: dict[str, Any]) -> Path:
    return _cache_file("reports", hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest())


def _cache_file(kind: str, digest: str) -> Path:
    return cache_folder() / "datasets" / kind / f"{digest[:24]}.json"


def _hash_entry(path: str, known: Entry | None) -> Entry | None:
    """The entry of a file; None where it can't be read."""
    try:
        # To make a path of each of a million names takes longer than to look at the files.
        status = os.stat(path)  # noqa: PTH116
        if known is not None and known[:2] == (status.st_size, status.st_mtime_ns):
            return known
        return status.st_size, status.st_mtime_ns, sha256(Path(path))
    except (OSError, ValueError):
        return None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = parse_json(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _write_json(path: Path, values: dict[str, Any]) -> None:
    """Replaces the file in one step; a cache that can't be written is no reason to stop."""
    with suppress(OSError, UnicodeError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps(values))
