"""Where a device would be waited for: at most one read a step, and none where batches are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from kit.fake_device import Traffic, counted
from kit.rooms import own_rooms, tiny_room
from kit.runs import train_room
from plx_train.train import best, loop
from plx_train.workflow import training

READS_OF_A_BATCH = {"object_det": 2}
"""Reads of a batch that is evaluated, where it is not one: rows of boxes, and how many are of which image."""
MADE_OF_WINDOWS = ("ts_anomaly",)
"""Rooms that evaluate a whole series as the windows it is cut into, a few at a time."""
STEPS = 3
ON_A_CPU_ALONE = ("nn/affine.py", "onednn/")
"""What is done so on a CPU alone, and otherwise elsewhere."""
OF_WHAT_IS_SEEN = {"object_det": 1, "text_det": 1, "semantic_seg": 1}
"""Rooms whose losses depend on what the network answers, fitting boxes or the hardest pixels, and read it once more."""


def _in(traffic: Traffic, part: str) -> Callable[[Any], Any]:
    """A function's stand-in, in which the main thread is at `part`."""

    def wrap(function: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            former, traffic.part = traffic.part, part
            try:
                return function(*given, **named)
            finally:
                traffic.part = former

        return call

    return wrap


@dataclass(frozen=True)
class Seen:
    """A run of three steps.

    Attributes:
        batches: that were evaluated.
    """

    room: str
    traffic: Traffic
    batches: list[int]


@pytest.fixture(scope="module", params=own_rooms())
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What a run asks of the device."""
    folder = tmp_path_factory.mktemp(request.param)
    dataset = tiny_room(request.param).make_dataset(folder / "data")
    short = (f"trainer.max_steps={STEPS}", "trainer.epochs=null", "trainer.log_every_steps=1", "device.num_workers=1")
    with counted() as traffic, pytest.MonkeyPatch.context() as patch:
        for owner, name, part in (
            (loop, "take_step", "step"), (loop, "_save", "save"), (best.Judge, "measure", "evaluation"),
            (best.Judge, "best_again", "evaluation"), (loop, "_fit", "fit"),
        ):  # fmt: skip
            patch.setattr(owner, name, _in(traffic, part)(getattr(owner, name)))
        train, engine, batches = loop.train, training.network_engine, list[int]()

        def counting(module: Any) -> Any:
            run = engine(module)

            def one(batch: Any) -> Any:
                batches.append(len(batch["names"]))
                return run(batch)

            return one

        patch.setattr(training, "network_engine", counting)

        def whole(*given: Any, **named: Any) -> Any:
            traffic.part = "loop"
            try:
                return train(*given, **named)
            finally:
                traffic.part = "after"

        patch.setattr(loop, "train", whole)
        train_room(request.param, dataset, folder / "run", *short, "device.conv_backend=native")
    return Seen(request.param, traffic, batches)


def _counted(traffic: Traffic, part: str) -> dict[str, int]:
    return {place: number for place, number in traffic.of(part).items() if not place.startswith(ON_A_CPU_ALONE)}


@pytest.mark.long
def test_a_step_reads_once(seen: Seen) -> None:
    reads = _counted(seen.traffic, "step")
    most = STEPS * (1 + OF_WHAT_IS_SEEN.get(seen.room, 0))

    assert sum(reads.values()) <= most, reads


def test_nothing_is_read_or_copied_between_steps(seen: Seen) -> None:
    assert _counted(seen.traffic, "loop") == {}
    assert seen.traffic.of("loop", "copies") == {}


def test_a_batch_is_evaluated_by_one_read(seen: Seen) -> None:
    if seen.room in MADE_OF_WINDOWS:
        pytest.skip("a series is many windows")
    reads = _counted(seen.traffic, "thread")

    assert seen.batches
    assert sum(reads.values()) <= READS_OF_A_BATCH.get(seen.room, 1) * len(seen.batches), reads
