"""Random views of training images, in pairs of one class where a loss compares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from plx_train.modules.image_feature.labels import Picture, Shown
from plx_train.vision.views import Views


@dataclass(frozen=True)
class PairedViews:
    """Makes training samples of two views: of an image, and of another of its class, or of itself where it is alone."""

    views: Views
    members: Mapping[int, Sequence[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, views: Views, samples: Sequence[Picture]) -> PairedViews:
        """Views of `samples`, whose classes are looked up once."""
        members: dict[int, list[int]] = {}
        for place, sample in enumerate(samples):
            members.setdefault(sample.truth.number, []).append(place)
        return cls(views, members)

    def __call__(
        self, samples: Sequence[Picture], index: int, read: Callable[[int], np.ndarray], rng: np.random.Generator
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Two views uint8 (height, width, 3) BGR, and the number of their class."""
        others = [place for place in self.members[samples[index].truth.number] if place != index] or [index]
        other = others[int(rng.integers(len(others)))]
        views = [self.views.change(read(place), rng) for place in (index, other)]
        return views, class_number(samples[index].truth)


def class_number(truth: Shown) -> np.ndarray:
    """What is learned of an image: int64, the number of its class."""
    return np.asarray(truth.number, np.int64)
