"""What a format's reader says of a folder."""

from __future__ import annotations

from pathlib import Path

from plx_train.contract.truth import Truth
from plx_train.data.formats.choice import choose_format, dataset_formats
from plx_train.data.formats.dataset_format import Annotations, DataFolder
from plx_train.vision.image import IMAGE_SUFFIXES, image_size


def data_folder(root: Path, truth: Truth, label: str | None = None, train: str = "train.txt") -> DataFolder:
    """The folder as formats are asked about it."""
    return DataFolder(root, truth, train, "val.txt", IMAGE_SUFFIXES, image_size, label)


def seen_as(root: Path, truth: Truth) -> str | None:
    """The name of the format that the folder is taken for."""
    chosen = choose_format("auto", data_folder(root, truth), "a room")
    return chosen[0].name if chosen else None


def read_as(name: str, root: Path, truth: Truth, label: str | None = None) -> Annotations:
    """What a reader says."""
    return dataset_formats()[name].read(data_folder(root, truth, label))


def truths(found: Annotations, split: str = "train") -> dict[str, object]:
    """The truth of each image of a split."""
    return {one.image: one.truth for one in found.splits.get(split, [])}


def told(found: Annotations) -> set[tuple[str, int, str, str]]:
    """Place, level and kind of all that was found."""
    return {(one.path, one.line, one.level, one.code) for one in found.findings}
