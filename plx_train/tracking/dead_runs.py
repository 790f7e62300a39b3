"""Runs that ended without a word: found by lock and heartbeat, never by guess, and closed in the store."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.ground.confine import PathRefused, refuse_leading_out
from plx_train.ground.errors import UserError
from plx_train.ground.files import cache_folder
from plx_train.ground.parsed import parse_json
from plx_train.runs.facts import read_facts, write_facts
from plx_train.runs.folder import SPOOL_NAME
from plx_train.runs.lock import hold, is_held
from plx_train.tracking.machine import machine_tags
from plx_train.tracking.mlflow_writer import MlflowSink
from plx_train.tracking.replay import replay
from plx_train.tracking.spool import cursor_path, end_spool, has_ended, load_cursor, read_address, read_run_tags
from plx_train.tracking.words import path_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

HEARTBEAT_TAG = "plx.heartbeat"
BEAT_SECONDS = 30.0
SILENT_SECONDS = 600.0
"""A heartbeat that this machine has seen unchanged for so long, by its own clock, has stopped."""
MOST_RUNS = 500
SILENT_REASON = "its process ended without a word (SIGKILL, power cut or lost memory), as a later run found"


class Watchman:
    """Shows that this run lives, and closes the record of runs that don't; called now and then by the delivery."""

    def __init__(self, sink: MlflowSink, run_id: Callable[[], str | None], warn: Callable[[str], None]) -> None:
        self._sink = sink
        self._run_id = run_id
        self._warn = warn
        self._count = 0
        self._next_beat = 0.0
        self._has_looked = False

    def __call__(self) -> None:
        """Looks for dead runs, once, and beats when it is time; a store that fails is asked again later."""
        run_id = self._run_id()
        if run_id is None:
            return
        with contextlib.suppress(Exception):
            client = self._sink.client()
            if not self._sink.has_ended and time.monotonic() >= self._next_beat:
                self._next_beat = time.monotonic() + BEAT_SECONDS
                self._beat(client, run_id)
            if not self._has_looked:
                self._has_looked = True
                close_dead_runs(client, self._sink.uri, run_id, self._warn)

    def _beat(self, client: MlflowClient, run_id: str) -> None:
        self._count += 1
        client.set_tag(run_id, HEARTBEAT_TAG, f"{self._count} {int(time.time())}")
        # Somebody who lost sight of this run may have closed its record.
        if client.get_run(run_id).info.status != "RUNNING":
            client.update_run(run_id, "RUNNING")


def close_dead_runs(client: MlflowClient, uri: str, own_id: str, warn: Callable[[str], None]) -> list[str]:
    """Closes the record of each run that is RUNNING in the store and dead in truth; their ids."""
    closed = []
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    for run in client.search_runs(experiments, "attributes.status = 'RUNNING'", max_results=MOST_RUNS):
        tags, run_id = run.data.tags, run.info.run_id
        if run_id == own_id or "plx.output" not in tags or not is_dead(run_id, tags):
            continue
        folder = path_of(tags["plx.output"])
        # What a tag of the store names is written to only where it holds this very run, and leads nowhere else.
        if is_folder_of(folder, run_id) and is_recorded_in(folder, uri):
            with contextlib.suppress(PathRefused):
                refuse_leading_out(folder)
                end_record(folder, uri, "KILLED", SILENT_REASON)
        _terminate(client, run_id)
        ended = client.get_run(run_id)
        if ended.info.status != "RUNNING":
            closed.append(run_id)
            reason = ended.data.tags.get("plx.ended_by")
            warn(f"run {run.info.run_name} is closed as {ended.info.status}" + (f": {reason}" if reason else ""))
    return closed


def is_folder_of(folder: Path, run_id: str) -> bool:
    """Whether the folder is there and holds this run."""
    if load_cursor(cursor_path(folder / SPOOL_NAME)).run_id == run_id:
        return True
    try:
        return bool(read_facts(folder).get("run_id") == run_id)
    except UserError:
        return False


def is_recorded_in(folder: Path, uri: str) -> bool:
    """Whether the run in the folder says that its record is in this store: another one gets nothing of it."""
    with contextlib.suppress(UserError):
        return bool(read_facts(folder).get("tracking_uri") == uri)
    with contextlib.suppress(OSError):
        return read_address(folder / SPOOL_NAME) == uri
    return False


def is_dead(run_id: str, tags: Mapping[str, str]) -> bool:
    """Whether a run's process is surely gone: its lock is free, its machine was restarted, or its heart stopped."""
    folder = path_of(tags["plx.output"])
    held = is_held(folder) if is_folder_of(folder, run_id) else None
    return not held and (_is_gone(held, tags) or _is_silent(run_id, tags.get(HEARTBEAT_TAG, "")))


def has_died(folder: Path) -> bool:
    """Whether the run in a folder says that it goes on, while nobody is at it."""
    try:
        facts = read_facts(folder)
    except UserError:
        return False
    # Most runs have ended, and say so: their locks need not be tried.
    if facts.get("status") != "RUNNING":
        return False
    held = is_held(folder)
    try:
        return not held and _is_gone(held, read_run_tags(folder / SPOOL_NAME))
    except OSError:
        return False


def _is_gone(held: bool | None, tags: Mapping[str, str]) -> bool:
    here = machine_tags()
    is_same_start = here["plx.boot"] != "" and tags.get("plx.boot") == here["plx.boot"]
    if is_same_start:
        # A lock tells of the processes of one machine only: others may see the folder, but not who holds it.
        return held is False
    is_same_machine = all(tags.get(name) == here[name] for name in ("plx.host", "plx.machine"))
    return is_same_machine and "" not in (here["plx.boot"], tags.get("plx.boot", ""))


def _is_silent(run_id: str, beat: str) -> bool:
    """Whether this machine has seen the same heartbeat for long; what it sees is kept between runs."""
    path = cache_folder() / "heartbeats.json"
    try:
        seen: dict[str, Any] = dict(parse_json(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        seen = {}
    former = seen.get(run_id)
    if isinstance(former, list) and former[:1] == [beat]:
        return time.time() - float(former[1]) >= SILENT_SECONDS
    seen[run_id] = [beat, time.time()]
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(seen), "utf-8")
    return False


def end_record(folder: Path, uri: str | None, status: str, reason: str) -> None:
    """Ends the record of a run that could not do so itself, and sends what is left of it; nothing if it goes on.

    Raises:
        OSError: the folder can't be written.
    """
    try:
        lock = hold(folder)
    except UserError:
        return
    with contextlib.closing(lock):
        end_held_record(folder, uri, status, reason)


def end_held_record(folder: Path, uri: str | None, status: str, reason: str) -> None:
    """`end_record` for who holds the folder.

    Raises:
        OSError: it can't be written.
    """
    spool = folder / SPOOL_NAME
    if spool.is_file() and not has_ended(spool):
        end_spool(spool, status, reason)
    with contextlib.suppress(UserError):
        facts = read_facts(folder)
        if facts.get("status") == "RUNNING":
            write_facts(folder, facts | {"status": status, "reason": reason})
    if uri:
        replay(spool, uri)


def _terminate(client: MlflowClient, run_id: str) -> None:
    """Ends a run whose records are elsewhere."""
    if client.get_run(run_id).info.status == "RUNNING":
        client.set_tag(run_id, "plx.ended_by", SILENT_REASON)
        client.set_terminated(run_id, "KILLED")
