"""What a comparison of trainers needs to know of another one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DATASETS = Path(__file__).resolve().parents[2] / "datasets"
WARM_UP = 2
"""Steps that are not timed."""


@dataclass(frozen=True)
class Setting:
    """What all trainers get.

    Attributes:
        size: width and height of the training images.
        steps: that are timed.
    """

    batch: int
    size: tuple[int, int]
    steps: int
    threads: int

    @property
    def num_images(self) -> int:
        """Images that all steps need."""
        return (WARM_UP + self.steps) * self.batch


@dataclass(frozen=True)
class Peer:
    """Another trainer, and the same work as overrides of ours.

    Attributes:
        size: as `Setting` has it, where nothing else is asked for.
        overrides: of our runs, without what belongs to one of the variants.
        variants: overrides of each of our runs that it is compared with, by their names.
        config: writes its configuration, and what else it reads, into a folder; arguments: folder, checkout, setting.
        line: finds number and seconds of each step in what it prints.
    """

    name: str
    size: tuple[int, int]
    overrides: Callable[[Setting], Sequence[str]]
    variants: Mapping[str, tuple[str, ...]]
    config: Callable[[Path, Path, Setting], Path]
    line: re.Pattern[str]
