"""What a check read of each image, in the form of corrections, for whoever shows and corrects it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from plx_train.config.options import RunOptions
from plx_train.contract.rooms import load_room
from plx_train.contract.truth import IGNORED, IGNORED_TEXTS, Outline, Truth
from plx_train.data.corrections import plain_outlines, plain_truth
from plx_train.data.defect_lines import GOOD, MARKS, UNNAMED, is_picture, runs_in
from plx_train.data.formats.dataset_format import TEST, TRAIN, VAL, Annotation, AsWritten, DataFolder
from plx_train.data.formats.lines import split_file
from plx_train.data.formats.paddlex import PaddlexLists
from plx_train.data.formats.parsed_json import all_numbers, points, text_of
from plx_train.data.formats.run_lengths import runs_of
from plx_train.data.formats.tree import files_below, is_image
from plx_train.ground.confine import confined
from plx_train.ground.cycles import seldom_searched
from plx_train.ground.errors import UserError
from plx_train.ground.files import replacing, user_path
from plx_train.ground.parsed import parse_json
from plx_train.runs.folder import IMAGES_FILE
from plx_train.vision.image import IMAGE_SUFFIXES, image_size
from plx_train.vision.labels.classes import read_class_file
from plx_train.vision.masks import UNCOUNTED, read_mask
from plx_train.workflow.prepare import Prepared, prepare

ROWS_AT_A_TIME = 1000


@dataclass(frozen=True)
class _Reading:
    """Label files as they are read again.

    Attributes:
        root: of the images.
        labels: folder of the label files.
        names: of the classes, by number.
    """

    root: Path
    labels: Path
    truth: Truth
    prepared: Prepared
    names: list[str]


class _Seen:
    """What the truths of the rows so far name.

    Attributes:
        names: of classes or labels, as they come; none where these are texts.
        masks: files of masks without colours of their own.
    """

    def __init__(self, truth: Truth) -> None:
        self.names: dict[str, None] = {}
        self.masks: list[str] = []
        self._truth = truth

    def add(self, truth: Any) -> None:
        """Takes in the truth of a row, in plain values."""
        if self._truth in (Truth.TEXT, Truth.TEXTS):
            return
        if self._truth is Truth.MASKS and isinstance(truth, dict) and "colours" not in truth:
            self.masks.append(truth["mask"])
        each = [truth] if isinstance(truth, str) else [truth.get("kind")] if isinstance(truth, dict) else truth or []
        is_marked = self._truth in (Truth.MASKS, Truth.DEFECT)
        self.names.update(dict.fromkeys(_label(one) for one in each if one and not (is_marked and _is_ignored(one))))


@seldom_searched()
def write_images_read(options: RunOptions, output: Path) -> None:
    """Writes `IMAGES_FILE` into the folder of a check; nothing where the room reads no images.

    It holds the kind of truth, names of classes, the folder of the images, and of each: path, split (empty: no label
    names it), truth as corrections have it (None: none that can be read), file and line of its label.
    """
    room = load_room(options.module.name)
    truth = room.truth(options.module)
    root = user_path(options.dataset.root).absolute()
    if truth is None or not root.is_dir():
        return
    prepared = prepare(options, output, None, output)
    dataset = prepared.dataset
    labels = Path(dataset.label_folder or dataset.root).absolute()
    class_file = room.class_file(options.module)
    names = read_class_file(labels / class_file, labels)[0] or [] if class_file else []
    reading = _Reading(Path(dataset.root).absolute(), labels, truth, prepared, names)
    with replacing(output / IMAGES_FILE) as temporary, temporary.open("w", encoding="ascii") as file:
        file.write(f'{{"truth": {json.dumps(truth.name.lower())}, "root": {json.dumps(str(reading.root))}, "images": [')
        seen = _Seen(truth)
        file.writelines(_in_pieces(_rows(reading, root), seen))
        file.write(f'], "classes": {json.dumps(_classes(reading, seen))}}}')


Row = tuple[str, str, Any, str, int]


def _rows(reading: _Reading, root: Path) -> Iterator[Row]:
    """Images that a label names, then the others below `root`, where the images of the reading lie there."""
    named = set()
    if not reading.prepared.is_empty:
        for row in _labelled(reading):
            named.add(row[0])
            if isinstance(row[2], dict):
                named.add(row[2]["mask"])
            yield row
    if reading.root == root:
        others = (path.relative_to(root).as_posix() for path in files_below(root) if is_image(path, IMAGE_SUFFIXES))
        yield from ((name, "", None, "", 0) for name in others if name not in named)


def _in_pieces(rows: Iterator[Row], seen: _Seen) -> Iterator[str]:
    """JSON of rows, some at a time, since a dataset may have a million."""
    separator = ""
    while some := list(islice(rows, ROWS_AT_A_TIME)):
        for row in some:
            seen.add(row[2])
        yield separator + json.dumps(some, ensure_ascii=True)[1:-1]
        separator = ", "


def _labelled(reading: _Reading) -> Iterator[Row]:
    truth = reading.truth
    for split, name in _files(reading):
        # Images lie below another folder than the files that name them.
        folder = DataFolder(reading.root, truth, str(reading.labels / name), "", IMAGE_SUFFIXES, image_size)
        is_there = (reading.labels / name).is_file()
        read = PaddlexLists().read(folder) if is_there else None
        if read and not reading.names and read.labels:
            reading.names.extend(read.labels)
        for one in read.splits.get(TRAIN, ()) if read else ():
            if one.image:
                file, line = reading.prepared.place(name, one.line)
                yield one.image, split, _truth(one, reading), file, line


def _files(reading: _Reading) -> Iterator[tuple[str, str]]:
    """Split and name of each label file."""
    dataset = reading.prepared.dataset
    yield TRAIN, dataset.train
    yield VAL, dataset.val
    own = "test.txt" if reading.truth is not Truth.BOXES else split_file(TEST, Truth.BOXES)
    test = reading.prepared.test or (own if dataset.label_folder is None else None)
    if test and test not in (dataset.train, dataset.val):
        yield TEST, test


def _truth(one: Annotation, reading: _Reading) -> Any:
    """The truth in plain values; None where it says nothing that can be read."""
    if not isinstance(one.truth, AsWritten):
        return plain_truth(one.truth)
    text, names = one.truth.text, reading.names
    if reading.truth is Truth.CLASS:
        is_known = text.isascii() and text.isdigit() and len(text) < 10 and int(text) < len(names)
        return names[int(text)] if is_known else text or None
    if reading.truth is Truth.LABELS:
        return _held(text.split(","), names)
    if reading.truth is Truth.DEFECT:
        return _defect(text)
    if reading.truth is Truth.TEXT:
        return text
    if reading.truth is Truth.MASKS and not text.lstrip().startswith("["):
        mask, _, colours = text.partition("\t")
        return {"mask": mask.strip(), **({"colours": colours.strip()} if colours else {})}
    return _outlines(text)


def _defect(text: str) -> Any:
    """Its kind, with its mask where there is one; of one that is marked pixel by pixel an outline."""
    fields = [field for field in text.split("\t") if field]
    mask = next((field for field in fields if is_picture(field, IMAGE_SUFFIXES)), None)
    drawn = next((field for field in fields if field.startswith(MARKS)), None)
    kind = next((field for field in fields if field not in (mask, drawn)), UNNAMED if mask or drawn else GOOD)
    if drawn:
        marked, *others = runs_in(drawn) or (None,)
        outlines = [Outline((), kind, runs=marked), *(Outline((), IGNORED, True, runs) for runs in others)]
        return plain_truth(tuple(outlines)) if marked else kind
    return {"mask": mask, "kind": kind} if mask else kind


def _held(figures: Sequence[str], names: Sequence[str]) -> list[str] | None:
    if any(figure.strip() not in ("0", "1") for figure in figures) or (names and len(figures) != len(names)):
        return None
    shown = names or [str(number) for number in range(len(figures))]
    return [name for name, figure in zip(shown, figures, strict=True) if figure.strip() == "1"]


def _outlines(text: str) -> Any:
    try:
        rows = parse_json(text)
    except ValueError:
        return None
    entries = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    outlines: list[Any] = [row.get("points") for row in entries]
    words = [text_of(row.get("transcription")) for row in entries]
    runs = [runs_of(row) for row in entries]
    numbers = all_numbers(outlines) if all(outlines) and not any(runs) else None
    if numbers is not None:
        said = zip(words, map(len, outlines), strict=True)
        return plain_outlines(numbers, [(label, count, label in IGNORED_TEXTS) for label, count in said])
    given = zip(words, map(points, outlines), runs, strict=True)
    return plain_truth(
        tuple(
            Outline(() if marked else corners or (), label, label in IGNORED_TEXTS, marked)
            for label, corners, marked in given
            if corners or marked
        )
    )


def _classes(reading: _Reading, seen: _Seen) -> list[str]:
    """Names of classes or labels in their order, once all rows were read: those that truths alone name last."""
    if reading.truth in (Truth.TEXT, Truth.TEXTS):
        return []
    given = [GOOD] if reading.truth is Truth.DEFECT else reading.names
    return list(dict.fromkeys((*given, *seen.names))) or _numbers(reading.root, seen.masks)


def _numbers(root: Path, masks: Sequence[str]) -> list[str]:
    """Numbers of classes up to the largest of a mask, where nothing names them."""
    largest = -1
    for path in masks:
        with suppress(UserError):
            mask = read_mask(confined(root, path, "the dataset"))
            largest = max(largest, int(mask[mask < UNCOUNTED].max(initial=0)))
    return [str(number) for number in range(largest + 1)]


def _is_ignored(one: str | Mapping[str, Any]) -> bool:
    return not isinstance(one, str) and bool(one.get("ignored"))


def _label(one: str | Mapping[str, Any]) -> str:
    return one if isinstance(one, str) else str(one["label"])
