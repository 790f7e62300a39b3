"""Defects that are planted into good pictures, at known places: to judge by where nobody has any."""

from __future__ import annotations

import zlib
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from plx_train.vision.defects import MARKED, Defect, DefectImage
from plx_train.vision.image import read_image

PLANTED = "planted"
"""Name of such a defect."""
SHARES = (0.05, 0.2)
"""How long a scratch or a blot is, from and to, of the picture's shorter side."""
CONTRAST = (30, 90)
"""How much it is darker or lighter, of 255."""


@dataclass(frozen=True)
class PlantedDefect(Defect):
    """A defect that stands in no file.

    Attributes:
        picture: absolute path of the good picture.
    """

    picture: Path = Path()

    def pixels(self) -> np.ndarray:
        """The mask uint8 (H, W)."""
        return _shape_of(self.picture, read_image(self.picture).shape)[0]


@dataclass(frozen=True)
class PlantedImage(DefectImage):
    """A good picture with a scratch or a blot, always the same one."""

    @property
    def key(self) -> Hashable:
        """What tells it from the good picture."""
        return (self.image, PLANTED)

    def read(self) -> np.ndarray:
        """The picture with its defect, uint8 (H, W, 3) BGR."""
        picture = super().read()
        mask, change = _shape_of(self.image, picture.shape)
        soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)[:, :, None]
        return np.clip(picture + soft * change, 0, 255).astype(np.uint8)


def planted(sample: DefectImage) -> PlantedImage:
    """A good sample with a defect."""
    truth = PlantedDefect(PLANTED, picture=sample.image)
    return PlantedImage(sample.image, truth, sample.where, background=sample.background)


def _shape_of(path: Path, shape: tuple[int, ...]) -> tuple[np.ndarray, Any]:
    """Mask uint8 (H, W) of a scratch or a blot, and how it changes the colours; drawn by the picture's name."""
    rng = np.random.default_rng(zlib.crc32(path.name.encode("utf-8", "surrogateescape")))
    height, width = shape[:2]
    length = rng.uniform(*SHARES) * min(height, width)
    centre = rng.uniform([0.15 * width, 0.15 * height], [0.85 * width, 0.85 * height])
    angle = float(rng.uniform(0, 180))
    wide = max(length * (rng.uniform(0.05, 0.15) if rng.random() < 0.5 else rng.uniform(0.4, 1.0)), 1.5)
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (tuple(map(float, centre)), (float(length), float(wide)), angle), MARKED, -1)
    sign = 1 if rng.random() < 0.5 else -1
    return mask, sign * rng.uniform(*CONTRAST) * rng.uniform(0.7, 1.0, 3)
