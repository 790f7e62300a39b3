"""Runs that learn from unlabelled images too: every room that can, in both schedules, kills included."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kit.rooms import own_rooms, tiny_room
from kit.runs import as_if_killed, points, train_room, weights_of
from plx_train.contract.rooms import load_room

ROOMS = [name for name in own_rooms() if load_room(name).pool_schedule]
ALL = ("trainer.max_steps=4", "trainer.epochs=null", "trainer.eval_every_epochs=null", "trainer.eval_every_steps=2")
OF_POOL = (*ALL, "trainer.save_every_steps=1", "trainer.keep_last=9", "trainer.ema_decay=0.9")


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("data")
    return {room: tiny_room(room).make_dataset(folder / room) for room in ROOMS}


@pytest.mark.parametrize("schedule", ["rounds", "online"])
@pytest.mark.parametrize("room", ROOMS)
def test_a_killed_run_with_a_pool_goes_on_to_the_same_bits(
    room: str, schedule: str, datasets: dict[str, Path], tmp_path: Path
) -> None:
    drawn = tiny_room(room).drawn
    wanted = ("dataset.labelled=50%", "dataset.pool=rest", f"few={schedule}", "few.rounds=1", *OF_POOL, *drawn)
    whole = train_room(room, datasets[room], tmp_path / "whole", *wanted).output
    # A network that has hardly begun reads nothing in a line, so there is nothing to learn of it.
    if (room, schedule) != ("text_rec", "rounds"):
        assert all(np.isfinite(value) for _, value in points(whole)["train/pool_loss"])
    killed = as_if_killed(whole, tmp_path / "killed", 2)
    train_room(room, datasets[room], killed, *wanted, f"resume={killed}")
    assert points(killed) == points(whole)
    one, other = weights_of(whole), weights_of(killed)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_no_run_is_worse_than_labels_alone(datasets: dict[str, Path], tmp_path: Path) -> None:
    wanted = ("dataset.labelled=2/class", "dataset.pool=rest", "few.rounds=2", *ALL)
    run = train_room("image_cls", datasets["image_cls"], tmp_path / "run", *wanted)
    facts = [json.loads((folder / "run.json").read_text()) for folder in (run.output, run.output / "basis")]
    last, before, first = (*facts, json.loads((run.output / "basis/basis/run.json").read_text()))
    scores = [one["metrics"]["val/accuracy"] for one in (first, before, last)]
    assert scores == sorted(scores)
