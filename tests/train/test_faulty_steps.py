"""Steps that fail: memory that runs out, losses that are not finite; and what each policy makes of them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit.pages import make_pages, train
from kit.runs import last_checkpoint
from plx_train.ground.errors import TrainingError
from plx_train.ground.memory import is_out_of_memory
from plx_train.modules.text_det.module import TextDet
from plx_train.runs.checkpoint import load_checkpoint
from plx_train.tracking import SPOOL_NAME, read_metrics


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("data") / "pages")


def short_of_memory(monkeypatch: pytest.MonkeyPatch, largest: int) -> list[int]:
    """Has training forward passes of more than `largest` samples fail as paddle does; returns the sizes that passed."""
    passed: list[int] = []
    forward = TextDet.forward

    def limited(self: TextDet, batch: dict[str, Any]) -> Any:
        size = batch["x"].shape[0]
        if self.network.training and size > largest:
            raise MemoryError("(ResourceExhausted) Fail to alloc memory of 20971520 size, error code is 12.")
        if self.network.training:
            passed.append(size)
        return forward(self, batch)

    monkeypatch.setattr(TextDet, "forward", limited)
    return passed


def test_running_out_of_memory_names_a_batch_size_that_was_tried(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_of_memory(monkeypatch, 1)
    with pytest.raises(TrainingError, match=r"memory ran out at step 1 with batches of 4.*trainer\.batch_size=1 fits"):
        train(dataset, tmp_path / "r", "trainer.batch_size=4")


def test_not_even_one_sample_fits(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short_of_memory(monkeypatch, 0)
    with pytest.raises(TrainingError, match="not even one sample fits"):
        train(dataset, tmp_path / "r", "trainer.batch_size=4")


def test_halving_keeps_the_batch_and_lasts(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = short_of_memory(monkeypatch, 2)
    train(dataset, tmp_path / "r", "trainer.batch_size=4", "trainer.oom=halve", "dataset.holdout_share=0.0")
    state = load_checkpoint(last_checkpoint(tmp_path / "r"))[1]
    assert state["learner"]["parts"] == 2
    assert sizes == [2, 2, 1, 1] * 2
    assert capsys.readouterr().err.count("memory ran out") == 1


@pytest.mark.long
def test_a_batch_in_parts_has_the_gradient_of_the_mean_of_its_parts(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_of_memory(monkeypatch, 2)
    arguments = ("dataset.holdout_share=0.0", "trainer.epochs=1", "dataset.limit=4", "trainer.ema_decay=null")
    halved = train(dataset, tmp_path / "h", "trainer.batch_size=4", "trainer.oom=halve", *arguments)
    apart = train(dataset, tmp_path / "a", "trainer.batch_size=2", "trainer.accumulate_steps=2", *arguments)
    one, other = (load_checkpoint(last_checkpoint(run.output))[0]["network"] for run in (halved, apart))
    assert all(np.allclose(one[name], other[name], atol=1e-6) for name in one)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("ResourceExhaustedError: Out of memory error on GPU 0. Cannot allocate 2.0GB"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (ValueError("shapes differ"), False),
    ],
)
def test_shortage_of_memory_is_told_from_other_errors(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def spoil_losses(monkeypatch: pytest.MonkeyPatch, *calls: int) -> None:
    """Makes the losses of these calls, counted from 1, NaN."""
    loss, count = TextDet.loss, [0]

    def spoilt(self: TextDet, outputs: Any, batch: dict[str, Any]) -> dict[str, Any]:
        count[0] += 1
        losses = loss(self, outputs, batch)
        return {name: value * math.nan for name, value in losses.items()} if count[0] in calls else losses

    monkeypatch.setattr(TextDet, "loss", spoilt)


def losses_of(output: Path) -> dict[int, float]:
    return dict(read_metrics(output / SPOOL_NAME)["train/loss"])


@pytest.mark.long
def test_a_step_left_out_changes_no_weight_and_the_run_goes_on(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_losses(monkeypatch, 3)
    train(dataset, tmp_path / "s", "trainer.nonfinite=skip", "trainer.save_every_steps=1", "trainer.keep_last=9")
    before, after = (
        load_checkpoint(tmp_path / "s" / "checkpoints" / f"step_{step:08d}")[0]["network"] for step in (2, 3)
    )
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert sorted(losses_of(tmp_path / "s")) == [1, 2, 4, 5, 6]
    assert load_checkpoint(last_checkpoint(tmp_path / "s"))[1]["loop"]["left_out"] == [3]


def test_a_run_that_is_broken_for_good_is_not_skipped_to_its_end(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_losses(monkeypatch, *range(1, 99))
    with pytest.raises(TrainingError, match="again after 4 times of skip"):
        train(dataset, tmp_path / "s", "trainer.nonfinite=skip")
    assert json.loads((tmp_path / "s" / "nonfinite_batch.json").read_text())["step"] == 5


@pytest.mark.long
def test_a_rollback_goes_on_from_the_checkpoint_at_half_the_rate(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_losses(monkeypatch, 5)
    train(dataset, tmp_path / "b", "trainer.nonfinite=rollback", "optimizer.schedule=constant", "optimizer.warmup=0")
    state = load_checkpoint(last_checkpoint(tmp_path / "b"))[1]["loop"]
    assert (state["rollbacks"], state["left_out"], state["step"]) == (1, [5], 6)
    rates = dict(read_metrics(tmp_path / "b" / SPOOL_NAME)["train/lr"])
    assert rates[6] == rates[1] / 2
