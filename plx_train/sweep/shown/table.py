"""The table of a sweep on the console."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from time import time

from plx_train.report.axes import shortened
from plx_train.sweep.record import FAILED, WAITING, SweepRecord, TrialRecord
from plx_train.sweep.shown.effort import spent_epochs, spent_seconds
from plx_train.sweep.shown.ranking import leaders, ranked
from plx_train.sweep.shown.wording import (
    ABSENT,
    counts_text,
    failures,
    first_line,
    metric_names,
    param_text,
    short_keys,
    trial_value_text,
    trials_text,
    verdict,
)
from plx_train.terminal.console import Console
from plx_train.terminal.words import cell_text

MOST_ROWS = 20
LONGEST_PARAM = 18
SHORTEST_REASON, LONGEST_REASON = 30, 60
GAP = 3
"""Characters between two columns, on either console."""
USUAL_WIDTH = 120
MOST_FRONTIER_COMMANDS = 5


@dataclass(frozen=True)
class SweepTable:
    """Columns and rows of texts, with the names of parameters that it has no room for."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...] = ()


def show_sweep(console: Console, record: SweepRecord, now: float | None = None, width: int | None = None) -> None:
    """Prints the table of a sweep and what it came to.

    Args:
        console: where to.
        record: the sweep.
        now: end of processes that still run, in seconds since 1970; None: this moment.
        width: characters of a line; None: those of the terminal, or `USUAL_WIDTH` where there is none.
    """
    width = width or shutil.get_terminal_size((USUAL_WIDTH, 24)).columns
    tables = sweep_tables(record, time() if now is None else now, width)
    if not tables:
        console.info(counts_text(record))
    for number, table in enumerate(tables):
        console.table("Without a value" if number else counts_text(record), table.columns, table.rows)
    num_begun = sum(trial.state != WAITING for trial in record.trials)
    if num_begun > MOST_ROWS:
        console.info(f"… {num_begun - MOST_ROWS} more in the report")
    if tables and tables[0].left_out:
        console.info(f"not shown for lack of width: {', '.join(tables[0].left_out)}")
    for line in result_lines(record):
        console.info(line)


def sweep_tables(record: SweepRecord, now: float, width: int) -> list[SweepTable]:
    """The best `MOST_ROWS` trials that have begun, in lines of `width` characters.

    One table, or two where reasons would take the room of parameters: trials that have none, then those that have one.
    """
    shown = [trial for trial in ranked(record) if trial.state != WAITING][:MOST_ROWS]
    whole = _table(record, shown, now, width)
    with_reason = [trial for trial in shown if trial.reason]
    if not whole.left_out or not with_reason:
        return [whole] if shown else []
    others = [trial for trial in shown if not trial.reason]
    return [_table(record, trials, now, width) for trials in (others, with_reason) if trials]


def _table(record: SweepRecord, trials: Sequence[TrialRecord], now: float, width: int) -> SweepTable:
    fixed = {"trial": [str(trial.number) for trial in trials], "state": _states(record, trials)}
    if any(trial.values for trial in trials):
        names = metric_names([objective.metric for objective in record.objectives])
        for index, name in enumerate(names):
            fixed[name] = [trial_value_text(record, trial, index) for trial in trials]
    last = {
        "epochs": [cell_text(float(spent_epochs(trial))) if trial.jobs else ABSENT for trial in trials],
        "time": [_clock(spent_seconds(trial, now)) if trial.jobs else ABSENT for trial in trials],
    }
    reasons = [first_line(trial.reason) for trial in trials]
    longest = max(map(len, reasons), default=0)
    reserved = min(longest, SHORTEST_REASON) + GAP if longest else 0
    params, left_out = _fitting(record, trials, width - GAP - _width(fixed) - _width(last) - reserved)
    columns = {**fixed, **params, **last}
    if longest:
        room = max(min(width - GAP - _width(columns) - GAP, LONGEST_REASON), SHORTEST_REASON)
        columns["reason"] = [_clipped(reason, room) for reason in reasons]
    return SweepTable(tuple(columns), tuple(zip(*columns.values(), strict=True)), tuple(left_out))


def _fitting(record: SweepRecord, trials: Sequence[TrialRecord], left: int) -> tuple[dict[str, list[str]], list[str]]:
    """Columns of parameters within `left` characters, in the order of the command; names of those that don't fit."""
    columns: dict[str, list[str]] = {}
    left_out = []
    for key, name in short_keys(record.space).items():
        cells = [
            shortened(param_text(trial.params[key], 3), LONGEST_PARAM) if key in trial.params else ABSENT
            for trial in trials
        ]
        column = {shortened(name, LONGEST_PARAM): cells}
        if _width({**columns, **column}) <= left:
            columns |= column
        else:
            left_out.append(name)
    return columns, left_out


def _width(columns: dict[str, list[str]]) -> int:
    return sum(max(len(text) for text in (name, *cells)) + GAP for name, cells in columns.items())


def _states(record: SweepRecord, trials: Sequence[TrialRecord]) -> list[str]:
    leading = {trial.number for trial in leaders(record)} if len(record.objectives) > 1 else set()
    return ["frontier" if trial.number in leading else trial.state for trial in trials]


def _clock(seconds: float) -> str:
    """``3:05`` or ``1:03:05``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def result_lines(record: SweepRecord) -> list[str]:
    """What the sweep came to: the verdict, what failed, the best trial's command, the sweep's notes."""
    lines = [verdict(record)]
    for reason, trials in failures(record)[:3]:
        lines.append(f"{FAILED}, {trials_text(trials)}: {_clipped(first_line(reason), 200)}")
    for trial in leaders(record)[:MOST_FRONTIER_COMMANDS]:
        if trial.command:
            values = ", ".join(
                f"{objective.metric} {trial_value_text(record, trial, index)}"
                for index, objective in enumerate(record.objectives)
            )
            lines += [f"trial {trial.number} ({values}):", f"  {trial.command}"]
    return [*lines, *(f"note: {note}" for note in record.notes)]
