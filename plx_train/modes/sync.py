"""mode=sync: sends the records that have not reached MLflow."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from plx_train.config.compose import Composed
from plx_train.config.options import RunOptions
from plx_train.ground.confine import refuse_leading_out
from plx_train.ground.errors import UserError
from plx_train.ground.files import resolve_path
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import OUTPUTS, SPOOL_NAME
from plx_train.runs.result import RunResult
from plx_train.sweep.history import recorded_store
from plx_train.terminal.console import Console, make_console
from plx_train.tracking import resolve_uri, unsent
from plx_train.tracking.left_over import send, waiting_spools
from plx_train.tracking.spool import read_address


def run(composed: Composed) -> RunResult:
    """Sends what waits in the folder of `run`, or below ``outputs``; the exit code is 1 if something is left."""
    options = composed.options
    console = make_console(quiet=options.quiet)
    root = _folder_of_run(options.run, options) if options.run else resolve_path(OUTPUTS)
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


def _folder_of_run(name: str, options: RunOptions) -> Path:
    # All that opens a run's data comes with it, and a command that finds nothing to send needs none of it.
    from plx_train.workflow.source import run_folder

    return run_folder(name, options)


def _send(spool: Path, given: str | None, options: RunOptions, console: Console) -> tuple[str, int, int]:
    """A run's folder, the records that were sent and those that are left."""
    folder = spool.parent
    try:
        if given or recorded_store(folder):
            refuse_leading_out(folder)
        else:
            from plx_train.workflow.trust import ask_trust

            # Where the records go, and with them files, is what the folder says.
            ask_trust(folder, options, "sending its record")
        done = send(spool, _address(folder, given), console.warn)
    except (UserError, OSError) as error:
        console.warn(str(error))
        return str(folder), 0, unsent(spool)
    return str(folder), done.sent, done.left


def _address(folder: Path, given: str | None) -> str:
    """Where a run is recorded.

    Raises:
        UserError: nothing says so.
    """
    recorded = given or _recorded_address(folder)
    if not recorded:
        raise UserError(f"{folder} was not tracked in MLflow: say where its records shall go with tracking.uri=…")
    return resolve_uri(recorded)


def _recorded_address(folder: Path) -> str | None:
    try:
        return read_facts(folder).get("tracking_uri")
    except UserError:
        # A sweep's own record has no run.json beside it.
        signed = recorded_store(folder)
        if signed:
            return signed
        with suppress(OSError):
            return read_address(folder / SPOOL_NAME)
        return None
