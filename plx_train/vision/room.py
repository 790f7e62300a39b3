"""What all rooms of images share: how a dataset is read, checked and shown."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, cast

import numpy as np

from plx_train.contract.check import CheckReport, Finding
from plx_train.contract.dataset_options import WHITE
from plx_train.contract.module import ProcessorT
from plx_train.contract.room import Room
from plx_train.contract.truth import Truth
from plx_train.data.splits import CheckedDocuments
from plx_train.vision.check import ImageCheck, ImageData, ImageSplit, check_images
from plx_train.vision.image import write_image
from plx_train.vision.layout import find_layout_faults
from plx_train.vision.processor import ImageProcessor
from plx_train.vision.samples import Labelled, LabelledImage

MAX_STEM = 200
"""Bytes of an image's name in that of a picture of it."""
OF_USERS_FILES = ("space-in-path",)
"""Findings that say nothing of label files which PaddleX never reads."""

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions


class ImageOptions(Protocol):
    """Options of a room of images."""

    @property
    def model_name(self) -> str | None:
        """Name in the exported ``inference.yml``: PaddleX accepts only names it knows."""


OptionsI = TypeVar("OptionsI", bound=ImageOptions)


class ImageRoom(Room[OptionsI, ImageData[Labelled], ProcessorT, CheckedDocuments[Labelled]]):
    """A room whose samples are images named in label files, one for each split.

    Attributes:
        wanted: what lies beside the label files, for messages.
        noun: what its images are, in the plural.
        num_pictures: samples of a split that are shown.
        no_truth: what stands for the truth of an image that nobody labelled.
    """

    wanted: ClassVar[str] = "images/*.jpg"
    noun: ClassVar[str] = "images"
    num_pictures: ClassVar[int] = 12
    no_truth: ClassVar[Any] = ()

    @abstractmethod
    def read_file(
        self, path: Path, root: Path, options: OptionsI, classes: Sequence[str] | None
    ) -> tuple[list[Labelled], list[Finding]]:
        """The samples of a label file, in its order, and what is wrong with its lines; no image is opened."""

    def read_val_file(
        self, path: Path, root: Path, options: OptionsI, classes: Sequence[str] | None
    ) -> tuple[list[Labelled], list[Finding]]:
        """As `read_file`, of the user's own file of validation."""
        return self.read_file(path, root, options, classes)

    @abstractmethod
    def rules(self, processor: ProcessorT, options: OptionsI) -> ImageCheck[Labelled]:
        """What the room looks for in a dataset."""

    @abstractmethod
    def draw_sample(self, sample: Labelled) -> np.ndarray:
        """A picture of the sample with its truth, uint8 (h, w, 3) BGR."""

    def read_classes(
        self, root: Path, dataset: DatasetOptions, options: OptionsI
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...], tuple[Finding, ...]]:
        """Names of classes by number where a file names them, the files that do, and what is wrong with these."""
        return None, (), ()

    def unlabelled(self, image: Path, where: str) -> LabelledImage[Any]:
        """The image without a truth."""
        return LabelledImage(image, self.no_truth, where)

    def read(self, dataset: DatasetOptions, options: OptionsI) -> ImageData[Labelled]:
        """The samples that the label files name, and what is wrong with the files."""
        root = Path(dataset.root).expanduser()
        labels = Path(dataset.label_folder) if dataset.label_folder else root
        own = dataset.label_folder is None
        has_classes = self.truth(options) is Truth.CLASS
        layout = (root, dataset.train, dataset.val, self.wanted, self.noun, has_classes)
        faults = find_layout_faults(*layout) if own else []
        if faults:
            train, val = (ImageSplit[Labelled](file, [], []) for file in (dataset.train, dataset.val))
            return ImageData(root, train, val, tuple(faults))
        classes, files, findings = self.read_classes(labels, dataset, options)
        written = partial(self._read_written, labels)
        read_train, read_val = (self.read_file, self.read_val_file) if own else (written, written)
        train = ImageSplit(dataset.train, *read_train(labels / dataset.train, root, options, classes))
        val = ImageSplit(dataset.val, *read_val(labels / dataset.val, root, options, classes))
        train, val = (_seen_on(dataset.background, split) for split in (train, val))
        files = (*files, dataset.train, dataset.val)
        return ImageData(root, train, val, (), classes, files, findings, None if own else labels)

    def _read_written(
        self, labels: Path, path: Path, root: Path, options: OptionsI, classes: Sequence[str] | None
    ) -> tuple[list[Labelled], list[Finding]]:
        """As `read_file`, of a file that was written for a run: it is called by its name in `labels` alone."""
        samples, findings = self.read_file(path, root, options, classes)
        name = path.relative_to(labels).as_posix()
        named = [replace(sample, where=f"{name}:{sample.where.rpartition(':')[2]}") for sample in samples]
        told = [replace(found, path=name) for found in findings if found.code not in OF_USERS_FILES]
        return named, told

    def check(
        self,
        data: ImageData[Labelled],
        processor: ProcessorT | None,
        dataset: DatasetOptions,
        options: OptionsI,
    ) -> CheckedDocuments[Labelled]:
        """Everything that is wrong or odd in a dataset, and the samples without errors."""
        if processor is None or data.faults:
            # Of files that were written for a run it is told already why there is nothing to fit a processor to.
            of_files = () if data.label_folder else (*data.findings, *data.train.findings, *data.val.findings)
            return CheckedDocuments(CheckReport(str(data.root), (*data.faults, *of_files), {}, ""), [], [])
        return check_images(data, self.rules(processor, options), cast(ImageProcessor, processor))

    def model_name(self, options: OptionsI) -> str:
        """Name in the exported ``inference.yml``."""
        return options.model_name or self.name

    def draw_samples(self, samples: Sequence[Labelled], folder: Path) -> list[Path]:
        """Pictures of a few samples, spread over the split, written into `folder`."""
        last, count = len(samples) - 1, min(self.num_pictures, len(samples))
        paths = []
        for index in np.unique(np.linspace(0, last, count).round().astype(int)):
            # With the number and the suffix it is no longer than file systems allow.
            stem = samples[index].image.stem.encode()[:MAX_STEM].decode("utf-8", "ignore")
            paths.append(folder / f"{index}_{stem}.jpg")
            write_image(paths[-1], self.draw_sample(samples[index]))
        return paths


def _seen_on(background: str, split: ImageSplit[Labelled]) -> ImageSplit[Labelled]:
    """The split with the transparent pixels of its images on a background."""
    if background == WHITE:
        return split
    return replace(split, samples=[replace(sample, background=background) for sample in split.samples])
