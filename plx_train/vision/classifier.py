"""What all rooms share whose networks see an image as a whole and score classes: options, classes, processing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from plx_train.nn.classifier_names import PUBLISHED
from plx_train.vision.check import ImageData
from plx_train.vision.classifier_options import ClassifierOptions
from plx_train.vision.draw import GREY, draw_captions
from plx_train.vision.named_classes import NamedClassesRoom
from plx_train.vision.samples import Labelled
from plx_train.vision.whole_image import WholeImageProcessor

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions

OptionsC = TypeVar("OptionsC", bound=ClassifierOptions)
ProcessorC = TypeVar("ProcessorC", bound=WholeImageProcessor)


class ClassifierRoom(NamedClassesRoom[OptionsC, Labelled, ProcessorC]):
    """A room whose networks see an image as a whole and score classes, which ``label.txt`` names."""

    wanted = "images/*.jpg, label.txt"
    processor: ClassVar[type[WholeImageProcessor]]

    def looks(self, processor: ProcessorC, size: int) -> Sequence[ProcessorC]:
        """The processing as it is, and enlarged where the network is given less than `size` pixels."""
        scale = size / max(processor.size)
        if scale <= 1:
            return (processor,)
        width, height = (round(side * scale) for side in processor.size)
        short = processor.resize_short and round(processor.resize_short * scale)
        return processor, replace(processor, size=(width, height), resize_short=short)

    def num_classes(self, samples: Sequence[Labelled]) -> int:
        """How many classes samples speak of, where no file names them."""
        return max((sample.truth for sample in samples), default=0) + 1

    def classes(self, data: ImageData[Labelled], options: OptionsC) -> Sequence[str]:
        """Names of the classes, by number."""
        return data.classes or [str(number) for number in range(self.num_classes(data.train.samples))]

    def fit(
        self, data: ImageData[Labelled], dataset: DatasetOptions, options: OptionsC, weights: str | None
    ) -> ProcessorC | None:
        """The processing that the options ask for, with the classes of the label files."""
        if data.faults:
            return None
        width, height = options.size
        labels = tuple(self.classes(data, options))
        made: Any = self.processor(
            labels=labels,
            resize_short=options.resize_short,
            size=(width, height),
            interpolation=options.interpolation,
            mean=tuple(options.mean),
            std=tuple(options.std),
            **self.settings(options, labels),
        )
        return made

    @abstractmethod
    def settings(self, options: OptionsC, labels: Sequence[str]) -> dict[str, Any]:
        """Fields of the processor's own before any calibration."""

    def official(self, processor: ProcessorC, options: OptionsC) -> ProcessorC:
        """`processor` before any calibration."""
        return replace(processor, **self.settings(options, processor.labels))

    def truth_text(self, sample: Labelled) -> str:
        """The sample's truth in words, for pictures of it."""
        return str(sample.truth)

    def draw_sample(self, sample: Labelled) -> np.ndarray:
        """The image with its truth under it."""
        return draw_captions(sample.read(), [(self.truth_text(sample), GREY)])

    def pretrained(self, options: OptionsC) -> str | None:
        """Weights of the same network, where they are published."""
        return PUBLISHED.get(options.network)
