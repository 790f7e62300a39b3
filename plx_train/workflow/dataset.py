"""A run's dataset: read, fitted to, checked and split by the run's room."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plx_train.config.options import RunOptions
from plx_train.contract.check import Checked, CheckReport
from plx_train.contract.module import Module
from plx_train.contract.processor import Processor
from plx_train.contract.room import AnyRoom
from plx_train.contract.rooms import load_room
from plx_train.distributed import ranks
from plx_train.ground.errors import DataError, WeightsError
from plx_train.runs.checkpoint import is_checkpoint, load_state
from plx_train.runs.exported import is_export, read_inference
from plx_train.runs.folder import CHECK_FILE, RUN_FILE
from plx_train.workflow.prepare import prepare
from plx_train.workflow.session import Session

MAX_SHOWN = 10
"""Errors of the dataset told one by one; all are in ``check.json``."""


@dataclass(frozen=True)
class Splits:
    """Samples of the three splits, as the room's check left them."""

    train: list[Any]
    holdout: list[Any]
    val: list[Any]


@dataclass(frozen=True)
class RunData:
    """A dataset that can be used.

    Attributes:
        processor: of a finished model its own, else what options and training samples say.
    """

    room: AnyRoom
    processor: Processor
    checked: Checked[Any]

    @property
    def report(self) -> CheckReport:
        """What the check found."""
        return self.checked.report

    def split(self, options: RunOptions) -> Splits:
        """Training samples without those held out, those, and the validation samples."""
        checked, dataset = self.checked, options.dataset
        train, val = checked.first(checked.train, dataset.limit), checked.first(checked.val, dataset.limit)
        if dataset.overfit:
            return Splits(train, [], train)
        kept, held = checked.hold_out(train, dataset.holdout_share, options.seed)
        return Splits(kept, held, val)

    def build(self, options: RunOptions, is_fine_tuning: bool) -> Module[Any]:
        """The room's module for these data; its own processor is the one before any calibration."""
        official = self.room.official(self.processor, options.module)
        return self.room.build(options.module, official, self.checked, is_fine_tuning)


def starting_weights(options: RunOptions) -> str | None:
    """What a new run's weights are read from; None from scratch."""
    source = options.init_from or options.weights.source
    return load_room(options.module.name).pretrained(options.module) if source == "auto" else source


def trained_processor(room: AnyRoom, folder: Path) -> Processor:
    """The processor of a finished model, an exported folder or a checkpoint.

    Raises:
        UserError: it is neither, or of another room.
    """
    if is_export(folder):
        return room.processor.from_inference(read_inference(folder))
    if not is_checkpoint(folder):
        raise WeightsError(f"{folder} is neither a checkpoint nor an exported folder")
    recorded = load_state(folder).get("processor")
    if recorded is None:
        raise WeightsError(f"{folder} is for continuing a run: give the run's checkpoints/best")
    return room.processor.from_record(recorded)


def check(
    options: RunOptions, folder: Path, trained: Path | None = None, known: Path | None = None
) -> tuple[Processor | None, Checked[Any]]:
    """What the room says of the run's dataset; no processor where there is nothing to fit it to.

    Args:
        folder: of the run.
        trained: the finished model's files, where it is not a new run.
        known: folder of the run whose label files hold; see `prepare`.

    Raises:
        UserError: the options don't fit together, or ask for what can't be had.
    """
    room = load_room(options.module.name)
    finished = trained_processor(room, trained) if trained else None
    prepared = prepare(options, folder, finished, known)
    dataset = prepared.dataset
    room.check_options(options.module, dataset)
    data = room.read(dataset, options.module)
    processor = finished
    if processor is None and not prepared.is_empty:
        processor = room.fit(data, dataset, options.module, starting_weights(options))
    checked = room.check(data, processor, dataset, options.module)
    root = options.dataset.root if dataset.label_folder else checked.report.root
    return processor, replace(checked, report=prepared.told(checked.report, root))


def open_data(session: Session, trained: Path | None = None, run: Path | None = None) -> RunData:
    """The run's dataset, with what its check found in ``check.json``; `trained` as for `check`.

    Args:
        run: the folder of the run that is looked at again, whose label files hold.

    Raises:
        DataError: the check found errors.
    """
    options = session.options
    # What goes on, and what the processes of one run share, was written before.
    is_begun = ranks.num_ranks() > 1 or bool(options.resume and (session.output / RUN_FILE).exists())
    processor, checked = check(options, session.output, trained, session.output if is_begun else run)
    report = checked.report
    if ranks.rank() == 0:
        (session.output / CHECK_FILE).write_text(json.dumps(report.to_json(), indent=1), "utf-8")
    if not report.ok and not options.dataset.ignore_findings:
        for finding in report.errors[1:MAX_SHOWN]:
            session.console.error(str(finding))
        number = f"{len(report.errors)} errors, the first" if len(report.errors) > 1 else "an error:"
        raise DataError(
            f"the dataset at {options.dataset.root} has {number} {report.errors[0]} (all are in "
            f"{session.output / CHECK_FILE}): mend them, or leave the samples out with dataset.ignore_findings=true"
        )
    if report.division:
        session.console.info(f"data read as {report.format}: {report.division}")
    if processor is None:
        raise DataError(f"{options.dataset.root} leaves no sample to train or evaluate on")
    return RunData(load_room(options.module.name), processor, checked)
