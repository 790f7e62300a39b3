"""What a job of submitit's does on its machine: one run; it and the sweep talk through files in a shared folder."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plx_train.ground.errors import UserError
from plx_train.ground.files import replace_file
from plx_train.runs.folder import LOG_FILE
from plx_train.sweep.executors.executor import Ended
from plx_train.sweep.executors.run_process import NEVER_BEGAN, RunProcess

POLL_SECONDS = 0.1
BEGUN, STOP, ENDED = "begun", "stop", "ended.json"
GONE = "was stopped because its sweep gave no sign of life"
TAKEN = "was stopped because its job was preempted or ran out of time"


@dataclass(frozen=True)
class Task:
    """One run as it is handed to a job: plain words, which submitit pickles.

    Attributes:
        run_folder: gets the log.
        place: folder in which the job and the sweep leave each other files.
        alive: the sweep's sign of life, a file whose content changes.
        orphan_seconds: without a sign of life after which the run ends.
    """

    command: tuple[str, ...]
    environment: dict[str, str]
    run_folder: str
    place: str
    alive: str
    kill_after: float
    orphan_seconds: float


def carry_out(task: Task) -> None:
    """Runs the command and leaves ``ended.json``; ends it when asked to, preempted, or left alone by the sweep."""
    place = Path(task.place)
    if (place / ENDED).exists():
        # SLURM has put the job back into its queue, but the sweep has already been told that it ended.
        return
    try:
        ended = _carry_out(task, place)
    except UserError as error:
        ended = Ended(127, str(error))
    replace_file(place / ENDED, json.dumps({"code": ended.code, "reason": ended.reason}))


def _carry_out(task: Task, place: Path) -> Ended:
    life = SignOfLife(Path(task.alive), task.orphan_seconds)
    # Jobs may be queued for longer than the sweep lives.
    while not life.was_given:
        if (place / STOP).exists() or not life.is_given():
            return NEVER_BEGAN
        time.sleep(POLL_SECONDS / 2)
    replace_file(place / BEGUN, str(os.getpid()))
    preemption = signal.Signals[f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}"]
    # It may be sent to every process of the job, and it would end those that do not expect it.
    signal.signal(preemption, signal.SIG_IGN)
    process = RunProcess(task.command, task.environment, Path(task.run_folder) / LOG_FILE, task.kill_after)
    caught: list[int] = []
    # In place of submitit's, which would put the job back into the queue: what is run again is the sweep's decision.
    for number in (preemption, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: caught.append(number))
    reason, is_asked = None, False
    while (ended := process.poll()) is None:
        if reason is None:
            reason = TAKEN if caught else None if life.is_given() else GONE
        if not is_asked and (reason or (place / STOP).exists()):
            is_asked = True
            process.stop()
        time.sleep(POLL_SECONDS)
    return ended if reason is None or ended.code == 0 else Ended(None, reason)


class SignOfLife:
    """Whether a file goes on changing, by this machine's clock alone; what lies there at first says nothing."""

    def __init__(self, path: Path, patience: float) -> None:
        self._path, self._patience = path, patience
        self._seen = self._read()
        self._seen_at = time.monotonic()
        self.was_given = False

    def is_given(self) -> bool:
        """Whether it has changed within the seconds of patience, or there was no time yet to see it change."""
        now = self._read()
        if now != self._seen:
            self._seen, self._seen_at, self.was_given = now, time.monotonic(), True
        return time.monotonic() - self._seen_at < self._patience

    def _read(self) -> str:
        # A shared folder may be away for a moment.
        with contextlib.suppress(OSError):
            return self._path.read_text()
        return getattr(self, "_seen", "")


def read_ended(place: Path) -> Ended | None:
    """How the run ended, as its job tells; None as long as it tells nothing."""
    try:
        told: dict[str, Any] = json.loads((place / ENDED).read_text())
    except OSError:
        return None
    return Ended(told["code"], told["reason"])
