"""Random views of training images in pairs of one class, for losses that compare them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.vision.samples import LabelledImage
from plx_train.vision.views import Views


@dataclass(frozen=True)
class PairedViews:
    """Makes training samples of two views: of an image, and of another of its class, or of itself where it is alone.

    Attributes:
        classes: of the samples.
        members: places of the samples of each class.
    """

    views: Views
    classes: tuple[int, ...]
    members: Mapping[int, Sequence[int]]

    @classmethod
    def of(cls, views: Views, classes: Sequence[int]) -> PairedViews:
        """Views of samples of these classes."""
        members: dict[int, list[int]] = {}
        for place, number in enumerate(classes):
            members.setdefault(number, []).append(place)
        return cls(views, tuple(classes), members)

    def __call__(
        self,
        samples: Sequence[LabelledImage[Any]],
        index: int,
        read: Callable[[int], np.ndarray],
        rng: np.random.Generator,
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Two views uint8 (height, width, 3) BGR, and the target of the first."""
        members = self.members[self.classes[index]]
        other = members[int(rng.integers(max(len(members) - 1, 1)))]
        # The last one stands in for the image itself, so that all others are as likely.
        pair = (index, members[-1] if other == index else other)
        return [self.views.change(read(place), rng) for place in pair], self.views.target(samples[index].truth)
