"""Keeps a run's checkpoints: written beside training; the newest and the best stay, damaged ones are passed over."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.distributed import ranks
from plx_train.ground.errors import TrainingError, WeightsError
from plx_train.runs.checkpoint import clear_leftovers, is_checkpoint, load_checkpoint, save_checkpoint
from plx_train.runs.folder import BEST, STEP_PREFIX

Tensors = dict[str, dict[str, np.ndarray]]


@dataclass(frozen=True)
class Retention:
    """When a checkpoint is due, and which stay.

    Attributes:
        every_steps: optimizer steps between checkpoints; None: none by steps.
        interval: seconds between checkpoints; None: none by time.
        keep_last: the newest ones that stay, at least 1.
        keep_every_steps: those at multiples of this stay for good.
    """

    every_steps: int | None = None
    interval: float | None = None
    keep_last: int = 2
    keep_every_steps: int | None = None


@dataclass(frozen=True)
class Saved:
    """A checkpoint read back; `damaged` are sentences on newer ones that could not be used."""

    folder: Path
    tensors: Tensors
    state: dict[str, Any]
    damaged: tuple[str, ...]


class Keeper:
    """Writes checkpoints in a thread, one after the other; at most one waits.

    Args:
        folder: ``checkpoints`` of the run.
        retention: which stay.
        texts: files that go into each checkpoint, by name.
        before: is called in the thread before a checkpoint is written, to bring to disk what it stands on.
    """

    def __init__(
        self, folder: Path, retention: Retention, texts: Mapping[str, str], before: Callable[[], None]
    ) -> None:
        self.folder = folder
        self.retention = retention
        self.texts = texts
        self.before = before
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None
        self._saved_at = time.monotonic()

    @property
    def best(self) -> Path:
        """Folder of the best weights."""
        return self.folder / BEST

    def is_due(self, step: int) -> bool:
        """Whether a checkpoint is to be written at `step`, evaluations apart."""
        every, interval = self.retention.every_steps, self.retention.interval
        by_time = interval is not None and time.monotonic() - self._saved_at >= interval
        return by_time or (every is not None and step % every == 0)

    def save_step(self, step: int, tensors: Tensors, state: dict[str, Any]) -> None:
        """Writes what a run needs to go on from `step`; arrays must not change afterwards."""
        self._saved_at = time.monotonic()
        self._start(partial(self._write_step, self.folder / f"{STEP_PREFIX}{step:08d}", tensors, state))

    def save_best(self, tensors: Tensors, state: dict[str, Any]) -> None:
        """Replaces the best weights."""
        self._start(partial(self._write, self.best, tensors, state))

    def wait(self) -> None:
        """Returns when all is on disk.

        Raises:
            TrainingError: a checkpoint could not be written.
        """
        if self._thread:
            self._thread.join()
            self._thread = None
        if self._error:
            error, self._error = self._error, None
            raise TrainingError(
                f"a checkpoint can't be written to {self.folder} ({error.strerror or error}): make room there and go "
                "on with resume=; the checkpoints before it are whole"
            )

    def _start(self, work: Callable[[], None]) -> None:
        self.wait()
        # No daemon: a checkpoint that is being written is finished before the process ends.
        self._thread = threading.Thread(target=self._run, args=(work,), name="plx-checkpoint")
        self._thread.start()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            self._error = error

    def _write(self, folder: Path, tensors: Tensors, state: dict[str, Any]) -> None:
        self.before()
        save_checkpoint(folder, tensors, state, self.texts)

    def _write_step(self, folder: Path, tensors: Tensors, state: dict[str, Any]) -> None:
        self._write(folder, tensors, state)
        self._drop_old()

    def _drop_old(self) -> None:
        every = self.retention.keep_every_steps
        for path in self.steps()[self.retention.keep_last :]:
            if every is None or _step_of(path) % every:
                # Under another name first: half of a checkpoint must not look like a damaged one.
                gone = path.rename(path.with_name(f"{path.name}.tmp"))
                shutil.rmtree(gone, ignore_errors=True)

    def steps(self) -> list[Path]:
        """Folders of all checkpoints to go on from, the newest first."""
        return step_checkpoints(self.folder)

    def newest(self) -> Saved | None:
        """The newest checkpoint that is whole, the same in all processes; None where there is none at all.

        Raises:
            WeightsError: there are some, and all are damaged.
        """
        saved = self._newest() if ranks.rank() == 0 else None
        folder = ranks.gather(saved.folder if saved else None)[0]
        if folder is None or ranks.rank() == 0:
            return saved
        return Saved(folder, *load_checkpoint(folder), ())

    def _newest(self) -> Saved | None:
        self.wait()
        clear_leftovers(self.folder)
        damaged: list[str] = []
        broken: list[Path] = []
        for path in self.steps():
            try:
                tensors, state = load_checkpoint(path)
            except WeightsError as error:
                damaged.append(str(error))
                broken.append(path)
                continue
            for other in broken:
                # Kept for whoever wants to look, but not in the way of those to come.
                other.rename(other.with_name(f"{other.name}.damaged"))
            return Saved(path, tensors, state, tuple(damaged))
        if damaged:
            raise WeightsError(f"no checkpoint of {self.folder} can be used: {'; '.join(damaged)}")
        return None


def step_checkpoints(folder: Path) -> list[Path]:
    """Checkpoints to go on from in a run's folder of checkpoints, the newest first; damaged ones included."""
    found = [path for path in folder.glob(f"{STEP_PREFIX}*") if path.name.removeprefix(STEP_PREFIX).isdigit()]
    return sorted(found, key=_step_of, reverse=True)


def is_whole(folder: Path) -> bool:
    """Whether a checkpoint is there with every byte that was written."""
    if not is_checkpoint(folder):
        return False
    try:
        load_checkpoint(folder)
    except WeightsError:
        return False
    return True


def _step_of(path: Path) -> int:
    return int(path.name.removeprefix(STEP_PREFIX))
