"""A finished model's predictions against labels: what speaks against texts, boxes and outlines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from plx_train.contract.doubt import Doubt, Suspicion, suspicion
from plx_train.contract.truth import Outline
from plx_train.metrics.box_errors import NEAR
from plx_train.metrics.boxes import SHOWN_OVERLAP, overlaps_of
from plx_train.metrics.ctc import log_likelihood

SURE = 0.5
"""Score from which on a prediction speaks against a label."""
UNSEEN = 0.1
"""Highest score at a label's place where nothing is seen there."""
APART = 0.3
"""Overlap below which a found object is not the one that is labelled there."""
ONE_OBJECT = 0.8
"""Overlap from which on two labels of a class are of one object."""
UNLIKELY = 20.0
"""Logarithm of how much likelier a reading is than a label that is as good as ruled out: about two characters."""
POWER = 3
"""Power of a reading's score: what is read with doubt says little against a label."""
LEAST_OF_TEXT = 0.2
"""Score of the readings that are listed."""
COVERED = 0.2
"""Share of a text's box that others cover, below which they have nothing to do with it."""


def text_doubts(processor: Any, prediction: Any, sample: Any, output: np.ndarray) -> Suspicion | None:
    """A reading that is another text, the more suspect the surer it is and the less likely the label is beside it.

    Spaces don't count, of which readers are least sure; nor do texts that the model has no characters for.

    Args:
        processor: has ``encode``, the classes of a text, and ``unknown``, what of it can't be read.
        prediction: has ``text`` and ``score``.
        output: probabilities of classes in each step, (T, classes).
    """
    read, told = prediction.text, sample.truth
    if without_spaces(read) == without_spaces(told) or not read or processor.unknown(told):
        return None
    ways = [max(log_likelihood(output, processor.encode(one)) for one in (text, without_spaces(text)))
            for text in (read, told)]  # fmt: skip
    against = 1 - math.exp(-max(ways[0] - ways[1], 0) / UNLIKELY)
    score = against * prediction.score**POWER
    return suspicion([Doubt("text", score, told, read)], read) if score >= LEAST_OF_TEXT else None


def without_spaces(text: str) -> str:
    """The characters that can be seen."""
    return text.replace(" ", "")


def box_doubts(processor: Any, prediction: Any, sample: Any, output: Any) -> Suspicion | None:
    """Objects that are labelled as another class, beside their place, twice, where nothing is, or not at all.

    Args:
        processor: has ``labels``, the names of the classes.
        prediction: has ``candidates``, as `Detections`.
    """
    names, truth, rows = processor.labels, sample.truth, prediction.candidates
    overlap, twice = overlaps_of(rows[:, 2:], truth.boxes), _twice(truth)
    used, verdicts = np.zeros(len(rows), bool), []
    for place in range(len(truth)):
        kind, row, score = ("twice", None, twice[place]) if place in twice else ("", None, 0.0)
        if not kind and not truth.is_crowd[place]:
            kind, row, score = _of_box(rows[:, 1], overlap[:, place], rows[:, 0] == truth.classes[place])
        if row is not None:
            used[row] = True
        found = None if row is None else rows[row]
        verdicts.append(_verdict(kind, score, found, (names, truth, place)))
    for row in _alone(rows, overlap, used):
        name, box = names[int(rows[row, 0])], rows[row, 2:]
        verdicts.append((Doubt("missing", float(rows[row, 1]), "", name, _corners(box)), _outline(box, name)))
    doubts = [doubt for doubt, _ in verdicts if doubt is not None]
    return suspicion(doubts, tuple(outline for _, outline in verdicts if outline is not None))


def _verdict(
    kind: str, score: float, found: np.ndarray | None, label: tuple[Sequence[str], Any, int]
) -> tuple[Doubt | None, Outline | None]:
    """The doubt about a labelled box, and what it should be.

    Args:
        found: row of what is there instead, for another class or place.
        label: names of classes, truth and the label's number in it.
    """
    names, truth, place = label
    name, box = names[int(truth.classes[place])], truth.boxes[place]
    if not kind:
        return None, _outline(box, name, bool(truth.is_crowd[place]))
    if found is None:
        return Doubt(kind, score, name, "", _corners(box)), None
    if kind == "class":
        other = names[int(found[0])]
        return Doubt(kind, score, name, other, _corners(box)), _outline(box, other)
    return Doubt(kind, score, name, f"{name}, here", _corners(found[2:])), _outline(found[2:], name)


def _of_box(scores: np.ndarray, overlap: np.ndarray, same: np.ndarray) -> tuple[str, int | None, float]:
    """What speaks most against a labelled box, the row that does, and how much; nothing where it is right.

    Args:
        scores, overlap, same: of each row, its overlap with the box, and whether it is of its class.
    """
    own = float((scores * (same & (overlap >= SHOWN_OVERLAP))).max(initial=0))
    other = scores * (~same & (overlap >= SHOWN_OVERLAP))
    beside = scores * (same & (overlap >= APART) & (overlap < SHOWN_OVERLAP))
    for kind, found in (("class", other), ("place", beside)):
        if len(found) and found.max() - own >= SURE:
            return kind, int(found.argmax()), float(found.max()) - own
    seen = float((scores * (overlap >= NEAR)).max(initial=0))
    return ("spare", None, 1 - seen) if seen <= UNSEEN else ("", None, 0.0)


def _twice(truth: Any) -> dict[int, float]:
    """Labels of which an earlier one of the same class is in the same place, with their overlap."""
    overlap = overlaps_of(truth.boxes, truth.boxes)
    alike = (truth.classes[:, None] == truth.classes[None]) & ~truth.is_crowd[:, None] & ~truth.is_crowd[None]
    overlap = np.tril(overlap * alike, -1)
    return {int(place): float(overlap[place].max()) for place in np.flatnonzero((overlap >= ONE_OBJECT).any(axis=1))}


def _alone(rows: np.ndarray, overlap: np.ndarray, used: np.ndarray) -> list[int]:
    """Rows of sure objects that no label is near, one for each object."""
    free = (rows[:, 1] >= SURE) & ~used & (overlap.max(axis=1, initial=0) < APART)
    found: list[int] = []
    for row in np.argsort(-rows[:, 1], kind="stable").tolist():
        if free[row]:
            found.append(row)
            free &= overlaps_of(rows[:, 2:], rows[row : row + 1, 2:])[:, 0] < APART
    return found


def outline_doubts(processor: Any, prediction: Any, sample: Any, output: Any) -> Suspicion | None:
    """Texts that are found where none is labelled, and labels where none is found.

    Args:
        prediction: has ``quads`` and ``scores``.
        sample: its ``truth`` are labels with ``points``, ``text`` and ``ignore``.
    """
    told = _bounds([label.points for label in sample.truth])
    found = _bounds(list(prediction.quads))
    doubts, labels = [], []
    for label, box, share in zip(sample.truth, told, _covered(told, found), strict=True):
        if share < COVERED and not label.ignore:
            doubts.append(Doubt("spare", 1 - share, label.text, "", _corners(box)))
        else:
            points = tuple((float(x), float(y)) for x, y in label.points)
            labels.append(Outline(points, label.text, label.ignore))
    for points, score, box, share in zip(
        prediction.quads, prediction.scores, found, _covered(found, told), strict=True
    ):
        if share < COVERED and score >= SURE:
            doubts.append(Doubt("missing", float(score), "", "a text", _corners(box)))
            labels.append(Outline(tuple((float(x), float(y)) for x, y in points), ""))
    return suspicion(doubts, tuple(labels))


def _bounds(outlines: Sequence[np.ndarray]) -> np.ndarray:
    """Boxes x1, y1, x2, y2 around outlines (P, 2), (N, 4)."""
    boxes = [np.concatenate([points.min(axis=0), points.max(axis=0)]) for points in map(np.asarray, outlines)]
    return np.asarray(boxes, np.float64).reshape(-1, 4)


def _covered(boxes: np.ndarray, others: np.ndarray) -> list[float]:
    """Share of each box (N, 4) that others (M, 4) cover together; where these overlap, too much."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=-1).sum(axis=1)
    shares: list[float] = np.minimum(
        common / np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-9), 1
    ).tolist()
    return shares


def _corners(box: np.ndarray) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(value) for value in box)
    return left, top, right, bottom


def _outline(box: np.ndarray, name: str, is_ignored: bool = False) -> Outline:
    left, top, right, bottom = _corners(box)
    return Outline(((left, top), (right, top), (right, bottom), (left, bottom)), name, is_ignored)
