"""Jobs: commands of this package, each in a folder with its log, carried out one after the other in its lane."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from plx_train.config.options import MODES
from plx_train.config.texts import key_of
from plx_train.ground.confine import plain_name
from plx_train.ground.credentials import without_credentials
from plx_train.ground.errors import UserError
from plx_train.ground.file_lock import try_lock
from plx_train.runs.folder import CHECK_FILE
from plx_train.studio.home import ORDER_FILE, Home, read_json, tail, write_json
from plx_train.studio.job_guard import ENDED_FILE, JOB_FILE, LOCK_FILE, LOG_FILE, STOP_FILE, end

QUEUED, RUNNING, DONE, FAILED, STOPPED, LOST = "queued", "running", "done", "failed", "stopped", "lost"
TRAINING, QUICK, SERVING = "training", "quick", "serving"
LANES = {TRAINING: 1, QUICK: 1, SERVING: 4}
"""Jobs of each kind that are carried out at once; trainings are as many as the user sets."""
TRAINS = ("train", "quantize", "benchmark", "reproduce")
MULTIRUN = ("-m", "--multirun")
STARTED_FILE = "started.json"
PROGRESS = re.compile(r"^step (\d+)/(\d+),(?:.*?\bleft ([\d:]+))?", re.MULTILINE)
"""Line that a training prints of itself."""
PROGRESS_BYTES = 4096
BEGINS_SECONDS = 20.0
"""Seconds in which a job that was started must have taken its lock."""
LOG_BYTES = 1 << 18
PACKAGE = Path(__file__).parents[2]
"""Where jobs import this package from, wherever they run."""
MOST_OVERRIDES, LONGEST_OVERRIDE = 200, 4000


@dataclass(frozen=True)
class StudioJob:
    """A command that was asked for.

    Attributes:
        overrides: what stands behind ``python -m plx_train``.
        title: what it is for, in words.
        lane: what it waits in line with.
        output: folder that it writes into, as the command has it.
        about: what pages know it by, for example the dataset that it checks.
        code: with which it ended.
        faults: that a check found in its data; None: it did not come so far, or is no check.
    """

    id: str
    overrides: tuple[str, ...]
    title: str
    lane: str
    made: float
    output: str | None = None
    about: dict[str, Any] = field(default_factory=dict)
    state: str = QUEUED
    began: float | None = None
    ended: float | None = None
    code: int | None = None
    faults: int | None = None

    @property
    def command(self) -> str:
        """What a terminal would be given."""
        return without_credentials(f"python -m plx_train {shlex.join(self.overrides)}")

    def plain(self) -> dict[str, Any]:
        """Everything, for a page."""
        return asdict(self) | {"command": self.command}


class JobBoard:
    """All jobs of a home; starts those whose turn it is. Not thread-safe: one thread calls it."""

    def __init__(self, home: Home, slots: int = 1) -> None:
        self._home = home
        self.slots = slots
        self.version = 0
        self._jobs = {path.name: job for path in home.jobs.iterdir() if (job := _read(path))}
        order = read_json(self._order_file, [])
        waiting = sorted((job.made, job.id) for job in self._jobs.values() if job.state == QUEUED)
        known = [each for each in order if each in self._jobs]
        self._order = known + [each for _, each in waiting if each not in known]

    def all(self) -> list[StudioJob]:
        """Jobs, newest first; those that wait first of all, in their order."""
        waiting = [self._jobs[each] for each in self._order]
        others = [job for job in self._jobs.values() if job.state != QUEUED]
        return waiting + sorted(others, key=lambda job: -job.made)

    def get(self, name: object) -> StudioJob:
        """
        Raises:
            UserError: there is no such job.
        """
        job = self._jobs.get(plain_name(name, "a request"))
        if job is None:
            raise UserError(f"there is no job {name}")
        return job

    def add(
        self,
        overrides: Sequence[str],
        title: str,
        about: dict[str, Any] | None = None,
        output: str | None = None,
    ) -> StudioJob:
        """Puts a command in line.

        Raises:
            UserError: it is none of ours.
        """
        texts = tuple(overrides)
        _refuse_odd(texts)
        made = time.time()
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(made))}-{secrets.token_hex(3)}"
        job = StudioJob(name, texts, title, lane_of(texts), made, output, about or {})
        folder = self._home.jobs / name
        folder.mkdir()
        write_json(folder / JOB_FILE, {key: value for key, value in asdict(job).items() if key in _RECORDED})
        self._jobs[name] = job
        self._place([*self._order, name])
        self._home.tell("queued", f"{title} was put in line", job=name)
        return job

    def move(self, name: str, place: int) -> None:
        """Puts a job that waits at a place in the line, counted from 0."""
        self.get(name)
        if name in self._order:
            others = [each for each in self._order if each != name]
            self._place([*others[: max(place, 0)], name, *others[max(place, 0) :]])

    def stop(self, name: str, now: bool = False) -> None:
        """Takes a job out of line, or asks its command to save and end; `now` kills it."""
        job = self.get(name)
        folder = self._home.jobs / name
        if job.state == QUEUED:
            (folder / STOP_FILE).touch()
            self._place([each for each in self._order if each != name])
            self._settle(replace(job, state=STOPPED, ended=time.time()))
        elif job.state == RUNNING:
            # Where its command has not begun yet, its guard finds the file as soon as it has.
            (folder / STOP_FILE).write_text("now" if now else "", "ascii")
            if leader := _leader(folder):
                end(leader, now)
            self._home.tell("stopping", f"{job.title} was asked to end", job=name)

    def log(self, name: str) -> str:
        """The end of what a job printed."""
        return tail(self._home.jobs / self.get(name).id / LOG_FILE, LOG_BYTES)

    def progress(self, job: StudioJob) -> dict[str, Any] | None:
        """How far a training is, as it printed last; None where it says nothing of that."""
        if job.state != RUNNING:
            return None
        found = list(PROGRESS.finditer(tail(self._home.jobs / job.id / LOG_FILE, PROGRESS_BYTES)))
        return {"step": int(found[-1][1]), "of": int(found[-1][2]), "left": found[-1][3]} if found else None

    def tick(self) -> None:
        """Looks how jobs are, and starts those whose turn it is."""
        for job in [job for job in self._jobs.values() if job.state == RUNNING]:
            found = _read(self._home.jobs / job.id) or replace(job, state=LOST)
            if found.state != RUNNING:
                self._settle(found)
        running = [job.lane for job in self._jobs.values() if job.state == RUNNING]
        for job in [self._jobs[each] for each in self._order]:
            if running.count(job.lane) < (self.slots if job.lane == TRAINING else LANES[job.lane]):
                running.append(job.lane)
                self._start(job)

    def _start(self, job: StudioJob) -> None:
        folder, began = self._home.jobs / job.id, time.time()
        write_json(folder / STARTED_FILE, {"at": began})
        path = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH", "")]))
        subprocess.Popen(
            [sys.executable, "-m", "plx_train.studio.job_guard", str(folder)],
            cwd=self._home.root,
            env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._place([each for each in self._order if each != job.id])
        self._jobs[job.id] = replace(job, state=RUNNING, began=began)
        self._home.tell("started", f"{job.title} began", job=job.id)

    def _settle(self, job: StudioJob) -> None:
        self._jobs[job.id] = job
        self.version += 1
        words = f"finished, {_counted(job.faults, 'fault')} found" if job.faults else _WORDS[job.state]
        self._home.tell(job.state, f"{job.title}: {words}", job=job.id)

    def _place(self, order: list[str]) -> None:
        self._order = order
        self.version += 1
        write_json(self._order_file, order)

    @property
    def _order_file(self) -> Path:
        return self._home.own / ORDER_FILE


_RECORDED = ("id", "overrides", "title", "lane", "made", "output", "about")
_WORDS = {
    DONE: "is done",
    FAILED: "failed",
    STOPPED: "was stopped",
    LOST: "was killed before it could say how it ended",
}


def lane_of(overrides: Sequence[str]) -> str:
    """What a command waits in line with."""
    mode = _mode(overrides)
    if set(MULTIRUN) & set(overrides):
        return TRAINING
    return SERVING if mode == "serve" else TRAINING if mode in TRAINS else QUICK


def _mode(overrides: Sequence[str]) -> str:
    return next((text.partition("=")[2] for text in overrides if key_of(text) == "mode"), "train")


def _refuse_odd(overrides: Sequence[str]) -> None:
    if not overrides or len(overrides) > MOST_OVERRIDES:
        raise UserError("a command has between one and two hundred options")
    for text in overrides:
        is_plain = "=" in text or text in MULTIRUN
        if not is_plain or len(text) > LONGEST_OVERRIDE or "\0" in text or (text[0] == "-" and text not in MULTIRUN):
            raise UserError(f"{text[:80]!r} is no option: they are written key=value")
    mode = _mode(overrides)
    if mode not in MODES or mode == "studio":
        raise UserError(f"mode={mode[:40]} is no job")


def _read(folder: Path) -> StudioJob | None:
    """The job in a folder as it is now; None where none is recorded."""
    recorded = read_json(folder / JOB_FILE, None)
    try:
        job = StudioJob(**{key: recorded[key] for key in _RECORDED})
    except (TypeError, KeyError):
        return None
    job = replace(job, overrides=tuple(job.overrides))
    ended, started = read_json(folder / ENDED_FILE, None), read_json(folder / STARTED_FILE, None)
    was_asked = (folder / STOP_FILE).exists()
    if ended:
        is_check = job.output is not None and _mode(job.overrides) == "check_dataset"
        faults = _faults(folder.parents[2] / str(job.output)) if is_check else None
        state = DONE if ended["code"] == 0 or faults else STOPPED if was_asked else FAILED
        return replace(job, state=state, began=ended["began"], ended=ended["at"], code=ended["code"], faults=faults)
    if not started:
        return replace(job, state=STOPPED) if was_asked else job
    if _is_held(folder / LOCK_FILE, started["at"]):
        return replace(job, state=RUNNING, began=started["at"])
    if (folder / ENDED_FILE).exists():
        return _read(folder)
    return replace(job, state=STOPPED if was_asked else LOST, began=started["at"])


def _faults(output: Path) -> int | None:
    """How many faults a check found; None where there was none that came to its end."""
    told = read_json(output / CHECK_FILE, None)
    return int(told.get("num_errors", 0)) if isinstance(told, dict) else None


def _counted(number: int | None, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _is_held(path: Path, started: float) -> bool:
    try:
        with path.open("rb") as file:
            if try_lock(file.fileno()) is False:
                return True
    except OSError:
        pass
    return _leader(path.parent) is None and time.time() - started < BEGINS_SECONDS


def _leader(folder: Path) -> int | None:
    """The process that a job's command began with."""
    try:
        return int((folder / LOCK_FILE).read_text("ascii"))
    except (OSError, ValueError):
        return None
