"""A run's dataset: read, fitted to, checked and split by the run's room."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from plx_train.config.options import RunOptions
from plx_train.contract.check import Checked, CheckReport, Finding
from plx_train.contract.dataset_options import WHITE, DatasetOptions
from plx_train.contract.module import Module
from plx_train.contract.processor import Processor
from plx_train.contract.room import AnyRoom
from plx_train.contract.rooms import load_room
from plx_train.data.misspelt import misspelt_findings
from plx_train.data.portion import draw
from plx_train.distributed import ranks
from plx_train.ground.cycles import seldom_searched
from plx_train.ground.errors import ConfigError, DataError, WeightsError
from plx_train.ground.portions import parse_portion
from plx_train.runs.checkpoint import is_checkpoint, load_state
from plx_train.runs.exported import is_export, read_inference
from plx_train.runs.folder import CHECK_FILE, RUN_FILE
from plx_train.workflow.prepare import Prepared, prepare
from plx_train.workflow.session import Session

TEST_FAULTY = "test-split-faulty"
LEAST_HELD = 8
"""Fewer samples than this are not held out of few labelled ones: they say little, and are missed in training."""
MAX_SHOWN = 10
"""Errors of the dataset told one by one; all are in ``check.json``."""


@dataclass(frozen=True)
class Splits:
    """Samples of the three splits, as the room's check left them.

    Attributes:
        rest: training samples whose labels are left out.
        num_all: training samples with and without labels.
    """

    train: list[Any]
    holdout: list[Any]
    val: list[Any]
    rest: list[Any] = field(default_factory=list)
    num_all: int = 0


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
        labelled, rest = self._labelled(train, dataset)
        is_few = bool(dataset.labelled or dataset.pool) and dataset.holdout_share * len(labelled) < LEAST_HELD
        kept, held = checked.hold_out(labelled, 0.0 if is_few else dataset.holdout_share, options.seed)
        return Splits(kept, held, val, rest, len(train))

    def _labelled(self, train: list[Any], dataset: DatasetOptions) -> tuple[list[Any], list[Any]]:
        """The training samples that are learned with their labels, and the others."""
        if dataset.labelled is None:
            return train, []
        portion = parse_portion(dataset.labelled, "dataset.labelled")
        classes = [self.room.classes_in(sample) for sample in train]
        if portion.is_per_class and not any(classes):
            raise ConfigError(
                f"dataset.labelled={dataset.labelled}: samples of module={self.room.name} have no classes: give a "
                "number, as in 20, or a share, as in 10%"
            )
        kept = draw(classes, portion, dataset.labelled_seed)
        chosen = {*kept}
        return [train[place] for place in kept], [one for place, one in enumerate(train) if place not in chosen]

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
        return room.processor.described_by(read_inference(folder))
    if not is_checkpoint(folder):
        raise WeightsError(f"{folder} is neither a checkpoint nor an exported folder")
    recorded = load_state(folder).get("processor")
    if recorded is None:
        raise WeightsError(f"{folder} is for continuing a run: give the run's checkpoints/best")
    return room.processor.from_record(recorded)


@dataclass(frozen=True)
class Finished:
    """A finished model that data are opened for; of a new run nothing.

    Attributes:
        folder: its files, exported or a checkpoint.
        weights: those that are used as they are, where these are the model.
        run: folder of the run that made it, whose label files hold.
    """

    folder: Path | None = None
    weights: str | None = None
    run: Path | None = None


NEW = Finished()


@seldom_searched()
def check(options: RunOptions, output: Path, finished: Finished = NEW) -> tuple[Processor | None, Checked[Any]]:
    """What the room says of the run's dataset; no processor where there is nothing to fit it to.

    Args:
        output: folder of the run that looks.

    Raises:
        UserError: the options don't fit together, or ask for what can't be had.
    """
    room = load_room(options.module.name)
    trained = trained_processor(room, finished.folder) if finished.folder else None
    # A finished model sees what it was trained on, in pictures that are cut for it too.
    seen = {"background": WHITE, **trained.reading()} if trained else {}
    options = replace(options, dataset=replace(options.dataset, **seen))
    prepared = prepare(options, output, trained, finished.run)
    dataset = prepared.dataset
    room.check_options(options.module, dataset)
    data = room.read(dataset, options.module)
    processor: Processor | None = trained
    if processor is None and not prepared.is_empty:
        processor = _fitted(room, data, dataset, options, finished.weights)
    checked = room.check(data, processor, dataset, options.module)
    root = options.dataset.root if dataset.label_folder else checked.report.root
    found = checked.report
    if trained is None and processor is not None and room.truth(options.module) is not None:
        classes = [(sample.where, room.classes_in(sample)) for sample in checked.train]
        names = room.known_classes(processor)
        found = replace(found, findings=(*found.findings, *(misspelt_findings(classes, names) if names else ())))
    report = prepared.told(found, root)
    if processor is not None and prepared.test not in (None, dataset.val):
        report = replace(report, findings=(*report.findings, *_of_test(room, processor, prepared, options)))
    return processor, replace(checked, report=report)


def _of_test(room: AnyRoom, processor: Processor, prepared: Prepared, options: RunOptions) -> list[Finding]:
    """A warning where the test split has errors: it is measured when a run ends, and can be mended before."""
    dataset = replace(prepared.dataset, val=str(prepared.test))
    data = room.read(dataset, options.module)
    report = room.check(data, processor, dataset, options.module).report
    errors = tuple(found for found in report.errors if found.path == dataset.val)
    if not errors:
        return []
    number = f"{len(errors)} errors, the first" if len(errors) > 1 else "an error,"
    first = prepared.original(errors[0])
    reason = f"the test split has {number} {first}: samples that have one are left out when it is measured"
    return [Finding(dataset.val, 0, "warning", TEST_FAULTY, reason)]


def _fitted(
    room: AnyRoom, data: Any, dataset: DatasetOptions, options: RunOptions, weights: str | None
) -> Processor | None:
    """The processor of a new model, or of weights that are used as they are, which sees what `dataset` asks for."""
    if weights is not None:
        fitted = room.processor_of_weights(data, dataset, options.module, weights)
    else:
        fitted = room.fit(data, dataset, options.module, starting_weights(options))
    return fitted and fitted.with_reading({"background": dataset.background})


def fingerprint_of(options: RunOptions) -> str:
    """The fingerprint of a new run's dataset, as the run will record it."""
    with TemporaryDirectory(prefix="plx_train-") as output:
        return check(options, Path(output))[1].report.fingerprint


def open_data(session: Session, finished: Finished = NEW) -> RunData:
    """The run's dataset, with what its check found in ``check.json``.

    Raises:
        DataError: the check found errors.
    """
    options = session.options
    # What goes on, and what the processes of one run share, was written before.
    is_begun = ranks.num_ranks() > 1 or bool(options.resume and (session.output / RUN_FILE).exists())
    known = replace(finished, run=session.output) if is_begun else finished
    processor, checked = check(options, session.output, known)
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
    for finding in report.findings:
        if finding.code == TEST_FAULTY:
            session.console.warn(str(finding))
    if report.division:
        session.console.info(f"data read as {report.format}: {report.division}")
    if processor is None:
        raise DataError(f"{options.dataset.root} leaves no sample to train or evaluate on")
    for said in processor.told():
        session.console.info(said)
    return RunData(load_room(options.module.name), processor, checked)
