"""Carries a sweep out from beginning to end: engine, study, parent run, loop, report."""

from __future__ import annotations

import shlex
from contextlib import closing
from pathlib import Path

from plx_train.config.options import DeviceOptions, SweepOptions, TrackingOptions
from plx_train.ground.stop import StopRequest
from plx_train.machine.device import check_device, resolve
from plx_train.machine.paddle_build import installed_paddle
from plx_train.runs.folder import REPORT_FILE
from plx_train.sweep.executors.named import EngineOptions, make_engine
from plx_train.sweep.history import record_of, write_settings
from plx_train.sweep.live import TRIALS
from plx_train.sweep.order import (
    Ordered,
    check_pruning,
    deadline_of,
    identity_of,
    job_spec,
    seeds_of,
    settings_of,
    way_out,
)
from plx_train.sweep.parent import Parent
from plx_train.sweep.record import SweepRecord
from plx_train.sweep.samplers import build_pruner, build_sampler
from plx_train.sweep.shown.importance import kept_importances
from plx_train.sweep.shown.report import write_sweep_report
from plx_train.sweep.shown.table import show_sweep
from plx_train.sweep.study import Study
from plx_train.sweep.sweeper import Sweeper, SweepPlan
from plx_train.terminal.console import Console
from plx_train.tracking import resolve_uri
from plx_train.tracking.left_over import send_all


def conduct(ordered: Ordered, folder: Path, console: Console, stop: StopRequest) -> SweepRecord:
    """Works on the sweep in `folder` until it is complete or `stop` is made.

    Raises:
        UserError: it can't be begun.
    """
    options = ordered.options
    with (
        closing(make_engine(_engine_options(options, ordered.composed.options.device), folder)) as engine,
        closing(Study(folder, folder.name, options.storage, ordered.objectives)) as study,
    ):
        study.begin_as(identity_of(ordered), way_out(ordered))
        study.join()
        known = study.trials()
        study.study.sampler = build_sampler(options, ordered.num_trials, len(known), len(ordered.objectives) > 1)
        study.study.pruner = build_pruner(options, ordered.num_evaluations)
        settings = settings_of(ordered, folder, engine.slots)
        write_settings(folder, settings, _store(ordered.composed.options.tracking))
        parent = Parent(study, ordered.composed.options.tracking, settings, ordered.composed.yaml, console.warn)
        if ordered.configurations is not None:
            study.fill(ordered.configurations[: ordered.num_trials])
        _announce(ordered, folder, len(known), len(engine.slots), console)
        plan = SweepPlan(
            space=ordered.space,
            objectives=ordered.objectives,
            num_trials=ordered.num_trials,
            seeds=seeds_of(ordered),
            is_pruning=options.pruner != "none",
            is_grid=ordered.configurations is not None,
            max_failures=options.max_failures,
            deadline=deadline_of(options),
            spec=job_spec(ordered, folder.name, parent.run_id),
        )
        is_whole = False
        try:
            Sweeper(study, engine, plan, console, stop).run()
            is_whole = not stop.is_made
        finally:
            record = record_of(study, settings)
            report = write_sweep_report(record, folder / REPORT_FILE)
            try:
                _send_left_over(ordered.composed.options.tracking, folder, console, stop)
            finally:
                parent.finish(record, kept_importances(record).shares, report, is_whole)
    show_sweep(console, record)
    console.info(f"report: {report}")
    return record


def _send_left_over(options: TrackingOptions, folder: Path, console: Console, stop: StopRequest) -> None:
    """Sends what trials could not before they ended, and ends their records; says what is left."""
    uri = _store(options)
    if uri is None:
        return
    left = send_all(folder / TRIALS, uri, console.info, lambda: not stop.is_made)
    if left.records:
        console.warn(
            f"{left.records} records of {left.runs} trials did not reach MLflow; they are kept, and sent by: "
            f"python -m plx_train mode=sync run={shlex.quote(str(folder))} {shlex.quote(f'tracking.uri={uri}')}"
        )


def _store(options: TrackingOptions) -> str | None:
    return resolve_uri(options.uri) if options.backend == "mlflow" else None


def _engine_options(options: SweepOptions, device: DeviceOptions) -> EngineOptions:
    check_device(device)
    build = installed_paddle()
    kind = resolve(device, build)[0].type if build else device.type
    slots = list(options.slots) or None
    workers = None if slots else options.workers
    own = dict(options.engine_options)
    ray, submitit = (own if options.engine == name else {} for name in ("ray", "submitit"))
    return EngineOptions(options.engine, workers, slots, kind, tuple(device.ids), ray=ray, submitit=submitit)


def _announce(ordered: Ordered, folder: Path, num_known: int, num_slots: int, console: Console) -> None:
    begun = f", {num_known} of them begun before" if num_known else ""
    console.info(f"sweep {folder.name}: {ordered.num_trials} trials{begun}, {num_slots} at a time; {folder}")
    asked = ordered.options.trials
    number = ordered.num_combinations
    if number and asked and asked > number:
        console.warn(f"the search space has {number} combinations: each is tried once, not sweep.trials={asked}")
    hint = check_pruning(ordered)
    if hint:
        console.warn(hint)
