"""mode=sync: sends the records that have not reached MLflow."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from plx_train.api import RunResult
from plx_train.config import Composed, resolve_path
from plx_train.console import make_console
from plx_train.errors import UserError
from plx_train.modes.source import run_folder
from plx_train.run_facts import read_facts
from plx_train.run_lock import hold
from plx_train.tracking import SPOOL_NAME, replay, resolve_uri, unsent

OUTPUTS = "outputs"


def run(composed: Composed) -> RunResult:
    """Sends what waits in the folder of `run`, or below ``outputs``; the exit code is 1 if something is left."""
    options = composed.options
    console = make_console(quiet=options.quiet)
    root = run_folder(options.run, options) if options.run else resolve_path(OUTPUTS)
    given = options.tracking.uri if any(text.startswith("tracking.uri=") for text in composed.overrides) else None
    waiting = [path for path in find_spools(root) if unsent(path)]
    rows, left = [], 0
    for spool in waiting:
        try:
            with closing(hold(spool.parent)):
                done = replay(spool, _address(spool.parent, given), console.warn)
        except UserError as error:
            console.warn(str(error))
            rows.append((str(spool.parent), 0, unsent(spool)))
            left += unsent(spool)
            continue
        rows.append((str(spool.parent), done.sent, done.left))
        left += done.left
    if rows:
        console.table("records", ["run", "sent", "left"], rows)
    else:
        console.info(f"nothing is unsent in {root}")
    metrics = {"sent": float(sum(row[1] for row in rows)), "left": float(left)}
    return RunResult("sync", root, metrics, exit_code=1 if left else 0)


def find_spools(root: Path) -> list[Path]:
    """Spools of a run's folder, or of all runs below a folder, older ones of the same run first."""
    pattern = SPOOL_NAME.replace(".", "*.")
    return sorted({*root.glob(pattern), *root.rglob(f"*/{pattern}")})


def _address(folder: Path, given: str | None) -> str:
    """Where a run is recorded.

    Raises:
        UserError: nothing says so.
    """
    recorded = given or read_facts(folder).get("tracking_uri")
    if not recorded:
        raise UserError(f"{folder} was not tracked in MLflow: say where its records shall go with tracking.uri=…")
    return resolve_uri(str(recorded), Path(OUTPUTS))
