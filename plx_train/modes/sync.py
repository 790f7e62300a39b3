"""mode=sync: sends the records that have not reached MLflow."""

from __future__ import annotations

import fnmatch
import os
from contextlib import closing
from pathlib import Path

from plx_train.config.compose import Composed
from plx_train.config.options import RunOptions
from plx_train.ground.confine import refuse_leading_out
from plx_train.ground.errors import UserError
from plx_train.ground.files import resolve_path
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import CHECKPOINTS, EXPORT, OUTPUTS, OVERLAYS, RANKS, SAMPLES, SPOOL_NAME, SPOOL_PATTERN
from plx_train.runs.lock import hold
from plx_train.runs.result import RunResult
from plx_train.terminal.console import Console, make_console
from plx_train.tracking import SILENT_REASON, end_record, has_died, replay, resolve_uri, unsent
from plx_train.tracking.store import ARTIFACTS_NAME
from plx_train.workflow.source import run_folder
from plx_train.workflow.trust import ask_trust

WITHOUT_SPOOLS = (CHECKPOINTS, EXPORT, OVERLAYS, SAMPLES, RANKS)
"""Folders of a run in which no other run lies."""


def run(composed: Composed) -> RunResult:
    """Sends what waits in the folder of `run`, or below ``outputs``; the exit code is 1 if something is left."""
    options = composed.options
    console = make_console(quiet=options.quiet)
    root = run_folder(options.run, options) if options.run else resolve_path(OUTPUTS)
    given = options.tracking.uri if any(text.startswith("tracking.uri=") for text in composed.overrides) else None
    waiting = waiting_spools(root)
    if not options.run and not given:
        waiting = [path for path in waiting if _recorded_address(path.parent)]
    rows = [_send(spool, given, options, console) for spool in waiting]
    left = sum(row[2] for row in rows)
    if rows:
        console.table("records", ["run", "sent", "left"], rows)
    else:
        console.info(f"nothing is unsent in {root}")
    metrics = {"sent": float(sum(row[1] for row in rows)), "left": float(left)}
    return RunResult("sync", root, metrics, exit_code=1 if left else 0)


def waiting_spools(root: Path) -> list[Path]:
    """Spools below a folder with records that are not sent, or without the end that their run could not write."""
    return [path for path in find_spools(root) if unsent(path) or _is_of_dead_run(path)]


def _send(spool: Path, given: str | None, options: RunOptions, console: Console) -> tuple[str, int, int]:
    """A run's folder, the records that were sent and those that are left."""
    folder = spool.parent
    try:
        if given:
            refuse_leading_out(folder)
        else:
            # Where the records go, and with them files, is what the folder says.
            ask_trust(folder, options, "sending its record")
        uri = _address(folder, given)
        if _is_of_dead_run(spool):
            end_record(folder, None, "KILLED", SILENT_REASON)
        with closing(hold(folder)):
            done = replay(spool, uri, console.warn)
    except UserError as error:
        console.warn(str(error))
        return str(folder), 0, unsent(spool)
    return str(folder), done.sent, done.left


def find_spools(root: Path) -> list[Path]:
    """Spools of a run's folder, or of all runs below a folder, older ones of the same run first."""
    found = []
    for place, folders, files in os.walk(root):
        spools = fnmatch.filter(files, SPOOL_PATTERN)
        found += [Path(place, name) for name in spools]
        # Trials lie below their sweep's own spool, so the search goes on there; what else runs keep is most of it all.
        skipped = (ARTIFACTS_NAME, *WITHOUT_SPOOLS) if spools else (ARTIFACTS_NAME,)
        folders[:] = [name for name in folders if name not in skipped]
    return sorted(found)


def _is_of_dead_run(spool: Path) -> bool:
    return spool.name == SPOOL_NAME and has_died(spool.parent)


def _address(folder: Path, given: str | None) -> str:
    """Where a run is recorded.

    Raises:
        UserError: nothing says so.
    """
    recorded = given or _recorded_address(folder)
    if not recorded:
        raise UserError(f"{folder} was not tracked in MLflow: say where its records shall go with tracking.uri=…")
    return resolve_uri(recorded, Path(OUTPUTS))


def _recorded_address(folder: Path) -> str | None:
    try:
        return read_facts(folder).get("tracking_uri")
    except UserError:
        return None
