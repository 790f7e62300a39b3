"""mode=reproduce: runs a recorded run again, from its configuration, data and seed, and says where it first differs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plx_train.config.compose import Composed, composed_from
from plx_train.config.written import all_literal, literal
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.silent import SilentTracker
from plx_train.ground.stop import StopRequest
from plx_train.machine.determinism import determinism
from plx_train.machine.device import check_device
from plx_train.runs.checkpoint import load_state
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import BEST, CHECKPOINTS, COMPARISON_FILE, MANIFEST, SPOOL_NAME
from plx_train.runs.result import RunResult
from plx_train.runs.trial import Trial
from plx_train.tracking import environment_tags, read_metrics, read_run_tags
from plx_train.train.checkpoints import step_checkpoints
from plx_train.train.state import LoopState
from plx_train.workflow.dataset import Finished, open_data
from plx_train.workflow.device import start_device
from plx_train.workflow.lessons import open_lessons
from plx_train.workflow.record import Record
from plx_train.workflow.resume import Continuation, check_same_data
from plx_train.workflow.session import Session, open_session
from plx_train.workflow.source import load_config, run_folder
from plx_train.workflow.training import build_module, train_module
from plx_train.workflow.trust import ask_trust, hold_to_lists

OF_THE_CLOCK = ("time/", "system/")
"""Beginnings of metrics that say how long something took, not what it gave."""
ENVIRONMENT = ("version.", "platform", "plx_train.git", "device.")
"""Beginnings of the tags whose change can explain a difference."""


class DifferenceFound(UserError):
    """The repetition gave another number than the record."""


@dataclass
class Comparison(SilentTracker):
    """A tracker that compares each point with the recorded one instead of recording it."""

    expected: Mapping[tuple[str, int], float]
    points: int = 0
    last_step: int = 0
    unknown: list[str] = field(default_factory=list)

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """
        Raises:
            DifferenceFound: a number is not the recorded one.
        """
        for name, value in metrics.items():
            if name.startswith(OF_THE_CLOCK) or not math.isfinite(value):
                continue
            recorded = self.expected.get((name, step))
            if recorded is None:
                self.unknown.append(f"{name} at step {step}")
            elif recorded != value:
                raise DifferenceFound(
                    f"first difference at step {step}: {name} is {value!r}, recorded was {recorded!r}, after "
                    f"{self.points} equal points"
                )
            else:
                self.points, self.last_step = self.points + 1, step


def run(composed: Composed) -> RunResult:
    """Trains again and compares every logged number and the weights; the exit code is 1 if something differs."""
    if not composed.options.run:
        raise ConfigError("mode=reproduce needs run=<run id or run folder>")
    source = run_folder(composed.options.run, composed.options)
    facts = read_facts(source)
    is_own = ask_trust(source, composed.options, "running it again")
    again = _same_again(composed, source, is_own)
    check_device(again.options.device)
    with open_session(again) as session:
        device = start_device(again.options)
        level = determinism(again.options, device)
        if level.level not in ("bitwise", "clock"):
            raise UserError(f"{source} can't be repeated exactly: {level.sentence}")
        return _compare(session, source, facts, device)


def _same_again(composed: Composed, source: Path, is_own: bool) -> Composed:
    recorded = load_config(source)
    if not is_own:
        hold_to_lists(recorded, composed, source)
    output = all_literal(composed.options.output)
    recorded.mode, recorded.output, recorded.run = "reproduce", output, literal(str(source))
    recorded.resume, recorded.quiet, recorded.trust = None, composed.options.quiet, composed.options.trust
    recorded.trainer.save_interval = recorded.trainer.save_every_steps = None
    return composed_from(recorded, composed.overrides)


def _compare(session: Session, source: Path, facts: dict[str, Any], device: Any) -> RunResult:
    spool = source / SPOOL_NAME
    expected = {(name, step): value for name, points in read_metrics(spool).items() for step, value in points}
    if not expected:
        raise UserError(f"{source} has no record to compare with: {spool} is missing or empty")
    data = open_data(session, Finished(run=source))
    check_same_data(Continuation(source, facts, session.composed), data.report.fingerprint)
    module, _ = build_module(session, data)
    tracker, stop = Comparison(expected), StopRequest()
    record = Record(session, tracker, stop, Trial(), {"fingerprint": data.report.fingerprint, "mode": "reproduce"})
    difference = None
    with stop.listening():
        try:
            splits = data.split(session.options)
            lessons = open_lessons(session, data, splits, module, source)
            train_module(record, module, splits, device, start=_start(session, source), lessons=lessons)
        except DifferenceFound as found:
            difference = str(found)
    if difference is None:
        difference = _different_weights(source, session.output)
    changed = _changed_environment(spool, device)
    return _say(session, tracker, difference, changed)


def _start(session: Session, source: Path) -> LoopState | None:
    """Where a run begins that is to follow the recorded plan of one that was given its time; None for others.

    Raises:
        UserError: there is no such plan.
    """
    if not session.options.trainer.max_time:
        return None
    newest = next(iter(step_checkpoints(source / CHECKPOINTS)), None)
    recorded = LoopState.from_json(load_state(newest)["loop"]) if newest else LoopState()
    if not recorded.planned:
        raise UserError(f"{source} can't be repeated exactly: no checkpoint of it holds the plan of its time")
    return LoopState(planned=recorded.planned, last_step=recorded.step)


def _different_weights(source: Path, output: Path) -> str | None:
    """A sentence on the first checkpoint of the two runs with other weights; None when they are equal."""
    for name in (BEST, step_checkpoints(output / CHECKPOINTS)[0].name):
        both = [folder / CHECKPOINTS / name / MANIFEST for folder in (source, output)]
        if not both[0].is_file():
            continue
        one, other = (json.loads(path.read_text("utf-8")) for path in both)
        files = [file for file in one if file.endswith(".safetensors") and one[file] != other.get(file)]
        if files:
            return f"all numbers are equal, but not {files[0]} of checkpoint {name}"
    return None


def _changed_environment(spool: Path, device: Any) -> list[str]:
    before = read_run_tags(spool)
    now = environment_tags(Path.cwd()) | {"device.note": device.note}
    return [
        f"{name} {before[name]} → {value}"
        for name, value in now.items()
        if name.startswith(ENVIRONMENT) and name in before and before[name] != value
    ]


def _say(session: Session, tracker: Comparison, difference: str | None, changed: list[str]) -> RunResult:
    facts = {"points": tracker.points, "last_step": tracker.last_step, "difference": difference, "changed": changed}
    (session.output / COMPARISON_FILE).write_text(json.dumps(facts, indent=1), "utf-8")
    verdict = difference or f"equal: {tracker.points} points up to step {tracker.last_step}, and the weights"
    rows = [("result", verdict), ("changed since", "; ".join(changed) or "nothing that is recorded")]
    rows.append(("comparison", str(session.output / COMPARISON_FILE)))
    session.console.summary(f"reproduce {session.options.run}", rows)
    metrics = {"points": float(tracker.points), "equal": float(difference is None)}
    return RunResult("reproduce", session.output, metrics, exit_code=0 if difference is None else 1)
