"""A recorded run by its id, by what its id begins with, or by its name."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from plx_train.ground.credentials import without_credentials
from plx_train.ground.errors import UserError
from plx_train.tracking.delivery import first_line
from plx_train.tracking.receipts import NO_SERVER, WrongAnswer
from plx_train.tracking.store import PROMOTIONS, database_path, open_client
from plx_train.tracking.tables import Tables, open_tables
from plx_train.tracking.words import path_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUNS_TO_SUGGEST_FROM = 200
SEARCHED = r"[\w.:+ -]+"
"""What an id or a name is made of, for it to be searched for."""
LEAST_OF_ID = 4
MOST_TOLD = 4
"""Runs that fit and are looked at: more are not told."""


@dataclass(frozen=True)
class RunRecord:
    """One recorded run."""

    run_id: str
    name: str
    status: str
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]
    """The last value of each."""
    output: Path | None
    """The run's folder, if it is known; it may be on another machine."""


def find_run(uri: str, run_id: str) -> RunRecord:
    """The run with this id, with an id that begins so, or with this name.

    Raises:
        UserError: no run, or several, with close matches.
    """
    where = without_credentials(uri)
    path = database_path(uri)
    if path and not path.exists():
        raise UserError(f"run {run_id} can't be looked up: nothing is recorded at {path}; give tracking.uri=…")
    try:
        matches, others = _found(uri, run_id)
    except Exception as error:
        reason = first_line(error)
        raise UserError(f"run {run_id} can't be looked up at {where}: {reason}") from None
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UserError(f"run {run_id} fits several runs at {where}: {_shown(matches)}; give more of the id")
    names = {run.run_id: run for run in others} | {run.name: run for run in others}
    near = difflib.get_close_matches(run_id, list(names), n=3, cutoff=0.4)
    hint = f"did you mean {_shown([names[name] for name in near])}?" if near else f"there is {_shown(others) or 'none'}"
    raise UserError(f"run {run_id} does not exist at {where}; {hint}")


def _found(uri: str, text: str) -> tuple[list[RunRecord], list[RunRecord]]:
    """The runs that a text fits, and where it fits none the latest others."""
    tables = open_tables(uri)
    if tables:
        matches = _in_tables(tables, text)
        latest = [] if matches else tables.latest_runs(RUNS_TO_SUGGEST_FROM, PROMOTIONS)
        return matches, list(map(_record, latest))
    client = open_client(uri)
    matches = _matching_runs(client, text)
    return matches, [] if matches else _search(client, "", RUNS_TO_SUGGEST_FROM)


def _in_tables(tables: Tables, text: str) -> list[RunRecord]:
    """The runs that MLflow would find."""
    if not re.fullmatch(SEARCHED, text):
        return []
    begins = tables.runs_by_id(text, MOST_TOLD, PROMOTIONS) if len(text) >= LEAST_OF_ID else []
    exact = [run for run in begins if run.info.run_id == text]
    return list(map(_record, exact or begins or tables.runs_by_name(text, MOST_TOLD, PROMOTIONS)))


def _matching_runs(client: MlflowClient, text: str) -> list[RunRecord]:
    if not re.fullmatch(SEARCHED, text):
        return []
    pattern = text.replace("_", "\\_")
    begins = _search(client, f"attributes.run_id LIKE '{pattern}%'", MOST_TOLD) if len(text) >= LEAST_OF_ID else []
    exact = [run for run in begins if run.run_id == text]
    return exact or begins or _search(client, f"attributes.run_name = '{text}'", MOST_TOLD)


def _search(client: MlflowClient, condition: str, most: int) -> list[RunRecord]:
    """Newest first, of all experiments."""
    known = client.search_experiments()
    # A server has at least the experiment that it begins with.
    if not all(experiment.experiment_id for experiment in known) or not (known or database_path(client.tracking_uri)):
        raise WrongAnswer(NO_SERVER)
    experiments = [experiment.experiment_id for experiment in known if experiment.name != PROMOTIONS]
    runs = client.search_runs(experiments, condition, max_results=most, order_by=["start_time DESC"])
    return [_record(run) for run in runs]


def _shown(runs: list[RunRecord]) -> str:
    return ", ".join(f"{run.run_id} ({run.name}, {run.status})" for run in runs[:3])


def _record(run: object) -> RunRecord:
    info, data = run.info, run.data  # type: ignore[attr-defined]
    output = data.tags.get("plx.output")
    return RunRecord(
        info.run_id,
        info.run_name or "",
        info.status,
        dict(data.tags),
        dict(data.params),
        dict(data.metrics),
        path_of(output) if output else None,
    )
