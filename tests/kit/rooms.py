"""The package's own rooms, and what each brings for tests: ``tests/modules/<room>/tiny.py``, found by its place."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import plx_train.modules
from kit.places import TESTS
from plx_train.contract.rooms import room_names


@dataclass(frozen=True)
class TinyRoom:
    """What a room needs to be tried in seconds.

    Attributes:
        make_dataset: writes a dataset into a folder, which it makes, and returns that.
        overrides: what a short run on it is given beside `kit.runs.EVERY_TINY_RUN`, the dataset and its folder.
        by_heart: what else it is given to learn four of the samples by heart in a hundred steps.
        drawn: what else it is given so that a step draws at random whatever it can: augmentation, dropout.
        spoil: plants a fault in the dataset's files and returns a regular expression that the check must tell it by.
    """

    make_dataset: Callable[[Path], Path]
    overrides: tuple[str, ...]
    spoil: Callable[[Path], str]
    by_heart: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ()


def own_rooms() -> list[str]:
    """Names of the rooms that lie in the package; those of other packages bring tests of their own."""
    (folder,) = plx_train.modules.__path__
    return [name for name in room_names() if (Path(folder) / name).is_dir()]


def tiny_room(room: str) -> TinyRoom:
    """What `room` brings for tests."""
    if not (TESTS / "modules" / room / "tiny.py").is_file():
        pytest.fail(
            f"the room {room} can't be tried: tests/modules/{room}/tiny.py is missing, which names a TinyRoom TINY"
        )
    made = importlib.import_module(f"modules.{room}.tiny").TINY
    assert isinstance(made, TinyRoom)
    return made
