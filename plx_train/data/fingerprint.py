"""A dataset's fingerprint by content; files are hashed once, and reports kept by fingerprint."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plx_train.ground.files import cache_folder, replace_file, sha256

FRESH_SECONDS = 2.0
"""Files changed so lately are hashed again next time: a second change may leave size and time as they are."""
CHUNK = 64
"""Files that a thread takes at a time."""


@dataclass(frozen=True)
class Fingerprint:
    """A dataset's content.

    Attributes:
        value: sha256 over the sorted relative names and contents of its files, hexadecimal.
        hashes: sha256 of each file by relative name; None where it can't be read.
    """

    value: str
    hashes: dict[str, str | None]


def fingerprint(
    root: Path,
    names: Sequence[str],
    num_threads: int = 2,
    label_files: Sequence[str] = (),
    label_folder: Path | None = None,
) -> Fingerprint:
    """The fingerprint of the files `names`, relative to `root`, and of `label_files`, relative to `label_folder` or it.

    A file whose size and time of change are those of an earlier call is not read again, so one that was
    altered *and* given its old time back goes unnoticed. Without a writable cache every file is read every
    time.
    """
    elsewhere = {name: label_folder / name for name in label_files} if label_folder else {}
    unique = sorted({*names, *label_files})
    store = _cache_file("hashes", hashlib.sha256(str(root.resolve()).encode()).hexdigest())
    known = _read_json(store)
    entries: dict[str, list[Any]] = {}

    def several(names: Sequence[str]) -> None:
        for name in names:
            is_elsewhere = name in elsewhere
            entry = _hash_entry(elsewhere.get(name, root / name), None if is_elsewhere else known.get(name))
            if entry is not None:
                entries[name] = entry

    with ThreadPoolExecutor(num_threads) as pool:
        # One by one, handing them out takes longer than looking at files that are known.
        list(pool.map(several, (unique[start : start + CHUNK] for start in range(0, len(unique), CHUNK))))
    hashes = {name: entries[name][2] if name in entries else None for name in unique}
    settled = {
        name: entry
        for name, entry in entries.items()
        if name not in elsewhere and time.time() - entry[1] / 1e9 > FRESH_SECONDS
    }
    if any(known.get(name) != entry for name, entry in settled.items()):
        _write_json(store, known | settled)
    digest = hashlib.sha256()
    for name in unique:
        digest.update(f"{name}\0{hashes[name]}\n".encode("utf-8", "surrogateescape"))
    return Fingerprint(digest.hexdigest(), hashes)


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


def _hash_entry(path: Path, known: Any) -> list[Any] | None:
    """Size, time of change in nanoseconds and sha256 of a file; None where it can't be read."""
    try:
        status = path.stat()
        state = [status.st_size, status.st_mtime_ns]
        if isinstance(known, list) and known[:2] == state and len(known) == 3 and isinstance(known[2], str):
            return known
        return [*state, sha256(path)]
    except (OSError, ValueError):
        return None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _write_json(path: Path, values: dict[str, Any]) -> None:
    """Replaces the file in one step; a cache that can't be written is no reason to stop."""
    with suppress(OSError, UnicodeError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps(values))
