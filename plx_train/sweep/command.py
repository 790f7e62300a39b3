"""``-m`` of training runs: finds the sweep of the command, carries it out, and says what it found."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from plx_train.ground.confine import refuse_leading_out
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import resolve_path
from plx_train.ground.stop import StopRequest
from plx_train.runs.folder import OUTPUTS, RUN_FILE
from plx_train.runs.lock import refuse_in_use
from plx_train.sweep.executors.executor import KILL_AFTER_SECONDS
from plx_train.sweep.history import SETTINGS_FILE, load_record, open_recorded
from plx_train.sweep.identity import ROOT, Identity, differences, refuse_to_mix
from plx_train.sweep.order import Ordered, identity_of, order, sweep_id, way_out
from plx_train.sweep.record import FAILED, SweepRecord
from plx_train.sweep.same_data import FingerprintOf, other_data
from plx_train.terminal.console import Console, make_console

if TYPE_CHECKING:
    from plx_train.sweep.study import Study

PATIENCE_SECONDS = KILL_AFTER_SECONDS + 30
"""What the runs take to save and end, and the report to be written, when a signal comes."""


@dataclass(frozen=True)
class _Begun:
    """A sweep that was begun: what is swept, None where that is not known, and how many trials are finished."""

    folder: Path
    identity: Identity | None
    num_finished: int


def run_sweep(arguments: Sequence[str], fingerprint_of: FingerprintOf) -> int:
    """Carries the sweep out; the exit code of the command.

    Raises:
        UserError: it can't be begun, or the folder holds a sweep of something else.
    """
    ordered = order(arguments)
    console = make_console(quiet=ordered.composed.options.quiet)
    for hint in ordered.space.hints():
        console.warn(hint)
    folder = find_folder(ordered)
    if (folder / SETTINGS_FILE).is_file() and _is_done(folder, ordered, fingerprint_of):
        return _say_complete(folder, ordered, console)
    _refuse_runs_folder(folder)
    from plx_train.sweep.conduct import conduct

    stop = StopRequest(PATIENCE_SECONDS)
    with stop.listening():
        record = conduct(ordered, folder, console, stop)
    if stop.number is not None:
        console.warn(f"stopped; the same command goes on with the sweep: {record.command}")
        return 128 + stop.number
    return exit_code(record, ordered.is_searching)


def _refuse_runs_folder(folder: Path) -> None:
    """
    Raises:
        UserError: the folder is that of a single run, or in use by one, or holds links out of it.
    """
    # What its runs write, their logs for example, stays below it, also where it holds no sweep yet.
    refuse_leading_out(folder)
    if (folder / SETTINGS_FILE).is_file():
        return
    if (folder / RUN_FILE).exists():
        raise UserError(f"output={folder} holds a run, which a sweep would write over: give another folder")
    refuse_in_use(folder)


def _is_done(folder: Path, ordered: Ordered, fingerprint_of: FingerprintOf) -> bool:
    """Whether the search in `folder` has tried all that it is asked for.

    Raises:
        UserError: the sweep in `folder` is one of something else, or of other data.
    """
    if ordered.options.fresh:
        raise ConfigError(f"sweep.fresh=true: output={folder} holds a sweep already: give another output")
    with closing(open_recorded(folder, ordered.options.storage, ordered.composed.options.trust)) as study:
        is_done = ordered.is_searching and _num_finished(study) >= ordered.num_trials
        before, now = study.identity(), identity_of(ordered)
        found = differences(before, now) if before else []
        has_moved = before is not None and before.fixed.get(ROOT) != now.fixed.get(ROOT)
        if not found and (has_moved or not is_done):
            found = other_data(study, ordered, fingerprint_of)
        refuse_to_mix(folder.name, found, way_out(ordered))
    return is_done


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
    known = []
    following = sweeps_folder() / name
    while (following / SETTINGS_FILE).is_file():
        known.append(following)
        following = sweeps_folder() / f"{name}-{len(known) + 1}"
    if not known or options.sweep.fresh:
        return following
    begun = [_read(folder, ordered) for folder in known]
    now = identity_of(ordered)
    same = [one for one in begun if one.identity is None or not differences(one.identity, now)]
    newest = (same or begun)[-1]
    if ordered.is_searching or newest.num_finished < ordered.num_trials:
        return newest.folder
    # A grid that is done runs again; one that was given a name of something else is told so.
    return following if same or not options.sweep.id else newest.folder


def _read(folder: Path, ordered: Ordered) -> _Begun:
    with closing(open_recorded(folder, ordered.options.storage, ordered.composed.options.trust)) as study:
        return _Begun(folder, study.identity(), _num_finished(study))


def _num_finished(study: Study) -> int:
    return sum(trial.state.is_finished() for trial in study.trials())


def sweeps_folder() -> Path:
    """Where sweeps are kept."""
    return resolve_path(OUTPUTS) / "sweeps"


def _say_complete(folder: Path, ordered: Ordered, console: Console) -> int:
    from plx_train.sweep.shown.table import show_sweep

    record = load_record(folder, ordered.options.storage, ordered.composed.options.trust)
    show_sweep(console, record)
    more = "" if ordered.num_combinations else "sweep.trials=<more> adds trials, "
    anew = "another output begins" if ordered.composed.options.output else "sweep.fresh=true begins"
    console.info(f"{folder} is complete: {more}{anew} it anew with the same command")
    return exit_code(record, is_searching=True)
