"""``-m`` of training runs: finds the sweep of the command, carries it out, and says what it found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plx_train.ground.files import resolve_path
from plx_train.ground.stop import StopRequest
from plx_train.runs.folder import OUTPUTS
from plx_train.sweep.executors.executor import KILL_AFTER_SECONDS
from plx_train.sweep.history import SETTINGS_FILE, load_record, open_recorded
from plx_train.sweep.order import Ordered, order, sweep_id
from plx_train.sweep.record import FAILED, SweepRecord
from plx_train.terminal.console import Console, make_console

PATIENCE_SECONDS = KILL_AFTER_SECONDS + 30
"""What the runs take to save and end, and the report to be written, when a signal comes."""


def run_sweep(arguments: Sequence[str]) -> int:
    """Carries the sweep out; the exit code of the command.

    Raises:
        UserError: it can't be begun.
    """
    ordered = order(arguments)
    console = make_console(quiet=ordered.composed.options.quiet)
    for hint in ordered.space.hints():
        console.warn(hint)
    folder = find_folder(ordered)
    if (folder / SETTINGS_FILE).is_file() and ordered.is_searching and _is_complete(folder, ordered):
        return _say_complete(folder, console)
    from plx_train.sweep.conduct import conduct

    stop = StopRequest(PATIENCE_SECONDS)
    with stop.listening():
        record = conduct(ordered, folder, console, stop)
    if stop.number is not None:
        console.warn(f"stopped; the same command goes on with the sweep: {record.command}")
        return 128 + stop.number
    return exit_code(record, ordered.is_searching)


def exit_code(record: SweepRecord, is_searching: bool) -> int:
    """A grid fails with any of its runs, as Hydra has it; a search where nothing was found."""
    if is_searching:
        return 0 if record.complete else 1
    return int(any(trial.state == FAILED for trial in record.trials) or not record.trials)


def find_folder(ordered: Ordered) -> Path:
    """Where the sweep is, or will be: that of the same command, unless it is to be done again."""
    options = ordered.composed.options
    if options.output:
        return resolve_path(options.output)
    name = options.sweep.id or sweep_id(ordered)
    number, newest, following = 1, sweeps_folder() / name, sweeps_folder() / name
    while (following / SETTINGS_FILE).is_file():
        number, newest, following = number + 1, following, sweeps_folder() / f"{name}-{number + 1}"
    return following if (newest / SETTINGS_FILE).is_file() and _is_done_with(newest, ordered) else newest


def sweeps_folder() -> Path:
    """Where sweeps are kept."""
    return resolve_path(OUTPUTS) / "sweeps"


def _is_done_with(folder: Path, ordered: Ordered) -> bool:
    if ordered.options.fresh:
        return True
    return not ordered.is_searching and _is_complete(folder, ordered)


def _is_complete(folder: Path, ordered: Ordered) -> bool:
    study = open_recorded(folder)
    try:
        done = [trial for trial in study.trials() if trial.state.is_finished()]
        return len(done) >= ordered.num_trials
    finally:
        study.close()


def _say_complete(folder: Path, console: Console) -> int:
    from plx_train.sweep.shown.table import show_sweep

    record = load_record(folder)
    show_sweep(console, record)
    console.info(
        f"{folder} is complete: sweep.trials=<more> adds trials, sweep.fresh=true begins it anew with the same command"
    )
    return exit_code(record, is_searching=True)
