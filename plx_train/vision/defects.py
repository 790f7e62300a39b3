"""Pictures that are good or show a defect, with or without a mask of where it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plx_train.contract.truth import RunLengths
from plx_train.data.defect_lines import GOOD
from plx_train.vision.masks import UNCOUNTED, read_mask
from plx_train.vision.samples import LabelledImage

MARKED = 1
"""What a mask has where a defect is; 0 where none is, and `UNCOUNTED` where neither counts."""


@dataclass(frozen=True)
class Defect:
    """What a picture shows.

    Attributes:
        kind: `GOOD`, or the name of a defect; empty: the mask says whether there is one.
        mask: absolute path of a picture that is not black where the defect is; None: there is none.
        runs: where it is marked without a picture: its pixels, then those that count neither way.
    """

    kind: str
    mask: Path | None = None
    runs: tuple[RunLengths, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether there is no defect."""
        return self.kind == GOOD

    def pixels(self) -> np.ndarray | None:
        """The mask uint8 (H, W) of 0, `MARKED` and `UNCOUNTED`; None where there is none.

        Raises:
            ImageError: it can't be read.
        """
        if self.runs:
            marked = self.runs[0].pixels().astype(np.uint8) * MARKED
            for others in self.runs[1:]:
                marked[others.pixels()] = UNCOUNTED
            return marked
        return None if self.mask is None else read_defect(self.mask)


class DefectImage(LabelledImage[Defect]):
    """A picture of which is known whether it is good."""

    @property
    def beside(self) -> tuple[Path, ...]:
        """The file of the mask, where there is one."""
        return () if self.truth.mask is None else (self.truth.mask,)


def read_defect(path: Path) -> np.ndarray:
    """A mask uint8 (H, W) of 0, `MARKED` and `UNCOUNTED`.

    All that is not black is marked. Where levels of 1 and of 255 stand beside one another, as in PaddleX's datasets,
    the latter do not count.

    Raises:
        ImageError: it can't be read.
    """
    return marked_in(read_mask(path))


def marked_in(levels: np.ndarray) -> np.ndarray:
    """What the levels of a mask mark; see `read_defect`."""
    marked = (levels > 0).astype(np.uint8)
    if (levels == MARKED).any():
        marked[levels == UNCOUNTED] = UNCOUNTED
    return marked
