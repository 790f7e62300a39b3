"""A trial that is going on: its runs, what they report, and what they came to."""

from __future__ import annotations

import math
import re
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plx_train.ground.confine import confined, plain_name
from plx_train.ground.errors import UserError
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import CHECKPOINTS, LOG_FILE, REPORTS_FILE, RUN_FILE
from plx_train.runs.trial import read_reports
from plx_train.sweep.executors.executor import Ended, Handle
from plx_train.sweep.record import Objective

OUT_OF_MEMORY = re.compile(r"memory (ran|runs) out|out of memory", re.I)
MAX_INTERRUPTIONS = 4
"""A run that is killed so often without a new evaluation or checkpoint between is given up."""
SIGNAL_CODES = 128
LONGEST_REASON = 300
TRIALS = "trials"
"""Folder of a sweep's runs in its own."""


@dataclass
class LiveJob:
    """One run of a trial.

    Attributes:
        spans: [start, end] of each process, in seconds since 1970; the last end is None while it runs.
        idle_deaths: how often its process was killed since it last got further.
        progress: what tells whether it got further.
    """

    seed: int | None
    folder: Path
    slot: str = ""
    spans: list[list[float | None]] = field(default_factory=list)
    handle: Handle | None = None
    values: list[float] | None = None
    run_id: str | None = None
    steps: int = 0
    epochs: float = 0.0
    planned_epochs: float | None = None
    idle_deaths: int = 0
    progress: Any = None
    _size: int = 0
    _reports: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """What the study keeps of it."""
        names = ("seed", "slot", "spans", "values", "run_id", "steps", "epochs", "planned_epochs")
        return {"folder": str(self.folder)} | {name: getattr(self, name) for name in names}

    @classmethod
    def from_json(cls, content: dict[str, Any], sweep: Path) -> LiveJob:
        """What `to_json` gave; a process that was going on is taken to have ended when its log did.

        Args:
            sweep: folder of the sweep, below which its runs lie wherever that is now.

        Raises:
            UserError: the study names another place.
        """
        job = cls(**(content | {"folder": job_folder(sweep, content["folder"])}))
        log = job.folder / LOG_FILE
        for span in job.spans:
            if span[1] is None:
                span[1] = max(float(span[0] or 0.0), log.stat().st_mtime if log.exists() else 0.0)
        return job

    def started(self, handle: Handle) -> None:
        """A process of it has begun."""
        self.handle, self.slot = handle, handle.slot
        self.spans.append([time.time(), None])

    def ended(self) -> None:
        """That process is gone."""
        self.handle = None
        self.spans[-1][1] = time.time()

    def reports(self) -> list[dict[str, Any]]:
        """What it has said so far; what it took is noted."""
        path = self.folder / REPORTS_FILE
        size = path.stat().st_size if path.exists() else 0
        if size == self._size:
            return self._reports
        found = read_reports(self.folder)
        self._size, self._reports = size, found
        if found:
            self.steps, self.epochs = int(found[-1]["step"]), float(found[-1]["epochs"])
            self.planned_epochs = float(found[-1]["planned_epochs"])
        return found


def job_folder(sweep: Path, recorded: str) -> Path:
    """The folder of a run that a study names, by its last name below the sweep's own folder.

    Raises:
        UserError: it is none, or a link leads out of the sweep's folder.
    """
    return confined(sweep, f"{TRIALS}/{plain_name(Path(recorded).name, 'the study')}", "the study")


@dataclass(frozen=True)
class RunOutcome:
    """What a run came to: complete, pruned, failed, out of memory, or interrupted."""

    kind: str
    reason: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    run_id: str | None = None
    monitor: str | None = None


def outcome_of(job: LiveJob, ended: Ended) -> RunOutcome:
    """Reads what the run in `job.folder` left, whose process ended so."""
    facts: dict[str, Any] = {}
    if (job.folder / RUN_FILE).is_file():
        try:
            facts = read_facts(job.folder)
        except UserError as error:
            return RunOutcome("failed", str(error))
    run_id, status = facts.get("run_id"), facts.get("status")
    if status == "FINISHED":
        return RunOutcome("complete", None, facts.get("metrics", {}), run_id, facts.get("monitor"))
    if status == "PRUNED":
        return RunOutcome("pruned", facts.get("reason"), {}, run_id)
    if ended.code is None or ended.code < 0 or ended.code >= SIGNAL_CODES:
        return _interruption(job, ended, run_id)
    reason = (facts.get("reason") if status == "FAILED" else None) or last_line(job.folder / LOG_FILE)
    reason = str(reason or ended.reason or f"exit code {ended.code}")[:LONGEST_REASON]
    return RunOutcome("out of memory" if OUT_OF_MEMORY.search(reason) else "failed", reason, {}, run_id)


def _interruption(job: LiveJob, ended: Ended, run_id: str | None) -> RunOutcome:
    progress = [len(read_reports(job.folder)), sorted(path.name for path in (job.folder / CHECKPOINTS).glob("*"))]
    job.idle_deaths = job.idle_deaths + 1 if progress == job.progress or not progress[1] else 1
    job.progress = progress
    code = ended.code or 0
    what = ended.reason or (f"killed by signal {-code}" if code < 0 else f"exit code {code}")
    if job.idle_deaths < MAX_INTERRUPTIONS:
        return RunOutcome("interrupted", what, {}, run_id)
    often = f"{what}, {job.idle_deaths} times without getting further"
    # What Linux does to a process when the machine's memory is used up.
    return RunOutcome("out of memory" if ended.code == -9 else "failed", often, {}, run_id)


def last_line(log: Path, most: int = 20_000) -> str | None:
    """The sentence with which a run's output ends: its last line that tells of an error, else its last."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - most))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        return None
    told = [line for line in lines if line.startswith("error:")]
    found = told or lines
    return found[-1] if found else None


def objective_values(objectives: tuple[Objective, ...], outcome: RunOutcome) -> list[float] | str:
    """The objectives' values of a run that is complete; a sentence where one is missing."""
    values = []
    for objective in objectives:
        name = objective.metric or outcome.monitor
        if name not in outcome.metrics:
            known = ", ".join(sorted(outcome.metrics))
            return f"the run gives no {name}; there is: {known}"
        value = float(outcome.metrics[name])
        if not math.isfinite(value):
            return f"{name} is {value}"
        values.append(value)
    return values


def mean_and_spread(by_seed: list[list[float]]) -> tuple[list[float], list[float]]:
    """Means and standard deviations (n - 1) over seeds, per objective."""
    columns = list(zip(*by_seed, strict=True))
    means = [statistics.fmean(column) for column in columns]
    return means, [statistics.stdev(column) if len(column) > 1 else 0.0 for column in columns]
