"""The file every record of a run goes through before it is sent anywhere."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plx_train.ground.credentials import scrubbed
from plx_train.ground.files import read_limited, replace_file

CHUNK_BYTES = 1 << 18
MOST_CURSOR_BYTES = 1 << 20
PLACES = ("uri", "path", "folder")
"""A record's own addresses, without passwords from the beginning, and paths: what stands here is gone back to."""
OUTPUT = "plx.output"
"""The tag that is such a path. What else tags and parameters hold may be anything, by any name."""
LONGEST_LINE = 1 << 26
"""Bytes of the longest record; more are none, whatever the file leads to."""


@dataclass(frozen=True)
class SpoolEntry:
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

    def __init__(self, path: Path, goes_on: bool = False) -> None:
        """Starts a new file at `path`, one that is there being kept under a numbered name; or goes on with that one.

        Raises:
            OSError: the file can't be made.
        """
        self.path = path
        self.lost = 0
        """Records that could not be written, for example because the disk was full."""
        self._sequence = 0
        if goes_on and path.exists():
            _drop_torn_line(path)
            self._sequence = max((entry.sequence for entry in all_entries(path)), default=-1) + 1
        else:
            _set_aside(path)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        self._lock = threading.Lock()

    def append(self, kind: str, content: dict[str, Any], milliseconds: int | None = None) -> None:
        """Adds one record of JSON-ready content, of now unless said; never raises, never waits for a receiver."""
        with self._lock:
            now = time.time_ns() // 1_000_000
            head = {"seq": self._sequence, "ms": now if milliseconds is None else milliseconds, "kind": kind}
            self._sequence += 1
            try:
                content = content if kind == "metrics" else _without_passwords(content)
                line = json.dumps(head | content, separators=(",", ":"), allow_nan=False, default=str)
                self._write(line.encode() + b"\n")
            except (OSError, ValueError):
                self.lost += 1

    def _write(self, line: bytes) -> None:
        """A whole line or nothing: half of one would spoil the next."""
        size = os.fstat(self._descriptor).st_size
        try:
            written = os.write(self._descriptor, line)
        except OSError:
            written = 0
        if written != len(line):
            os.ftruncate(self._descriptor, size)
            raise OSError("the disk is full")

    def sync(self) -> None:
        """Returns when what was appended is on disk, as far as the disk takes it."""
        # Whoever delivers may still be at it when the run has closed the file.
        with contextlib.suppress(OSError, ValueError):
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Ends writing; reading goes on working."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1


def _without_passwords(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value if key in PLACES else scrubbed(value, (OUTPUT,)) for key, value in content.items()}


def _drop_torn_line(path: Path) -> None:
    """Cuts off what a killed process had written of its last record."""
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        os.truncate(path, data.rfind(b"\n") + 1)


def _set_aside(path: Path) -> None:
    number = 1
    while path.exists():
        older = path.with_name(f"{path.stem}.{number}{path.suffix}")
        if not older.exists():
            path.rename(older)
            if cursor_path(path).exists():
                cursor_path(path).rename(cursor_path(older))
        number += 1


def read_entries(path: Path, offset: int, max_bytes: int = CHUNK_BYTES) -> tuple[list[SpoolEntry], int]:
    """The whole records from `offset` on, at most about `max_bytes` of them, and the offset behind them.

    Unreadable lines are passed over; an offset that has not moved is the end.
    """
    with path.open("rb") as file:
        file.seek(offset)
        chunk = file.read(max_bytes)
        if len(chunk) == max_bytes and b"\n" not in chunk:
            chunk += file.readline(LONGEST_LINE)
    entries = []
    for line in chunk[: chunk.rfind(b"\n") + 1].splitlines(keepends=True):
        offset += len(line)
        entry = _parse(line, offset)
        if entry:
            entries.append(entry)
    return entries, offset


def _parse(line: bytes, end: int) -> SpoolEntry | None:
    try:
        content = json.loads(line)
        head = (content.pop("seq"), content.pop("ms"), content.pop("kind"))
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
    if not (isinstance(head[0], int) and isinstance(head[1], int) and isinstance(head[2], str)):
        return None
    if head[2] == "metrics" and not (isinstance(content.get("values"), dict) and isinstance(content.get("step"), int)):
        return None
    return SpoolEntry(*head, content, end)


def all_entries(path: Path, offset: int = 0) -> Iterator[SpoolEntry]:
    """Every record of the file at `path` from `offset` on, in order; none where no file is."""
    while path.is_file():
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
    skipped: list[int] = field(default_factory=list)
    """Sequence numbers of records before the offset that could not be delivered, and may be later."""
    spool: Path | None = None
    """The record that a file says this of; None: it was made here."""

    def save(self) -> None:
        """Replaces the file, if there is one; a failure is passed over: delivering twice does no harm."""
        if self.path is None:
            return
        content = {"offset": self.offset, "run_id": self.run_id, "skipped": self.skipped}
        with contextlib.suppress(OSError):
            replace_file(self.path, json.dumps(content))


def load_cursor(path: Path, spool: Path | None = None) -> Cursor:
    """The cursor kept at `path`, at most at the end of `spool`; a new one where there is none or it can't be read."""
    try:
        content = json.loads(read_limited(path, MOST_CURSOR_BYTES))
        # A power cut may have taken the end of the spool, but not the news that it had been sent.
        most = spool.stat().st_size if spool else int(content["offset"])
        run_id, skipped = content["run_id"], [int(number) for number in content.get("skipped", ())]
        if run_id == "":
            # The run comes first of all: what was given no id has not arrived, whoever said so.
            return Cursor(path=path)
        offset = max(0, min(int(content["offset"]), most))
        return Cursor(offset, None if run_id is None else str(run_id), path, skipped, spool)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, AttributeError, RecursionError):
        return Cursor(path=path)


def marks(path: Path) -> dict[str, int]:
    """The highest step of each metric that stands in the spool at `path`, NaN and infinities included."""
    found: dict[str, int] = {}
    if not path.exists():
        return found
    for entry in all_entries(path):
        if entry.kind == "metrics":
            for name in (*entry.content["values"], *entry.content.get("nonfinite", ())):
                found[name] = max(found.get(name, -1), entry.content["step"])
    return found


def has_ended(path: Path) -> bool:
    """Whether the run of the spool at `path` has said how it ended, and has not gone on since."""
    kinds = [entry.kind for entry in all_entries(path)] if path.exists() else []
    told = [kind for kind in kinds if kind in ("run", "resume", "finish")]
    return told[-1:] == ["finish"]


def end_spool(path: Path, status: str, reason: str) -> None:
    """Ends the record of a dead run, at the time of the last thing it said.

    Raises:
        OSError: it can't be written.
    """
    milliseconds = max((entry.milliseconds for entry in all_entries(path)), default=None)
    spool = Spool(path, goes_on=True)
    try:
        spool.append("finish", {"status": status, "reason": reason}, milliseconds)
    finally:
        spool.close()
    if spool.lost:
        raise OSError(errno.ENOSPC, "the disk is full", str(path))


def read_beginning(path: Path) -> dict[str, Any]:
    """What the record at `path` begins with; nothing where it has no beginning."""
    return next((entry.content for entry in all_entries(path) if entry.kind == "run"), {})


def read_address(path: Path) -> str | None:
    """The store that the run of the spool at `path` began in, as far as it says so."""
    found = read_beginning(path).get("uri")
    return found if isinstance(found, str) else None


def read_run_tags(path: Path) -> dict[str, str]:
    """The tags that the run of the spool at `path` began and went on with; none where there is no record of it."""
    found: dict[str, str] = {}
    for entry in all_entries(path) if path.exists() else ():
        if entry.kind in ("run", "resume"):
            tags = entry.content.get("tags")
            found |= tags if isinstance(tags, dict) else {}
    return found
