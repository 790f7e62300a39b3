"""A run's surroundings: its folder, its options, its dataset as the room's check reads it."""

from __future__ import annotations

import errno
import json
import os
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.config.compose import Composed
from plx_train.config.options import DatasetOptions, RunOptions
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import Batch, Dataset, Module
from plx_train.contract.rooms import room_file
from plx_train.data.findings import CheckReport
from plx_train.distributed import ranks
from plx_train.ground.errors import DataError, UserError
from plx_train.ground.files import resolve_path
from plx_train.ground.stop import StopRequest
from plx_train.metrics.evaluate import Engine, calibrate, evaluate
from plx_train.runs.folder import CHECK_FILE, CONFIG_FILE, OUTPUTS, RUN_FILE
from plx_train.terminal.console import Console, make_console

DISK_FAULTS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.ENOTDIR, errno.EEXIST, errno.EIO, errno.ENAMETOOLONG),
)
MAX_SHOWN = 10
"""Errors of the dataset told one by one; all are in ``check.json``."""


@dataclass(frozen=True)
class Splits:
    """Labels of the three splits, as the room's check read them."""

    train: list[Any]
    holdout: list[Any]
    val: list[Any]


@dataclass(frozen=True)
class Session:
    """A run's surroundings."""

    options: RunOptions
    composed: Composed
    output: Path
    console: Console
    started: float

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.perf_counter() - self.started


def open_session(composed: Composed) -> Session:
    """Makes the run's folder and writes the composed configuration into it.

    Raises:
        UserError: the folder can't be written, or holds a run.
    """
    options = composed.options
    stamp = time.strftime("%Y%m%d-%H%M%S")
    default = f"{OUTPUTS}/{options.module.name}-{options.mode}-{stamp}-{os.getpid()}"
    output = resolve_path(options.output or default)
    is_known = (output / RUN_FILE).exists()
    if options.mode == "train" and is_known and not options.resume:
        raise UserError(
            f"output={output} holds a run already, which would be lost: give another folder, or go on with that run "
            f"by resume={shlex.quote(str(output))}"
        )
    with explained_faults(output):
        _make_folder(output)
        if not is_known:
            (output / CONFIG_FILE).write_text(composed.yaml, "utf-8")
    return Session(options, composed, output, make_console(quiet=options.quiet), time.perf_counter())


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


def starting_weights(options: RunOptions) -> str | None:
    """What a new run's weights are read from; None from scratch."""
    source = options.init_from or options.weights.source
    return options.module.pretrained if source == "auto" else source


def resolve_module(options: RunOptions, trained: Path | None = None) -> None:
    """Fills in what the module's options leave to weights and labels (a dictionary, say), where the room has such.

    Args:
        trained: the finished model's files, where it is not a new run.
    """
    resolve = getattr(room_file(options.module.name, "check"), "resolve", None)
    if resolve is not None:
        weights = str(trained) if trained else starting_weights(options)
        options.module = resolve(options.dataset, options.module, weights, trained is not None)


def check_data(session: Session, trained: Path | None = None) -> tuple[CheckReport, Any]:
    """The room's check of the dataset: its report, and the labels it read; `trained` as for `resolve_module`.

    Raises:
        DataError: the check found errors.
    """
    options = session.options
    resolve_module(options, trained)
    room = room_file(options.module.name, "check")
    checked = room.check(options.dataset, options.module)
    report: CheckReport = checked.report
    if ranks.rank() == 0:
        (session.output / CHECK_FILE).write_text(json.dumps(report.to_json(), indent=1), "utf-8")
    if not report.ok and not options.dataset.ignore_findings:
        errors = [finding for finding in report.findings if finding.level == "error"]
        for finding in errors[1:MAX_SHOWN]:
            session.console.error(str(finding))
        number = f"{len(errors)} errors, the first" if len(errors) > 1 else "an error:"
        raise DataError(
            f"the dataset at {options.dataset.root} has {number} {errors[0]} (all are in "
            f"{session.output / CHECK_FILE}): mend them, or leave the samples out with dataset.ignore_findings=true"
        )
    return report, checked


def split(checked: Any, dataset: DatasetOptions, seed: int) -> Splits:
    """Training samples without those held out, those, and the validation samples."""
    train, val = checked.first(checked.train, dataset.limit), checked.first(checked.val, dataset.limit)
    if dataset.overfit:
        return Splits(train, [], train)
    kept, held = checked.hold_out(train, dataset.holdout_share, seed)
    return Splits(kept, held, val)


def make_evaluator(
    module: Module, engine: Engine, val: Dataset, holdout: Dataset, num_threads: int, stop: StopRequest
) -> Callable[[], Evaluation]:
    """A function that calibrates on `holdout` and evaluates on `val`, shared among the processes; `stop` ends it."""

    def guarded(batch: Batch) -> list[np.ndarray]:
        stop.check()
        return engine(batch)

    def run() -> Evaluation:
        if not module.has_calibration:
            return evaluate(module, guarded, val, module.processor, num_threads, is_shared=True)
        processor = calibrate(module, guarded, holdout, num_threads, is_shared=True)
        official = module.processor if module.has_official else None
        return evaluate(module, guarded, val, processor, num_threads, official, is_shared=True)

    return run


def with_processor(module: Module, values: dict[str, Any]) -> Any:
    """The module's processor with the fields of a recorded one."""
    known = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return replace(module.processor, **known)
