"""Detectors by name: how each is made and taught, as it was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from plx_train.nn.detection import simota, task_aligned
from plx_train.nn.detection.assigned import Assigner
from plx_train.nn.detection.names import NETWORKS
from plx_train.nn.detection.pico_det import PicoDet


@dataclass(frozen=True)
class DetectorRecipe:
    """A network and its losses.

    Attributes:
        scale, channels, num_blocks: see `PicoDet`.
        is_first_release: with neck, head and losses of the first one.
    """

    scale: float
    channels: int
    num_blocks: int
    is_first_release: bool = False

    def build(self, num_classes: int) -> PicoDet:
        """The network with its initial weights."""
        return PicoDet(num_classes, self.scale, self.channels, self.num_blocks, self.is_first_release)

    @property
    def assign(self) -> Assigner:
        """What chooses which points learn what."""
        return simota.assign if self.is_first_release else task_aligned.assign

    @property
    def weights(self) -> tuple[float, float]:
        """How much the losses of boxes and of distances count beside that of classes."""
        return (2.0, 0.25) if self.is_first_release else (2.5, 0.5)


_RECIPES = (
    DetectorRecipe(0.35, 96, 2),
    DetectorRecipe(0.75, 96, 2),
    DetectorRecipe(1.5, 128, 4),
    DetectorRecipe(2.0, 160, 4),
    DetectorRecipe(1.0, 128, 4, is_first_release=True),
)
RECIPES: Mapping[str, DetectorRecipe] = MappingProxyType(dict(zip(NETWORKS, _RECIPES, strict=True)))
