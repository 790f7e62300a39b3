"""What few labels come to by simpler ways: a classifier on frozen features, labels spread, and naive pseudo-labels."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.config.compose import compose_run
from plx_train.few.directions import directions
from plx_train.few.spread import spread_labels

FEATURES, SPREAD, NAIVE = "frozen features", "labels spread", "naive pseudo-labels"
CERTAIN = 0.95
"""Probability from which on a label of a run with labels alone is taken for true."""


@dataclass(frozen=True)
class Known:
    """What there is to learn from, and what it is measured by, of one draw.

    Attributes:
        classes: of the labelled samples, which come first in `features`; the pool's come after them.
    """

    features: np.ndarray
    classes: list[int]
    test_features: np.ndarray
    test_classes: list[int]
    num_classes: int


def floors(place: Path, overrides: Sequence[str], test: str) -> dict[str, float]:
    """Accuracy on the test split of a logistic regression on frozen features, without and with labels spread first.

    Args:
        place: file that keeps them.
        overrides: of a run with the pool.
        test: label file of the test split.
    """
    if not place.is_file():
        known = _known(overrides, test)
        spread = spread_labels(known.features, known.classes, known.num_classes)
        num_labelled = len(known.classes)
        scores, is_reached = spread.scores[num_labelled:], spread.is_reached[num_labelled:]
        every = np.concatenate([known.classes, scores.argmax(axis=1)])
        weights = np.concatenate([np.ones(num_labelled), scores.max(axis=1) * is_reached])
        found = {
            FEATURES: _accuracy(known, np.asarray(known.classes), np.ones(num_labelled)),
            SPREAD: _accuracy(known, every, weights),
        }
        place.write_text(json.dumps(found), "utf-8")
    content: dict[str, float] = json.loads(place.read_text("utf-8"))
    return content


def _accuracy(known: Known, classes: np.ndarray, weights: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=100.0, max_iter=500)
    model.fit(known.features[: len(classes)], classes, sample_weight=weights)
    return float(model.score(known.test_features, known.test_classes))


def _known(overrides: Sequence[str], test: str) -> Known:
    from plx_train.workflow.pool import features_of
    from plx_train.workflow.pool_look import look_at_pool
    from plx_train.workflow.training import build_module
    from plx_train.workflow.workbench import open_workbench

    with tempfile.TemporaryDirectory() as folder:
        composed = compose_run([*overrides, f"output={folder}/floors", "tracking=off", "quiet=true"])
        with open_workbench(composed) as bench:
            data, options, splits = bench.data, bench.session.options, bench.splits
            module = build_module(bench.session, data)[0]
            pool = look_at_pool(options, data, splits, (), has_repeats=False).kept
            tested = data.room.read(replace(options.dataset, val=test), options.module).val.samples
            labelled = [*splits.train, *splits.holdout]
            classes, right = ([data.room.classes_in(one)[0] for one in some] for some in (labelled, tested))
            seen = directions(features_of(module, [*labelled, *pool, *tested]))
            known = len(seen) - len(tested)
            return Known(seen[:known], classes, seen[known:], right, len(data.room.known_classes(data.processor)))


def naive_labels(run: Path, overrides: Sequence[str], file: Path) -> bool:
    """Writes the labelled lines and those of the pool of which a run with labels alone is certain; whether any is.

    Args:
        run: with labels alone.
        overrides: of a run with the pool, of the same draw.
        file: in the dataset's folder.
    """
    from plx_train.export.predictor import Predictor
    from plx_train.workflow.dataset import RunData, check
    from plx_train.workflow.pool_look import look_at_pool

    options = compose_run([*overrides, "quiet=true"]).options
    with tempfile.TemporaryDirectory() as folder:
        processor, checked = check(options, Path(folder))
    assert processor is not None
    from plx_train.contract.rooms import load_room

    data = RunData(load_room(options.module.name), processor, checked)
    splits, predictor = data.split(options), Predictor(run / "export")
    root = Path(options.dataset.root).absolute()
    lines = [f"{_name(one, root)} {data.room.classes_in(one)[0]}\n" for one in (*splits.train, *splits.holdout)]
    num_labelled = len(lines)
    for one in look_at_pool(options, data, splits, (), has_repeats=False).kept:
        scores = predictor.predict([one.part(one.read())])[0].all_scores
        if scores.max() >= CERTAIN:
            lines.append(f"{_name(one, root)} {int(scores.argmax())}\n")
    file.write_text("".join(lines), "utf-8")
    return len(lines) > num_labelled


def _name(sample: Any, root: Path) -> str:
    path: Path = sample.image
    return path.relative_to(root).as_posix()
