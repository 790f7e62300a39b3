"""Writes a sweep's report: one HTML file that needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import time

from plx_train.ground.files import replace_file
from plx_train.report.page import duration, number, page_environment, template_text
from plx_train.sweep.record import SweepRecord, TrialRecord
from plx_train.sweep.shown.charts import curves_chart, frontier_chart, history_chart
from plx_train.sweep.shown.effort import (
    Savings,
    Utilisation,
    saved_by_pruning,
    spent_epochs,
    spent_seconds,
    utilisation,
)
from plx_train.sweep.shown.importance import Importances, kept_importances, parameter_importances
from plx_train.sweep.shown.label_curve import label_curve_chart
from plx_train.sweep.shown.ranking import count_states, leaders, ranked
from plx_train.sweep.shown.space_charts import parallel_chart, slice_charts
from plx_train.sweep.shown.timeline import timeline_chart
from plx_train.sweep.shown.wording import (
    ABSENT,
    failures,
    metric_names,
    param_text,
    short_keys,
    trial_value_text,
    trials_text,
    verdict,
)

SCRIPT = "sweep/shown/report.js"
TEMPLATE = "sweep/shown/report.html.jinja"
MOST_BARS_BESIDE = 7
"""Importances that fit beside the learning curves."""
MANY_PARAMS = 6
"""Number of parameters above which the table of the best trial is so high that effort has room beside it."""
MOST_COMMANDS = 6
"""Number of the frontier's trials whose commands are shown."""


@dataclass(frozen=True)
class Cell:
    """A cell of the table of trials.

    Attributes:
        text: what it shows.
        key: what it is sorted by; numbers as texts, empty where it shows nothing.
        css: its classes.
    """

    text: str
    key: str
    css: str = ""


def write_sweep_report(record: SweepRecord, path: Path, now: float | None = None) -> Path:
    """Writes the report at `path` in one piece, and gives `path` back; its folder exists.

    Args:
        record: the sweep, finished or not.
        path: of the HTML file.
        now: end of processes that still run, in seconds since 1970; None: this moment.

    Raises:
        OSError: the file can't be written; what was there stays.
    """
    replace_file(path, render_sweep_report(record, time() if now is None else now, kept_importances(record)))
    return path


def render_sweep_report(record: SweepRecord, now: float, importances: Importances | None = None) -> str:
    """The report as HTML text: no address outside of itself, everything escaped.

    Args:
        importances: of the parameters; None: they are computed.
    """
    from markupsafe import Markup

    importances = importances or parameter_importances(record)
    # Many bars are higher than a chart, and beside one they would leave a hole.
    is_wide = not 0 < len(importances.shares) <= MOST_BARS_BESIDE
    counts, best = count_states(record), leaders(record)
    template = page_environment().get_template(TEMPLATE)
    script = template_text(SCRIPT)
    return template.render(
        record=record,
        script=Markup(script),
        status=_status(counts),
        counts=counts,
        verdict=verdict(record),
        tiles=_effort_tiles(record, utilisation(record, now)),
        best=best,
        headline=trial_value_text(record, best[0]).partition(" ± ")[::2] if best else None,
        most_commands=MOST_COMMANDS,
        many_params=MANY_PARAMS,
        value_text=trial_value_text,
        param_text=param_text,
        names=short_keys(record.space),
        importances=importances,
        is_wide=is_wide,
        label_curve=Markup(label_curve_chart(record)),
        history=Markup(history_chart(record)),
        curves=Markup(curves_chart(record, is_wide=is_wide)),
        frontier=Markup(frontier_chart(record)),
        parallel=Markup(parallel_chart(record)),
        slices=[Markup(chart) for chart in slice_charts(record)],
        timeline=Markup(timeline_chart(record, now)),
        failures=[(reason, trials_text(trials)) for reason, trials in failures(record)],
        columns=_columns(record),
        rows=[(trial, _cells(record, trial, now)) for trial in ranked(record)],
    )


def _status(counts: dict[str, int]) -> str:
    if counts.get("running"):
        return "running"
    if counts.get("waiting"):
        return "unfinished"
    return "finished" if counts.get("complete") else "failed"


def _effort_tiles(record: SweepRecord, use: Utilisation | None) -> list[tuple[str, str]]:
    """(figure, what it is) of the sweep's cost."""
    tiles: list[tuple[str, str]] = []
    if use is not None:
        pause = use.wall_seconds - use.open_seconds
        words = f"wall time, {duration(pause)} of it interrupted" if pause else "wall time"
        tiles.append((duration(use.wall_seconds), words))
        tiles.append((f"{use.busy_share:.0%}", f"of {_plural(len(use.busy_by_slot), 'slot')} busy"))
    savings = saved_by_pruning(record)
    if savings.spent:
        tiles.append((number(float(savings.spent)), "epochs spent"))
    if record.pruner != "none" or savings.num_trials:
        tiles.append((f"{savings.share:.0%}", _savings_text(savings)))
    return tiles


def _savings_text(savings: Savings) -> str:
    text = f"saved by pruning, {_plural(savings.saved, 'epoch')}"
    return f"{text}; {_plural(savings.num_unknown, 'trial')} not counted" if savings.num_unknown else text


def _plural(count: float, noun: str) -> str:
    return f"{count:.4g} {noun}" if count == 1 else f"{count:.4g} {noun}s"


def _columns(record: SweepRecord) -> list[tuple[str, str, str]]:
    """(name, whole name, classes) of the columns of the table of trials."""
    objectives = [objective.metric for objective in record.objectives]
    columns = [("trial", "", "num"), ("state", "", "state")]
    columns += [(name, whole, "num") for name, whole in zip(metric_names(objectives), objectives, strict=True)]
    for key, name in short_keys(record.space).items():
        columns.append((name, key, "long" if hasattr(record.space[key], "choices") else "num"))
    return [*columns, ("epochs", "", "num"), ("time", "of all its processes", "num"), ("reason", "", "reason")]


def _cells(record: SweepRecord, trial: TrialRecord, now: float) -> list[Cell]:
    cells = [_number(trial.number, str(trial.number)), Cell(trial.state, trial.state, "state")]
    for index in range(len(record.objectives)):
        value = trial.values[index] if trial.values else None
        cells.append(_number(value, trial_value_text(record, trial, index)))
    for key, distribution in record.space.items():
        value = trial.params.get(key)
        text = param_text(value) if key in trial.params else ABSENT
        is_numeric = not hasattr(distribution, "choices") and isinstance(value, int | float)
        cells.append(_number(value, text) if is_numeric else Cell(text, text if key in trial.params else "", "long"))
    seconds = spent_seconds(trial, now)
    cells.append(_number(spent_epochs(trial) if trial.jobs else None, f"{spent_epochs(trial):.4g}"))
    cells.append(_number(seconds if trial.jobs else None, duration(seconds)))
    return [*cells, Cell(trial.reason or "", trial.reason or "", "reason")]


def _number(value: float | None, text: str) -> Cell:
    return Cell(ABSENT, "", "num") if value is None else Cell(text, repr(value), "num")
