"""A dataset's labels looked through: by what a network sees in the samples, or by a finished model's predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.config.compose import Composed
from plx_train.config.options import RunOptions
from plx_train.contract.check import Finding
from plx_train.contract.doubt import DOUBTS, Suspicion
from plx_train.contract.rooms import load_room
from plx_train.contract.truth import Truth
from plx_train.data.corrections import Correction
from plx_train.few.directions import directions
from plx_train.few.suspects import Folds, Suspected, suspected_classes, suspected_labels
from plx_train.ground.errors import ConfigError
from plx_train.ground.files import resolve_path
from plx_train.metrics.evaluate import run_samples
from plx_train.runs.folder import LABEL_FILES
from plx_train.workflow.corrected import looked_at
from plx_train.workflow.dataset import RunData
from plx_train.workflow.evaluation import open_finished
from plx_train.workflow.pool import features_of
from plx_train.workflow.prepare import prepare
from plx_train.workflow.session import Session
from plx_train.workflow.source import Source, find_source, load_source
from plx_train.workflow.training import build_module

WARNING = "label-suspect"


@dataclass(frozen=True)
class Suspect:
    """A sample whose label is likely wrong.

    Attributes:
        split: that it stands in.
        image: path relative to the dataset's folder.
        where: file and line of its label, as people find it.
    """

    sample: Any
    split: str
    image: str
    where: tuple[str, int]
    suspicion: Suspicion


@dataclass(frozen=True)
class Audit:
    """Suspects of a dataset, most suspect first.

    Attributes:
        numbers: of the samples that were looked through, by split.
        by: what they were looked through by, in words.
        num_found: suspects, of which the first are listed.
        agreement: of the labels with what a network takes samples for, 0 to 1; None: it was not asked so.
        known: corrections that are taken in already; their images are suspected no more.
    """

    suspects: tuple[Suspect, ...]
    numbers: dict[str, int]
    by: str
    num_found: int
    agreement: float | None = None
    known: tuple[Correction, ...] = ()

    def pairs(self) -> list[tuple[str, str, str, int]]:
        """Kind of doubt, label and suggestion that are there most often, with their number."""
        counts = Counter(_pair(one) for one in self.suspects)
        return [(*pair, number) for pair, number in counts.most_common()]


def _pair(one: Suspect) -> tuple[str, str, str]:
    first = one.suspicion.doubts[0]
    return first.kind, first.label, first.suggestion


def needs_run(options: RunOptions) -> bool:
    """Whether labels are compared with a finished model's predictions.

    Raises:
        ConfigError: there is no way to look through labels of this module.
    """
    room = load_room(options.module.name)
    if room.doubts is not None:
        return True
    if room.truth(options.module) not in (Truth.CLASS, Truth.LABELS):
        raise ConfigError(
            f"module={room.name} can't be audited: labels of images are looked through, which stand in label files"
        )
    return False


def audit(session: Session, data: RunData, source: Source | None, device: str) -> Audit:
    """What is suspect in the training and the validation split; nothing is changed.

    Args:
        source: the finished model to judge by; None: what a network sees whose weights training would begin with.
        device: name of the open one.
    """
    checked, limit = data.checked, session.options.dataset.limit
    splits = {"train": checked.first(checked.train, limit), "val": checked.first(checked.val, limit)}
    samples = [(split, one) for split, given in splits.items() for one in given]
    look = _by_predictions if needs_run(session.options) else _by_features
    session.console.info(f"looks through {len(samples)} samples")
    by, judged = look(session, data, source, [one for _, one in samples], device)
    places, known = _Places(session, data, source), looked_at(session.options)
    every = (
        Suspect(samples[place][1], samples[place][0], *places.of(samples[place][1]), suspicion)
        for place, suspicion in judged.found
    )
    suspects = tuple(one for one in every if one.image not in known)
    numbers = {split: len(given) for split, given in splits.items()}
    listed = suspects[: session.options.audit.most]
    return Audit(listed, numbers, by, len(suspects), judged.agreement, tuple(known.values()))


def _by_features(
    session: Session, data: RunData, source: Source | None, samples: list[Any], device: str
) -> tuple[str, Suspected]:
    options, looks = session.options, looks_at(session, data, source, samples)
    names, folds = data.room.known_classes(data.processor), Folds(options.audit.folds, options.seed)
    classes = [data.room.classes_in(sample) for sample in samples]
    by = f"what {'the run' if source else 'a network with the starting weights'} sees in the other samples"
    if data.room.truth(options.module) is Truth.CLASS:
        return by, suspected_classes(looks, [each[0] for each in classes], names, folds)
    held = np.zeros((len(samples), len(names)), bool)
    for row, each in zip(held, classes, strict=True):
        row[list(each)] = True
    return by, suspected_labels(looks, held, names, folds)


def looks_at(session: Session, data: RunData, source: Source | None, samples: Sequence[Any]) -> list[np.ndarray]:
    """What a network sees in samples, as `directions` gives it, (N, features) of each look; arguments as in `audit`.

    Raises:
        ConfigError: the model is of a kind that does not tell it.
    """
    options = session.options
    if source is not None and source.export is not None:
        raise ConfigError(f"run={options.run}: an export does not tell what its network sees: give the run's folder")
    module = load_source(options, data, source) if source else build_module(session, data)[0]
    own, size = module.processor, options.audit.size
    shown = data.room.looks(own, size) if size else (own,)
    return [directions(features_of(module, samples, each)) for each in shown]


def _by_predictions(
    session: Session, data: RunData, source: Source | None, samples: list[Any], device: str
) -> tuple[str, Suspected]:
    doubts = type(data.room).doubts
    assert source is not None and doubts is not None
    model = open_finished(session.options, data, source, device)
    dataset, processor = model.module.dataset(samples, "val", 0), model.processor
    done = run_samples(
        model.module,
        model.engine,
        dataset,
        1,
        finish=lambda sample, output: doubts(processor, processor.postprocess(output, sample.context), sample, output),
    )
    found = [(place, suspicion) for place, (_, suspicion) in enumerate(done) if suspicion is not None]
    found.sort(key=lambda each: (-each[1].score, each[0]))
    return "the predictions of the model", Suspected(found, None)


class _Places:
    """Where people find a sample's image and label: a run's own label files were read from others."""

    def __init__(self, session: Session, data: RunData, source: Source | None) -> None:
        options, folder = session.options, session.output
        known = source.run if source and source.run else folder
        # Without a division the files are read as they are, whatever an earlier command left in the folder.
        is_written = bool(data.report.division)
        self._prepared = prepare(options, folder, data.processor, known) if is_written else None
        written = [(place / LABEL_FILES).absolute() for place in (folder, known)]
        self._roots = (resolve_path(options.dataset.root), *written)

    def of(self, sample: Any) -> tuple[str, tuple[str, int]]:
        """The image, relative to the dataset's folder, and file and line of its label."""
        file, _, line = sample.where.rpartition(":")
        found = Finding(file, int(line), "warning", WARNING, "")
        found = self._prepared.original(found) if self._prepared else found
        root = next((root for root in self._roots if sample.image.is_relative_to(root)), Path(sample.image.anchor))
        return sample.image.relative_to(root).as_posix(), (found.path, found.line)


def suspect_findings(found: Audit) -> tuple[Finding, ...]:
    """A warning for each suspect, as the check of a dataset tells it."""
    return tuple(Finding(*one.where, "warning", WARNING, f"{one.image}: {in_words(one)}") for one in found.suspects)


def in_words(one: Suspect) -> str:
    """What speaks most against a label, in a sentence's end."""
    doubts = one.suspicion.doubts
    first, more = doubts[0], f", and {len(doubts) - 1} more" if len(doubts) > 1 else ""
    said = " → ".join(repr(words) if words else "nothing" for words in (first.label, first.suggestion))
    return f"the label is suspect: {DOUBTS[first.kind]}, {said} ({first.score:.2f}){more}"


def source_of(composed: Composed) -> Source | None:
    """The finished model that labels are judged by; None: a network with the weights that training would begin with.

    Raises:
        UserError: one is needed and not given, or there is no way to look through labels of this module.
    """
    # The module is that of the run, where there is one.
    return find_source(composed) if composed.options.run or needs_run(composed.options) else None
