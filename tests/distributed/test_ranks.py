"""Two processes train as one does: same losses, same metric, every sample once; and they end together."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from kit.pages import arguments, make_pages, train
from kit.processes import wait_for
from kit.runs import as_if_killed, assert_same
from plx_train.data.loader import Sampler
from plx_train.runs.checkpoint import load_checkpoint
from plx_train.tracking import SPOOL_NAME, read_metrics
from plx_train.train.checkpoints import step_checkpoints

TOGETHER = ("module.freeze_norm=true", "trainer.batch_size=4", "dataset.holdout_share=0.3", "device.processes=2")


def start(dataset: Path, output: Path, *overrides: str) -> subprocess.Popen[str]:
    """The command in two processes."""
    command = [sys.executable, "-m", "plx_train", *arguments(dataset, output, *TOGETHER, *overrides)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    shown, _ = process.communicate(timeout=120)
    assert process.returncode == 0, shown
    assert "Traceback" not in shown
    return shown


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("data") / "pages", num_train=9, num_val=3)


@pytest.fixture(scope="module")
def learned(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose metric is not 0, so that comparing metrics compares something."""
    output = tmp_path_factory.mktemp("learned") / "run"
    result = train(
        dataset, output, "trainer.epochs=24", "trainer.eval_every_epochs=6", "optimizer.lr=5e-3",
        "trainer.ema_decay=0.9", "module.augment.scale=[0.95,1.05]", "module.thresh=0.15", "module.box_thresh=0.15",
    )  # fmt: skip
    assert result.metrics["val/hmean"] > 0.1
    return output


@pytest.fixture(scope="module")
def both(dataset: Path, learned: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same run in one process and in two."""
    folder = tmp_path_factory.mktemp("both")
    same = ["trainer.epochs=3", f"init_from={learned}", "trainer.save_every_steps=1", "trainer.keep_last=9"]
    same += ["module.thresh=0.15", "module.box_thresh=0.15", "device.num_workers=1"]
    finish(start(dataset, folder / "two", *same))
    train(dataset, folder / "one", *TOGETHER[:-1], *same)
    return folder / "one", folder / "two"


@pytest.mark.long
def test_losses_and_gradients_are_those_of_one_process(both: tuple[Path, Path]) -> None:
    one, two = (read_metrics(output / SPOOL_NAME) for output in both)
    assert len(one["train/loss"]) > 3
    for name in ("train/loss", "train/shrink", "train/gradient_norm"):
        assert [step for step, _ in one[name]] == [step for step, _ in two[name]]
        assert np.allclose([value for _, value in one[name]], [value for _, value in two[name]], rtol=1e-5, atol=0)


@pytest.mark.long
def test_sharded_evaluation_gives_the_number_of_one_process(both: tuple[Path, Path]) -> None:
    one, two = (read_metrics(output / SPOOL_NAME) for output in both)
    # Before any step the weights are the same to the bit, so every number must be.
    names = [name for name in one if name.startswith("val/")]
    assert one["val/hmean"][0][1] > 0.1
    assert {name: one[name][0] for name in names} == {name: two[name][0] for name in names}


@pytest.mark.long
def test_two_processes_leave_what_one_leaves(both: tuple[Path, Path]) -> None:
    one, two = both
    facts = json.loads((two / "run.json").read_text())
    assert facts["status"] == "FINISHED"
    assert (two / "export" / "parity.json").is_file()
    first, second = (load_checkpoint(step_checkpoints(run / "checkpoints")[0])[0]["network"] for run in both)
    assert all(np.allclose(first[name], second[name], rtol=1e-2, atol=1e-4) for name in first)
    assert (one / "run.json").is_file()


@pytest.mark.long
def test_two_processes_go_on_to_the_same_bits(both: tuple[Path, Path], tmp_path: Path) -> None:
    killed = as_if_killed(both[1], tmp_path / "killed", 4)
    command = [sys.executable, "-m", "plx_train", f"resume={killed}"]
    finish(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    assert_same(both[1], killed)


@pytest.mark.long
def test_all_processes_keep_the_first_ones_plan_of_the_time(dataset: Path, tmp_path: Path) -> None:
    output = tmp_path / "r"
    given = arguments(dataset, output, *TOGETHER, "trainer.max_time=25s", "quiet=false")
    command = [sys.executable, "-m", "plx_train", *(text for text in given if not text.startswith("trainer.epochs="))]
    shown = finish(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    assert "ended by max_time" in shown
    of_the_other = (output / "ranks" / "rank_1.log").read_text()
    plans = [next(line for line in text.splitlines() if "time is planned" in line) for text in (shown, of_the_other)]
    assert plans[0] == plans[1]
    last = [text.rpartition("\nstep ")[2].split(",")[0].split("/")[0] for text in (shown, of_the_other)]
    assert last[0] == last[1], "and end at the same step"


@pytest.mark.long
def test_a_rank_that_is_killed_ends_the_run_with_one_sentence(dataset: Path, tmp_path: Path) -> None:
    process = start(dataset, tmp_path / "r", "trainer.epochs=500", "trainer.eval_every_epochs=500")
    spool = tmp_path / "r" / SPOOL_NAME
    wait_for(process, lambda: len(read_metrics(spool).get("train/loss", [])) > 3)
    everyone = psutil.Process(process.pid).children(recursive=True)
    ranks = [child for child in everyone if "plx_train.workflow.worker" in child.cmdline()]
    victim = next(child for child in ranks if child.environ()["PADDLE_TRAINER_ID"] == "1")
    killed_at = time.monotonic()
    victim.send_signal(signal.SIGKILL)

    shown, _ = process.communicate(timeout=60)

    assert time.monotonic() - killed_at < 30
    assert process.returncode != 0
    assert shown.count("rank 1") == 1
    assert "SIGKILL" in shown
    assert "Traceback" not in shown
    _, alive = psutil.wait_procs(everyone, timeout=5)
    assert not alive
    facts = json.loads((tmp_path / "r" / "run.json").read_text())
    assert facts["status"] == "FAILED"
    assert "rank 1" in facts["reason"]


@pytest.mark.long
def test_a_signal_saves_in_all_processes_and_the_run_goes_on(dataset: Path, tmp_path: Path) -> None:
    process = start(dataset, tmp_path / "r", "trainer.epochs=500", "trainer.eval_every_epochs=500")
    spool = tmp_path / "r" / SPOOL_NAME
    wait_for(process, lambda: len(read_metrics(spool).get("train/loss", [])) > 3)
    sent = time.monotonic()
    process.send_signal(signal.SIGTERM)
    shown, _ = process.communicate(timeout=60)
    assert time.monotonic() - sent < 10
    assert process.returncode == 143, shown
    assert shown.count("go on with: python -m plx_train resume=") == 1
    step = int(step_checkpoints(tmp_path / "r" / "checkpoints")[0].name.removeprefix("step_"))
    assert read_metrics(spool)["train/loss"][-1][0] == step


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
@pytest.mark.parametrize(("samples", "batch"), [(9, 4), (8, 4), (10, 4), (11, 4), (4, 4), (5, 4)])
def test_every_sample_comes_once_in_an_epoch_for_any_number_of_processes(samples: int, batch: int, parts: int) -> None:
    samplers = [Sampler(samples, batch, seed=3, parts=parts, part=part) for part in range(parts)]
    shares = [list(sampler.batches(epoch=2)) for sampler in samplers]
    assert len({sampler.batches_per_epoch for sampler in samplers}) == 1
    assert all(len(share) == samplers[0].batches_per_epoch for share in shares)
    assert all(keys for share in shares for keys in share), "a process without a sample would hold the others up"
    seen = sorted(index for share in shares for keys in share for index, _ in keys)
    assert seen == list(range(samples))


def test_batches_and_draws_do_not_depend_on_the_number_of_processes() -> None:
    alone = list(Sampler(10, 4, seed=3).batches(epoch=1))
    shared = [list(Sampler(10, 4, seed=3, parts=2, part=part).batches(epoch=1)) for part in range(2)]
    assert alone == [one + other for one, other in zip(*shared, strict=True)]


def test_too_small_a_batch_for_the_processes_is_one_sentence(dataset: Path, tmp_path: Path) -> None:
    process = start(dataset, tmp_path / "r", "trainer.batch_size=1")
    shown, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert shown.count("too few for 2 processes") == 1
    assert "Traceback" not in shown


@pytest.mark.long
def test_batch_norms_that_learn_are_told_of(dataset: Path, tmp_path: Path) -> None:
    shown = finish(start(dataset, tmp_path / "r", "module.freeze_norm=false", "trainer.max_steps=2", "quiet=false"))
    assert "statistics of each process's own share" in shown
    best = load_checkpoint(tmp_path / "r" / "checkpoints" / "best")[0]["network"]
    assert all(np.isfinite(value).all() for value in best.values())


def test_batch_norms_over_all_processes_are_refused_on_a_cpu(dataset: Path, tmp_path: Path) -> None:
    process = start(dataset, tmp_path / "r", "device.sync_bn=true")
    shown, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "device.sync_bn=true" in shown and "gpu and xpu only" in shown
    assert not (tmp_path / "r" / "run.json").exists()


def test_layers_are_synchronised_within_the_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import paddle

    from plx_train.train import batch_norm

    network = paddle.nn.Sequential(paddle.nn.Conv2D(3, 4, 3), paddle.nn.BatchNorm2D(4), paddle.nn.BatchNorm2D(4))
    network[2].eval()
    module = SimpleNamespace(network=network, train_mode=lambda: None)
    before = {name: id(value) for name, value in network.state_dict().items()}
    monkeypatch.setattr(batch_norm.ranks, "num_ranks", lambda: 2)
    with batch_norm.batch_norms(module, SimpleNamespace(type="gpu"), True) as sentence:
        assert [type(layer).__name__ for layer in network] == ["Conv2D", "SyncBatchNorm", "BatchNorm2D"]
        assert sentence == "1 batch norms take the statistics of all 2 processes"
        assert {name: id(value) for name, value in network.state_dict().items()} == before
    assert [type(layer).__name__ for layer in network] == ["Conv2D", "BatchNorm2D", "BatchNorm2D"]
