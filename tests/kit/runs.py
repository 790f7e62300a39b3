"""Runs: made, killed as far as the disk can tell, and compared to the bit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

import plx_train
from kit.rooms import tiny_room
from plx_train.api import RunResult
from plx_train.runs.checkpoint import load_checkpoint
from plx_train.tracking import SPOOL_NAME, read_metrics
from plx_train.train.checkpoints import step_checkpoints

EVERY_TINY_RUN = ("device=cpu", "device.num_workers=0", "tracking=off", "quiet=true")
OF_THE_CLOCK = ("time/", "system/")


def train_room(room: str, dataset: Path, output: Path, *overrides: str) -> RunResult:
    """Makes a tiny run of `room`; arguments as for `arguments_of`."""
    return plx_train.run(arguments_of(room, dataset, output, *overrides))


def arguments_of(room: str, dataset: Path, output: Path, *overrides: str) -> list[str]:
    """What a tiny run of `room` is given; `overrides` take the place of what it is given otherwise."""
    keys = {text.partition("=")[0] for text in overrides}
    of_room = (*EVERY_TINY_RUN, *tiny_room(room).overrides)
    usual = [f"module={room}", f"dataset.root={dataset}", f"output={output}", *of_room]
    return [text for text in usual if text.partition("=")[0] not in keys] + list(overrides)


def last_checkpoint(output: Path) -> Path:
    """The newest checkpoint of a run."""
    return step_checkpoints(output / "checkpoints")[0]


def weights_of(output: Path) -> dict[str, np.ndarray]:
    """The network's tensors in the newest checkpoint of a run."""
    return load_checkpoint(last_checkpoint(output))[0]["network"]


def as_if_killed(run: Path, folder: Path, step: int) -> Path:
    """A copy of a run as it was on disk when it was killed some steps after its checkpoint of `step`."""
    shutil.copytree(run, folder)
    for path in step_checkpoints(folder / "checkpoints"):
        if int(path.name.removeprefix("step_")) > step:
            shutil.rmtree(path)
    facts = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(facts | {"status": "RUNNING", "metrics": {}}))
    return folder


def points(output: Path) -> dict[str, list[tuple[int, float]]]:
    """(step, value) of all that a run logged, by name, but for what the clock says."""
    logged = read_metrics(output / SPOOL_NAME)
    return {name: values for name, values in logged.items() if not name.startswith(OF_THE_CLOCK)}


def assert_same(one: Path, other: Path) -> None:
    """Fails where two runs differ by a bit: in the newest and the best checkpoint, or in what they logged."""
    for checkpoint in [path.name for path in step_checkpoints(one / "checkpoints")[:1]] + ["best"]:
        first, second = (load_checkpoint(run / "checkpoints" / checkpoint)[0] for run in (one, other))
        assert first.keys() == second.keys()
        for group in first:
            assert first[group].keys() == second[group].keys()
            assert all(np.array_equal(first[group][name], second[group][name]) for name in first[group]), group
    assert points(one) == points(other)
