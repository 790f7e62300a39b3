"""A run's surroundings: its folder, its options, its console, and what evaluates during it."""

from __future__ import annotations

import errno
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from plx_train.config.compose import Composed
from plx_train.config.options import RunOptions
from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import Module
from plx_train.contract.processor import Processor
from plx_train.contract.sample import Batch
from plx_train.ground.confine import refuse_leading_out
from plx_train.ground.errors import UserError
from plx_train.ground.files import replace_file, resolve_path
from plx_train.ground.stop import StopRequest
from plx_train.metrics.evaluate import Engine, calibrate, evaluate
from plx_train.runs.folder import CONFIG_FILE, OUTPUTS, RUN_FILE, SWEEP_FILE, WRITTEN
from plx_train.runs.lock import RunLock, hold_writable, is_held, is_trained_in
from plx_train.terminal.console import Console, make_console

DISK_FAULTS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.ENOTDIR, errno.EEXIST, errno.EIO, errno.ENAMETOOLONG),
)

SHARED_SECONDS = 600.0
"""How long the command of one of several machines waits for another one's, which prepares the data."""


@dataclass(frozen=True)
class Session:
    """A run's surroundings."""

    options: RunOptions
    composed: Composed
    output: Path
    console: Console
    started: float
    lock: RunLock | None = None
    """That of the folder; None in the processes that a command has train together."""
    parts: dict[str, float] = field(default_factory=dict)
    """Seconds of each part of the command that is over, in order."""

    def ended(self, part: str) -> None:
        """Writes down that all since the last part, or the beginning, went into this one."""
        self.parts[part] = self.elapsed - sum(self.parts.values())

    def let_others_in(self) -> None:
        """Ends what one machine alone may do in the folder, where several share a run."""
        if self.lock is not None and self.options.device.nodes > 1:
            self.lock.close()

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.perf_counter() - self.started


@contextmanager
def open_session(composed: Composed, subject: str | None = None) -> Iterator[Session]:
    """The run's folder, which is no other command's inside: its lock is taken before anything is written there.

    Where several machines share a run, each of their commands is given the folder, one after the other: it is theirs
    until the data are written (`Session.let_others_in`), then the first process's.

    Args:
        subject: what the run is about, for the folder's name; the module type where it is None.

    Raises:
        UserError: the folder can't be written, is in use, holds a run, or holds links that lead out of it.
    """
    options = composed.options
    output = resolve_path(options.output or _default_folder(options, subject or options.module.name))
    with explained_faults(output):
        _make_folder(output)
        lock = _lock(output, options)
    with closing(lock):
        is_known = (output / RUN_FILE).exists()
        if options.mode == "train" and (output / SWEEP_FILE).exists():
            raise UserError(f"output={output} holds a sweep, whose records would be lost: give another folder")
        if options.mode == "train" and is_known and not options.resume:
            raise UserError(
                f"output={output} holds a run already, which would be lost: give another folder, or go on with that "
                f"run by resume={shlex.quote(str(output))}"
            )
        if not is_known:
            with explained_faults(output):
                # In one piece, and the file itself: a link in its place would have another one written.
                replace_file(output / CONFIG_FILE, composed.yaml)
        _refuse_links(output, options.mode)
        yield Session(options, composed, output, make_console(quiet=options.quiet), time.perf_counter(), lock)


def _lock(output: Path, options: RunOptions) -> RunLock:
    """The folder's lock, for which the command of one of several machines waits while another one writes the data."""
    give_up = time.monotonic() + (SHARED_SECONDS if options.mode == "train" and options.device.nodes > 1 else 0)
    while True:
        try:
            return hold_writable(output)
        except UserError:
            if time.monotonic() >= give_up or is_trained_in(output) or is_held(output) is None:
                raise
        time.sleep(0.2)


def _refuse_links(output: Path, mode: str) -> None:
    """Looks through what is in the folder, whoever put it there, before a command writes to it.

    A run fills its folder, and owns all of it; what others write has its names, in a folder that may be anybody's.

    Raises:
        UserError: a link there leads out of it.
    """
    for name in [path.name for path in output.iterdir()] if mode == "train" else WRITTEN:
        if os.path.lexists(output / name):
            refuse_leading_out(output, output / name)


def _default_folder(options: RunOptions, subject: str) -> str:
    named = re.sub(r"[^\w.-]", "_", subject)
    return f"{OUTPUTS}/{named}-{options.mode}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:
        # Where the system makes the folders itself, under /proc for example.
        raise PermissionError(errno.EACCES, error.strerror) from None


@contextmanager
def explained_faults(output: Path) -> Iterator[None]:
    """Says in a sentence what is wrong with the disk that holds `output`.

    Raises:
        UserError: a file there can't be written.
    """
    try:
        yield
    except OSError as error:
        # Other errors of the system, of a library's own files for example, are not explained by this folder.
        if error.errno not in DISK_FAULTS:
            raise
        reason = error.strerror or str(error)
        raise UserError(
            f"output={output} can't be written ({reason}): make room there, or give another folder"
        ) from None


def make_evaluator(
    module: Module, engine: Engine, val: Dataset, holdout: Dataset, num_threads: int, stop: StopRequest
) -> Callable[..., Evaluation]:
    """A function that calibrates on `holdout` and evaluates on `val`, shared among the processes; `stop` ends it.

    Given a processor, it evaluates with that.
    """

    def guarded(batch: Batch) -> list[np.ndarray]:
        stop.check()
        return engine(batch)

    def run(processor: Processor | None = None) -> Evaluation:
        if processor is not None or not module.has_calibration:
            return evaluate(module, guarded, val, processor or module.processor, num_threads, is_shared=True)
        processor = calibrate(module, guarded, holdout, num_threads, is_shared=True)
        official = module.processor if module.has_official else None
        return evaluate(module, guarded, val, processor, num_threads, official, is_shared=True)

    return run
