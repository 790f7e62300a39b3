"""Objects in an image: their boxes and classes, as labels say them and as a model finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.prediction import Prediction
from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.truth import Outline

DOUBTFUL = 0.5
"""Share of a class's threshold from which on an unlabelled image may show an object there."""


@dataclass(frozen=True)
class Objects:
    """What is labelled in an image.

    Attributes:
        boxes: x1, y1, x2, y2 in pixels, float32 (G, 4).
        classes: their numbers, int64 (G,).
        is_crowd: bool (G,): marks many objects at once, or what counts neither way.
    """

    boxes: np.ndarray
    classes: np.ndarray
    is_crowd: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Objects) and all(
            np.array_equal(first, second)
            for first, second in (
                (self.boxes, other.boxes),
                (self.classes, other.classes),
                (self.is_crowd, other.is_crowd),
            )
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def counted(self) -> Objects:
        """The objects that are to be found."""
        return self.where(~self.is_crowd)

    def where(self, kept: np.ndarray) -> Objects:
        """The objects that `kept` names: bool (G,), or numbers."""
        return Objects(self.boxes[kept], self.classes[kept], self.is_crowd[kept])

    def shifted(self, x: float, y: float) -> Objects:
        """All objects, moved by x, y pixels."""
        return Objects(self.boxes + np.asarray([x, y, x, y], np.float32), self.classes, self.is_crowd)


def joined(parts: Sequence[Objects]) -> Objects:
    """The objects of all `parts`, one at least, in their order."""
    boxes, classes, crowds = zip(*((each.boxes, each.classes, each.is_crowd) for each in parts), strict=True)
    return Objects(np.concatenate(boxes), np.concatenate(classes), np.concatenate(crowds))


@dataclass(frozen=True)
class Detections(Prediction):
    """What a model finds in an image, surest first.

    Attributes:
        boxes: x1, y1, x2, y2 in pixels, within the image, float32 (N, 4).
        classes: their numbers, int64 (N,).
        scores: float32 (N,), 0 to 1.
        names: of their classes.
        candidates: all that was looked at, below any threshold too: rows class, score, x1, y1, x2, y2, float32 (M, 6).
        shape: height and width of the image.
    """

    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...]
    candidates: np.ndarray
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def rows(self) -> np.ndarray:
        """Class, score, x1, y1, x2, y2 of each, (N, 6)."""
        return np.concatenate([self.classes[:, None], self.scores[:, None], self.boxes], axis=1)

    def __repr__(self) -> str:
        return f"Detections({len(self)} boxes)"

    def to_json(self) -> dict[str, Any]:
        """``{"boxes": [{"cls_id": …, "label": …, "score": …, "coordinate": [x1, y1, x2, y2]}, …]}``."""
        rows = zip(self.classes.tolist(), self.names, self.scores.tolist(), self.boxes.tolist(), strict=True)
        return {
            "boxes": [
                {
                    "cls_id": number,
                    "label": name,
                    "score": round(score, 6),
                    "coordinate": [round(value, 3) for value in box],
                }
                for number, name, score, box in rows
            ]
        }


def detections(rows: np.ndarray, thresholds: np.ndarray, names: Sequence[str], shape: tuple[int, int]) -> Detections:
    """What stands above its class's threshold.

    Args:
        rows: class, score, x1, y1, x2, y2 in pixels, float32 (M, 6).
        thresholds: by class, (classes,).
        names: of the classes.
        shape: height and width of the image, beyond which nothing is found.
    """
    rows = rows[np.argsort(-rows[:, 1], kind="stable")]
    limits = np.asarray([shape[1], shape[0]] * 2, np.float32)
    boxes = np.clip(rows[:, 2:], 0, limits)
    rows = np.concatenate([rows[:, :2], boxes], axis=1)[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]
    classes = rows[:, 0].astype(np.int64)
    shown = rows[:, 1] > thresholds[classes]
    found = tuple(names[number] for number in classes[shown].tolist())
    return Detections(rows[shown, 2:], classes[shown], rows[shown, 1], found, rows, shape)


def pseudo_label(found: Detections, thresholds: np.ndarray, names: Sequence[str]) -> PseudoLabel:
    """What a model finds in an unlabelled image, in the place of a label.

    Boxes from their class's threshold on are objects; those of at least `DOUBTFUL` times it count neither way. It is as
    sure as many of them are objects.
    """
    rows = found.candidates
    limits = thresholds[rows[:, 0].astype(np.int64)]
    rows, limits = rows[rows[:, 1] >= DOUBTFUL * limits], limits[rows[:, 1] >= DOUBTFUL * limits]
    sure = rows[:, 1] >= limits
    outlines = tuple(
        Outline(((x1, y1), (x2, y1), (x2, y2), (x1, y2)), names[int(number)], not is_sure)
        for (number, _, x1, y1, x2, y2), is_sure in zip(rows.tolist(), sure.tolist(), strict=True)
    )
    classes = tuple(int(number) for number in np.unique(rows[sure, 0]))
    return PseudoLabel(outlines, float(sure.mean()) if len(sure) else 0.5, classes)


def objects_of(outlines: Sequence[Outline], names: Sequence[str]) -> Objects:
    """The objects that a pseudo-label's outlines are, which count."""
    counted = [one for one in outlines if not one.is_ignored]
    corners = [[*np.min(one.points, axis=0), *np.max(one.points, axis=0)] for one in counted]
    numbers = [names.index(one.label) for one in counted]
    boxes = np.asarray(corners, np.float32).reshape(-1, 4)
    return Objects(boxes, np.asarray(numbers, np.int64), np.zeros(len(numbers), bool))
