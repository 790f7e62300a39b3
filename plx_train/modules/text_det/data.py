"""Training samples of text detection: random crops with their targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from plx_train.modules.text_det.augment import TextDetAugment
from plx_train.modules.text_det.labels import PageLabel
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.modules.text_det.targets import TextDetTargets


@dataclass(frozen=True)
class Crops:
    """Makes training samples of pages.

    Attributes:
        augment: how crops are made.
        processor: what evaluation does to a page.
        targets: how what is learned of a crop is made.
    """

    augment: TextDetAugment
    processor: TextDetProcessor
    targets: TextDetTargets

    def __call__(
        self,
        samples: Sequence[PageLabel],
        index: int,
        read: Callable[[int], np.ndarray],
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """A crop uint8 (height, width, 3) BGR, and its maps by name, (height, width) each."""
        image, texts = read(index), samples[index].truth
        crop = self.augment.crop(
            image,
            [text.points for text in texts],
            np.asarray([text.ignore for text in texts], bool),
            self.processor.input_size((image.shape[0], image.shape[1])),
            rng,
        )
        return crop.image, self.targets.make(crop.polygons, crop.ignore, crop.image.shape[:2])
