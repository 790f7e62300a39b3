"""mode=sweep_report: the table and the report of a sweep, finished or not."""

from __future__ import annotations

from plx_train.config.compose import Composed
from plx_train.ground.errors import ConfigError
from plx_train.ground.files import resolve_path
from plx_train.runs.folder import REPORT_FILE
from plx_train.runs.lock import refuse_in_use
from plx_train.runs.result import RunResult
from plx_train.sweep.command import sweeps_folder
from plx_train.sweep.history import find_sweep, load_record
from plx_train.sweep.shown.report import write_sweep_report
from plx_train.sweep.shown.table import show_sweep
from plx_train.terminal.console import make_console


def run(composed: Composed) -> RunResult:
    """Shows the sweep that ``sweep_id=`` names: an id, its beginning, or a folder.

    Raises:
        UserError: there is no such sweep.
    """
    options = composed.options
    if not options.sweep.id:
        raise ConfigError("mode=sweep_report needs sweep_id=<id or folder of a sweep>")
    folder = find_sweep(sweeps_folder(), options.sweep.id)
    record = load_record(folder, trust=options.trust)
    console = make_console(quiet=options.quiet)
    target = resolve_path(options.output) / REPORT_FILE if options.output else folder / REPORT_FILE
    if options.output:
        refuse_in_use(target.parent)
    target.parent.mkdir(parents=True, exist_ok=True)
    report = write_sweep_report(record, target)
    show_sweep(console, record)
    console.info(f"report: {report}")
    names = [objective.metric for objective in record.objectives]
    best = dict(zip(names, record.best[0].values or (), strict=True)) if record.best else {}
    return RunResult("sweep_report", folder, best, record.run_id, report=report)
