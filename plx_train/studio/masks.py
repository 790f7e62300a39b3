"""Masks of a dataset: what an image's pixels are taken for, and what a user makes of them, beside the data's files."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plx_train.data.defect_lines import GOOD, UNNAMED
from plx_train.data.formats.lines import BACKGROUND, is_background
from plx_train.data.formats.mask_colours import read_colours
from plx_train.data.formats.parsed_json import points
from plx_train.data.formats.run_lengths import runs_of
from plx_train.ground.confine import confined
from plx_train.ground.errors import UserError
from plx_train.ground.files import replacing
from plx_train.studio.corrected import corrections_in, stamp_of
from plx_train.studio.images import DEFECT, MASKED, ImageList
from plx_train.studio.thumbnails import Thumbnails, Tint
from plx_train.vision.defects import MARKED, marked_in
from plx_train.vision.labels.masks import Drawn, Mask
from plx_train.vision.masks import UNCOUNTED

FOLDER = "masks"
NAME = re.compile(FOLDER + r"/[0-9a-f]{64}\.png")
MOST_UNUSED = 200
"""Masks that are kept though no correction names them: a change may be undone."""
MOST_RUNS = 1_000_000
LONGEST_NAME = 400


@dataclass(frozen=True)
class MaskDesk:
    """What masks of a dataset are read and written with.

    Attributes:
        folder: what the studio keeps of the dataset.
    """

    folder: Path
    images: ImageList
    thumbnails: Thumbnails

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes by number; without any, the background or a defect."""
        if self.images.kind == DEFECT:
            return tuple(dict.fromkeys((GOOD, *self.images.classes, *(() if self.images.classes[1:] else (UNNAMED,)))))
        return tuple(self.images.classes) or (BACKGROUND,)

    def tint(self, truth: Any) -> Tint | None:
        """The colours of what an image is taken to show; None where that is not said pixel by pixel."""
        if self.images.kind not in MASKED or not truth or isinstance(truth, str):
            return None
        stamp = stamp_of(self._path(truth)) if isinstance(truth, Mapping) and "runs" not in truth else None
        return Tint([truth, stamp], len(self.classes), lambda shape: self.numbers(truth, shape))

    def shown(self, image: str, was: bool = False) -> dict[str, Any]:
        """Height and width, pixels row by row as class and number in a row by turns, names of classes, and a fault."""
        row = self.images.get(image)
        shape, fault = self.thumbnails.size_of(self.images.path(image)), ""
        numbers = np.zeros(shape, np.uint8)
        try:
            numbers = self.numbers(row.was if was else row.truth, shape)
        except UserError as error:
            fault = f"{error}: it begins empty here"
        starts = np.flatnonzero(np.diff(numbers.ravel(), prepend=numbers.ravel()[0] ^ 1))
        lengths = np.diff(starts, append=numbers.size)
        runs = np.stack([numbers.ravel()[starts], lengths], axis=1).ravel().tolist()
        return {"size": list(shape), "runs": runs, "classes": list(self.classes), "fault": fault}

    def numbers(self, truth: Any, shape: tuple[int, int]) -> np.ndarray:
        """Numbers of classes uint8 (H, W) of a truth.

        Args:
            shape: height and width of the image.

        Raises:
            UserError: it can't be read, or is of an image of another size.
        """
        if not isinstance(truth, Mapping):
            return of_outlines(() if isinstance(truth, str) else truth or (), self.classes, shape)
        if "runs" in truth:
            return _drawn(truth, shape, len(self._named(truth.get("classes"))))
        path = self._path(truth)
        found = self.thumbnails.mask(path, self._colours(truth))
        if found.shape != shape:
            raise UserError(f"{path.name} has {_size(found.shape)} pixels, its image {_size(shape)}")
        if "classes" not in truth:
            return found if self.images.kind != DEFECT else self._of_kind(found, str(truth.get("kind")))
        table = np.full(UNCOUNTED + 1, UNCOUNTED, np.uint8)
        for number, name in enumerate(truth["classes"]):
            table[number] = self.classes.index(name) if name in self.classes else UNCOUNTED
        return np.asarray(table[found])

    def _of_kind(self, levels: np.ndarray, kind: str) -> np.ndarray:
        """A mask in which all that is marked is of one kind of defect."""
        marked = marked_in(levels)
        marked[marked == MARKED] = self.classes.index(kind) if kind in self.classes else 1
        return marked

    def _path(self, truth: Mapping[str, Any]) -> Path:
        """Where a mask lies: one that was made here beside the corrections, others in the dataset's folder."""
        if "classes" in truth:
            return confined(self.folder, truth.get("mask"), "the mask")
        return confined(self.images.root, truth.get("mask"), "the dataset")

    def _colours(self, truth: Mapping[str, Any]) -> tuple[tuple[int, int, int] | None, ...]:
        if "colours" not in truth:
            return ()
        known = read_colours(confined(self.images.root, truth["colours"], "the dataset"))
        return tuple(known.get(name) for name in self.classes)

    def taken(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """An entry as corrections have it: a mask that was drawn, or that the data have, is written first.

        Raises:
            UserError: it is no mask of the image.
        """
        truth = given.get("truth")
        if self.images.kind not in MASKED or truth is None or isinstance(truth, str):
            return given
        if isinstance(truth, Mapping) and "classes" in truth and "runs" not in truth:
            if not NAME.fullmatch(str(truth.get("mask"))) or not self._path(truth).is_file():
                raise UserError("there is no such mask any more")
            return given
        shape = self.thumbnails.size_of(self.images.path(given.get("image")))
        if isinstance(truth, Mapping) and "runs" in truth:
            classes = self._named(truth.get("classes"))
            numbers = _drawn(truth, shape, len(classes))
        else:
            numbers, classes = self.numbers(truth, shape), self.classes
        return {**given, "truth": {"mask": self._kept(numbers), "classes": list(classes)}}

    def _named(self, given: Any) -> tuple[str, ...]:
        """Names of classes that a page gives: those that are known, and new ones after them."""
        known, is_list = self.classes, isinstance(given, list) and all(isinstance(each, str) for each in given)
        names = tuple(given) if is_list else ()
        is_sound = all(each.strip() == each and 0 < len(each) <= LONGEST_NAME for each in names)
        if names[: len(known)] != known or len({*names}) < len(names) or len(names) > UNCOUNTED or not is_sound:
            raise UserError(
                f"the classes of the mask are not those of the data ({', '.join(known)[:200]}) and new ones"
            )
        return names

    def _kept(self, numbers: np.ndarray) -> str:
        """The name of a mask in the folder, on disk under what it holds: nothing is ever written over."""
        content = cv2.imencode(".png", numbers)[1].tobytes()
        name = f"{FOLDER}/{hashlib.sha256(content).hexdigest()}.png"
        (self.folder / FOLDER).mkdir(exist_ok=True)
        with replacing(self.folder / name) as scratch, scratch.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self._look_after()
        return name

    def _look_after(self) -> None:
        """Takes the oldest masks away that nothing names, where there are too many."""
        entries = corrections_in(self.folder).entries.values()
        named = {Path(getattr(one.truth, "path", "")).name for one in entries}
        with suppress(OSError):
            others = [path for path in (self.folder / FOLDER).glob("*.png") if path.name not in named]
            others.sort(key=lambda path: path.stat().st_mtime_ns)
            for path in others[: max(0, len(others) - MOST_UNUSED)]:
                path.unlink(missing_ok=True)


def of_outlines(truth: Iterable[Mapping[str, Any]], classes: Sequence[str], shape: tuple[int, int]) -> np.ndarray:
    """Numbers of classes uint8 (H, W) of outlines, as corrections have them; later ones lie on earlier ones.

    Raises:
        UserError: they are of an image of another size, or of no class.
    """
    marked: list[Drawn] = []
    for each in truth:
        if not isinstance(each, Mapping):
            raise UserError("the label is none: masks are wanted")
        label, runs, corners = str(each.get("label")), runs_of(each), points(each.get("points"))
        if runs is not None and runs.size != shape:
            raise UserError(f"what is marked is of {_size(runs.size)} pixels, its image {_size(shape)}")
        if not each.get("ignored") and label not in classes and not is_background(label):
            raise UserError(f"{label[:80]} is no class of the data")
        number = UNCOUNTED if each.get("ignored") else classes.index(label) if label in classes else 0
        if runs is not None:
            marked.append((number, runs))
        elif corners:
            marked.append((number, corners))
    return Mask(outlines=tuple(marked)).of(shape)


def _drawn(truth: Mapping[str, Any], shape: tuple[int, int], count: int) -> np.ndarray:
    """The numbers that a page drew, uint8 (H, W), of an image of this shape and so many classes."""
    runs, most = truth.get("runs"), shape[0] * shape[1]
    is_list = isinstance(runs, list) and len(runs) % 2 == 0 and len(runs) <= 2 * MOST_RUNS
    if not isinstance(runs, list) or not is_list or not all(type(each) is int and 0 <= each <= most for each in runs):
        raise UserError("the mask is none: classes and numbers of pixels by turns are wanted")
    numbers, lengths = np.asarray(runs, np.int64).reshape(-1, 2).T
    if truth.get("size") != list(shape) or lengths.sum() != most:
        raise UserError(f"the mask is not of the {_size(shape)} pixels of its image")
    if ((numbers >= count) & (numbers != UNCOUNTED)).any():
        raise UserError(f"the mask has a number of no class: there are {count}, counted from 0")
    return np.repeat(numbers.astype(np.uint8), lengths).reshape(shape)


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]} x {shape[0]}"
