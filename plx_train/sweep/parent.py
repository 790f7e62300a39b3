"""The sweep's own run in MLflow: its settings, its course, what it found."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from plx_train.config.options import TrackingOptions
from plx_train.contract.tracker import Tracker
from plx_train.ground.errors import UserError
from plx_train.ground.silent import SilentTracker
from plx_train.runs.lock import RunLock, hold
from plx_train.sweep.record import SweepRecord
from plx_train.sweep.shown.ranking import best_so_far, count_states, first_value
from plx_train.sweep.study import Study

CONNECT_SECONDS = 120.0
"""A new database takes its time, and all runs need it: it is waited for."""


class Parent:
    """The run that the sweep's runs are shown under; one sweeper keeps it, the others stand by."""

    def __init__(self, study: Study, options: TrackingOptions, settings: dict[str, Any], yaml: str, warn: Any) -> None:
        from plx_train.runs.folder import SPOOL_NAME
        from plx_train.tracking import environment_tags, start_tracking

        self._lock: RunLock | None = None
        self.tracker: Tracker = SilentTracker()
        self._study = study
        if options.backend != "mlflow":
            return
        with contextlib.suppress(UserError):
            self._lock = hold(study.folder)
        other = study.study.user_attrs.get("run_id")
        goes_on = (study.folder / SPOOL_NAME).is_file()
        if self._lock is None or (other and not goes_on):
            return
        tags = {"mode": "sweep", "sweep_id": settings["sweep_id"], "sweep_command": settings["command"]}
        params = {f"sweep.{name}": value for name, value in settings["shown"].items()}
        self.tracker = start_tracking(
            options,
            params=params,
            tags=environment_tags(Path.cwd()) | tags,
            output=study.folder,
            datasets=[],
            config_yaml=yaml,
            warn=warn,
            resume=goes_on,
        )
        self.tracker.wait_until_connected(CONNECT_SECONDS)
        if self.tracker.run_id:
            study.study.set_user_attr("run_id", self.tracker.run_id)

    @property
    def run_id(self) -> str | None:
        """MLflow's id of it, whoever keeps it."""
        return self._study.study.user_attrs.get("run_id")

    def finish(self, record: SweepRecord, importance: dict[str, float], report: Path | None, is_whole: bool) -> None:
        """Records what came out.

        Args:
            is_whole: nothing is left to do; else the run is shown as stopped.
        """
        tracker = self.tracker
        metric, last = record.objectives[0].metric, len(record.trials)
        values = {trial.number: first_value(trial) for trial in record.complete}
        for number, best_value in best_so_far(record):
            tracker.log_metrics({f"trial/{metric}": values[number], f"best_so_far/{metric}": best_value}, number)
        counts = {f"num_{state}": float(count) for state, count in count_states(record).items()}
        tracker.log_metrics(counts | {f"importance/{key}": value for key, value in importance.items()}, last)
        if record.best:
            best = record.best[0]
            assert best.values is not None
            named = zip(record.objectives, best.values, strict=True)
            tracker.log_metrics({f"best/{one.metric}": value for one, value in named}, last)
            tracker.set_tags({"best_trial": best.number, "best_command": best.command})
            tracker.log_text(json.dumps(_frontier(record), indent=1), "best.json")
        if report:
            tracker.log_artifact(report)
        has_failed = is_whole and not record.complete
        reason = None if is_whole else "stopped before all trials were done"
        tracker.finish("FAILED" if has_failed else "FINISHED" if is_whole else "KILLED", reason)
        if self._lock:
            self._lock.close()


def _frontier(record: SweepRecord) -> list[dict[str, Any]]:
    metrics = [objective.metric for objective in record.objectives]
    return [
        {
            "trial": trial.number,
            "params": trial.params,
            "values": dict(zip(metrics, trial.values or (), strict=True)),
            "spreads": dict(zip(metrics, trial.spreads or (), strict=True)),
            "runs": [job.run_id for job in trial.jobs],
            "folders": [str(job.folder) for job in trial.jobs],
            "command": trial.command,
        }
        for trial in record.best
    ]
