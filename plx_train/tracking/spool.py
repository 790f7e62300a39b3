"""The file every record of a run goes through before it is sent anywhere."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SPOOL_NAME = "tracking.jsonl"
CHUNK_BYTES = 1 << 18


@dataclass(frozen=True)
class Entry:
    """One record as it stands in the spool."""

    sequence: int
    milliseconds: int
    """Time of the record, Unix epoch."""
    kind: str
    """run, metrics, tags, text, artifact, dataset or finish."""
    content: dict[str, Any]
    end: int
    """Byte offset behind the record: the cursor's place once it is delivered."""


class Spool:
    """An append-only file of JSON lines.

    A record is on its way to disk when `append` returns, so a killed process loses none, and a slow receiver
    costs no memory: whoever delivers reads the file from the place it has got to.
    """

    def __init__(self, path: Path) -> None:
        """Starts a new file at `path`; one that is there is kept under a numbered name.

        Raises:
            OSError: the file can't be made.
        """
        self.path = path
        self.lost = 0
        """Records that could not be written, for example because the disk was full."""
        _set_aside(path)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        self._lock = threading.Lock()
        self._sequence = 0

    def append(self, kind: str, content: dict[str, Any]) -> None:
        """Adds one record of JSON-ready content; never raises and never waits for a receiver."""
        with self._lock:
            head = {"seq": self._sequence, "ms": time.time_ns() // 1_000_000, "kind": kind}
            self._sequence += 1
            try:
                line = json.dumps(head | content, separators=(",", ":"), allow_nan=False, default=str)
                os.write(self._descriptor, line.encode() + b"\n")
            except (OSError, ValueError):
                self.lost += 1

    def close(self) -> None:
        """Ends writing; reading goes on working."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1


def _set_aside(path: Path) -> None:
    number = 1
    while path.exists():
        older = path.with_name(f"{path.stem}.{number}{path.suffix}")
        if not older.exists():
            path.rename(older)
            if cursor_path(path).exists():
                cursor_path(path).rename(cursor_path(older))
        number += 1


def read_entries(path: Path, offset: int, max_bytes: int = CHUNK_BYTES) -> tuple[list[Entry], int]:
    """The whole records from `offset` on, at most about `max_bytes` of them, and the offset behind them.

    Unreadable lines are passed over; an offset that has not moved is the end.
    """
    with path.open("rb") as file:
        file.seek(offset)
        chunk = file.read(max_bytes)
        if len(chunk) == max_bytes and b"\n" not in chunk:
            chunk += file.readline()
    entries = []
    for line in chunk[: chunk.rfind(b"\n") + 1].splitlines(keepends=True):
        offset += len(line)
        entry = _parse(line, offset)
        if entry:
            entries.append(entry)
    return entries, offset


def _parse(line: bytes, end: int) -> Entry | None:
    try:
        content = json.loads(line)
        head = (content.pop("seq"), content.pop("ms"), content.pop("kind"))
    except (ValueError, KeyError, AttributeError):
        return None
    return Entry(*head, content, end)


def all_entries(path: Path, offset: int = 0) -> Iterator[Entry]:
    """Every record of the file at `path` from `offset` on, in order."""
    while True:
        entries, end = read_entries(path, offset)
        yield from entries
        if end == offset:
            return
        offset = end


def read_metrics(path: Path) -> dict[str, list[tuple[int, float]]]:
    """(step, value) pairs by metric, as logged into the spool at `path`, in order; empty without a file."""
    found: dict[str, list[tuple[int, float]]] = {}
    if not path.exists():
        return found
    for entry in all_entries(path):
        if entry.kind == "metrics":
            for name, value in entry.content["values"].items():
                found.setdefault(name, []).append((entry.content["step"], value))
    return found


def cursor_path(spool: Path) -> Path:
    """Where a spool's delivery is recorded."""
    return spool.with_suffix(".sent.json")


@dataclass
class Cursor:
    """How far a spool has been delivered, and to which run."""

    offset: int = 0
    run_id: str | None = None
    path: Path | None = None
    """File that outlives the process; None keeps the cursor in memory."""

    def save(self) -> None:
        """Replaces the file, if there is one; a failure is passed over: delivering twice does no harm."""
        if self.path is None:
            return
        content = {"offset": self.offset, "run_id": self.run_id}
        beside = self.path.with_suffix(".new")
        with contextlib.suppress(OSError):
            beside.write_text(json.dumps(content), "utf-8")
            beside.replace(self.path)


def load_cursor(path: Path) -> Cursor:
    """The cursor kept at `path`; a new one where there is none or it can't be read."""
    try:
        content = json.loads(path.read_text("utf-8"))
        return Cursor(int(content["offset"]), content["run_id"], path)
    except (OSError, ValueError, KeyError):
        return Cursor(path=path)
