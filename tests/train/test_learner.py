"""What a checkpoint holds of the thing that learns."""

from __future__ import annotations

import json
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import paddle
import pytest

from kit.tiny_detector import TinyDetector
from plx_train.config.training_options import OptimizerOptions
from plx_train.train.learner import Learner
from plx_train.train.step_seed import StepSeed


def test_the_scale_of_mixed_precision_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # On a CPU paddle switches the scaler off; its state is what matters here.
    place = SimpleNamespace(is_gpu_place=lambda: True)
    monkeypatch.setattr(
        "paddle.amp.grad_scaler._dygraph_tracer", lambda: SimpleNamespace(_expected_place=place), raising=True
    )
    one, other = (Learner(TinyDetector(), OptimizerOptions(), 0.9, "fp16", tmp_path, seed=1) for _ in range(2))
    one.scaler.load_state_dict(
        one.scaler.state_dict() | {"scale": np.asarray([512.0], np.float32), "incr_count": 7, "decr_count": 1}
    )
    assert other.scaler.state_dict()["scale"].item() != 512.0

    other.restore(one.tensors(), json.loads(json.dumps(one.state())))

    restored = other.scaler.state_dict()
    assert (restored["scale"].item(), restored["incr_count"], restored["decr_count"]) == (512.0, 7, 1)


def test_what_was_restored_is_saved_again_before_any_step(tmp_path: Path) -> None:
    one, other = (Learner(TinyDetector(), OptimizerOptions(), 0.9, "fp32", tmp_path, seed=1) for _ in range(2))
    one.module.network(paddle.rand([1, 3, 8, 8])).sum().backward()
    one._apply(0.1)
    saved = one.tensors()
    assert len(saved["optimizer"]) > 4

    other.restore(saved, one.state())

    again = other.tensors()
    assert again.keys() == saved.keys()
    for group, tensors in saved.items():
        assert again[group].keys() == tensors.keys()
        assert all(np.array_equal(again[group][name], tensors[name]) for name in tensors), group


def test_draws_of_a_step_follow_from_seed_and_step_alone() -> None:
    def drawn(seed: int, step: int) -> tuple[float, float, float]:
        begin(seed, step)
        return random.random(), float(np.random.rand()), float(paddle.rand([]))

    def begin(seed: int, step: int) -> None:
        seeds.setdefault(seed, StepSeed(seed))(step)

    seeds: dict[int, StepSeed] = {}
    steps = [0, 63, 64, 1000]
    forwards = {(seed, step): drawn(seed, step) for seed in (0, 1) for step in steps}
    backwards = {(seed, step): drawn(seed, step) for step in reversed(steps) for seed in (1, 0)}
    assert forwards == backwards
    assert len({value for values in forwards.values() for value in values}) == 3 * len(forwards)
    random.seed(int(np.random.SeedSequence([1, 64, 0]).generate_state(1)[0]))
    assert forwards[1, 64][0] == random.random()


def test_losses_of_the_pool_are_told_apart_and_weigh_as_one_batch(tmp_path: Path) -> None:
    module = TinyDetector()
    module.loss = lambda outputs, batch: {"loss": (outputs.mean() * batch.get("weight", paddle.ones([1])).mean())}  # type: ignore[method-assign]
    module.eval_mode()
    learner = Learner(module, OptimizerOptions(), None, "fp32", tmp_path)
    images = np.random.default_rng(0).random((2, 3, 8, 8), np.float32)
    labelled = {"x": images, "names": ["a", "b"]}
    pool = labelled | {"weight": np.asarray([0.5, 0.5], np.float32)}
    update = learner.update([labelled, pool, labelled, pool], 0.0, 1)
    assert update.losses.keys() == {"loss", "pool_loss"}
    assert update.losses["pool_loss"] == pytest.approx(update.losses["loss"] / 2)
    assert update.num_samples == 8
