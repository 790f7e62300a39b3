"""Whole runs of a tiny network on tiny real files: what they leave, that they repeat, and how they end."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

import plx_train
from kit.pages import make_pages, train
from kit.runs import last_checkpoint, weights_of
from plx_train.api import RunResult
from plx_train.ground.errors import TrainingError, UserError, WeightsError
from plx_train.runs.checkpoint import load_checkpoint


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("data") / "pages")


@pytest.fixture(scope="module")
def tracked_run(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("runs")
    result = train(
        dataset, folder / "run", f"tracking.uri={folder / 'mlflow.db'}", "tracking=mlflow",
        "trainer.epochs=20", "trainer.eval_every_epochs=10", "optimizer.lr=5e-3", "trainer.ema_decay=0.9",
        "module.augment.scale=[0.95,1.05]", "module.thresh=0.15", "module.box_thresh=0.15",
    )  # fmt: skip
    assert result.metrics["val/hmean"] > 0.1, "nothing was learned: what follows would compare zeros"
    return result


def test_a_run_leaves_export_report_check_and_checkpoints(tracked_run: RunResult) -> None:
    output = tracked_run.output
    for name in ("report.html", "check.json", "config.yaml", "run.json", "export/inference.json", "export/parity.json"):
        assert (output / name).is_file(), name
    assert {path.name for path in (output / "checkpoints").iterdir()} == {"best", "step_00000030", "step_00000060"}
    facts = json.loads((output / "run.json").read_text())
    assert facts["status"] == "FINISHED"
    assert facts["run_id"] == tracked_run.run_id
    assert facts["metrics"] == tracked_run.metrics
    assert "hmean" in tracked_run._repr_html_()


def test_the_record_in_mlflow_is_whole(tracked_run: RunResult) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tracked_run.output.parent / 'mlflow.db'}")
    run = client.get_run(tracked_run.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["trainer.epochs"] == "20"
    assert run.data.tags["dataset.fingerprint"]
    assert len(client.get_metric_history(tracked_run.run_id, "val/hmean")) == 3
    artifacts = {item.path for item in client.list_artifacts(tracked_run.run_id)}
    assert {"config.yaml", "check.json", "report.html", "precision_recall.json", "export", "overlays"} <= artifacts


@pytest.mark.parametrize("which", ["run id", "run folder", "checkpoint", "export"])
def test_evaluate_gives_the_logged_number_exactly(tracked_run: RunResult, tmp_path: Path, which: str) -> None:
    output = tracked_run.output
    source = {
        "run id": tracked_run.run_id,
        "run folder": str(output),
        "checkpoint": str(output / "checkpoints" / "best"),
        "export": str(output / "export"),
    }[which]
    overrides = ["mode=evaluate", f"run={source}", f"output={tmp_path / 'e'}", "device=cpu", "quiet=true"]
    evaluated = plx_train.run([*overrides, f"tracking.uri={output.parent / 'mlflow.db'}"])

    assert evaluated.metrics["val/hmean"] == tracked_run.metrics["val/hmean"]


def test_predict_writes_boxes_and_overlays(tracked_run: RunResult, dataset: Path, tmp_path: Path) -> None:
    overrides = ["mode=predict", f"run={tracked_run.output}", f"input={dataset / 'images'}", "device=cpu", "quiet=true"]
    done = plx_train.run([*overrides, f"output={tmp_path / 'p'}"])

    predictions = json.loads((done.output / "predictions.json").read_text())
    assert len(predictions) == 8
    assert len(list((done.output / "overlays").iterdir())) == 8


def test_export_of_a_checkpoint_equals_the_runs_own(tracked_run: RunResult, tmp_path: Path) -> None:
    done = plx_train.run(
        ["mode=export", f"run={tracked_run.output}", f"output={tmp_path / 'x'}", "device=cpu", "quiet=true"]
    )

    assert done.export is not None
    assert (done.export / "inference.pdiparams").read_bytes() == (
        tracked_run.output / "export" / "inference.pdiparams"
    ).read_bytes()


def test_a_folder_that_holds_a_run_is_not_written_over(tracked_run: RunResult, dataset: Path) -> None:
    with pytest.raises(UserError, match="holds a run already"):
        train(dataset, tracked_run.output)


@pytest.mark.long
def test_benchmark_gives_every_figure(dataset: Path, tmp_path: Path) -> None:
    result = train(dataset, tmp_path / "b", "mode=benchmark")

    figures = json.loads((tmp_path / "b" / "benchmark.json").read_text())
    assert figures == result.metrics
    assert {
        "bare_step_images_per_second",
        "full_loop_images_per_second",
        "native_step_takes_times",
        "loop_overhead_percent",
        "tracking_share_percent",
        "loader_alone_images_per_second",
        "data_share_percent",
        "evaluation_images_per_second",
        "export_native_images_per_second",
        "export_onednn_images_per_second",
        "peak_memory_mib",
    } <= figures.keys()
    assert all(math.isfinite(value) for value in figures.values())


@pytest.mark.long
def test_two_runs_with_one_seed_are_equal_bit_for_bit_and_workers_change_nothing(dataset: Path, tmp_path: Path) -> None:
    first = train(dataset, tmp_path / "a")
    second = train(dataset, tmp_path / "b", "device.num_workers=2")
    other = train(dataset, tmp_path / "c", "seed=2")

    a, b, c = (weights_of(run.output) for run in (first, second, other))
    assert all(np.array_equal(a[name], b[name]) for name in a)
    assert not all(np.array_equal(a[name], c[name]) for name in a)


@pytest.mark.long
def test_the_initial_weights_win_when_training_makes_it_worse(
    tracked_run: RunResult, dataset: Path, tmp_path: Path
) -> None:
    spoilt = train(
        dataset, tmp_path / "spoilt", f"init_from={tracked_run.output}", "optimizer.lr=0.1", "optimizer.warmup=0",
        "trainer.ema_decay=null", "module.thresh=0.15", "module.box_thresh=0.15",
    )  # fmt: skip

    assert spoilt.metrics["val/hmean"] == spoilt.metrics["before/hmean"] > 0.1
    best = load_checkpoint(spoilt.output / "checkpoints" / "best")[1]
    assert best["step"] == 0


def test_a_loss_that_is_not_finite_names_step_and_files(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"step [1-9]"):
        train(
            dataset, tmp_path / "nan", "optimizer.lr=1e30", "optimizer.name=sgd", "optimizer.clip_norm=null",
            "optimizer.warmup=0", "trainer.epochs=10", "module.loss.shrink_loss=dice",
        )  # fmt: skip

    facts = json.loads((tmp_path / "nan" / "nonfinite_batch.json").read_text())
    assert any("doc" in name for name in facts["names"])
    assert json.loads((tmp_path / "nan" / "run.json").read_text())["status"] == "FAILED"


@pytest.mark.long
def test_patience_ends_a_run_that_does_not_improve(dataset: Path, tmp_path: Path) -> None:
    train(dataset, tmp_path / "p", "optimizer.lr=0", "trainer.epochs=20", "trainer.patience=2")

    state = load_checkpoint(last_checkpoint(tmp_path / "p"))[1]["loop"]
    assert (state["epoch"], state["ended_by"]) == (2, "patience")


@pytest.mark.long
def test_a_metric_stuck_at_zero_is_said_once(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(
        dataset,
        tmp_path / "zero",
        "optimizer.lr=0",
        "trainer.epochs=4",
        "module.box_thresh=0.9999",
        "module.calibrate=false",
    )

    assert capsys.readouterr().err.count("the metric was 0 in the last 3 evaluations") == 1


@pytest.mark.long
def test_max_time_ends_a_run_and_still_exports(dataset: Path, tmp_path: Path) -> None:
    result = train(dataset, tmp_path / "t", "trainer.max_time=3s", "trainer.epochs=100000")

    assert result.export is not None
    assert json.loads((tmp_path / "t" / "run.json").read_text())["seconds"] < 60


@pytest.mark.long
@pytest.mark.parametrize(
    "overrides",
    [
        ["module.loss.threshold_weight=10", "module.loss.shrink_loss=dice_bce"],
        ["trainer.accumulate_steps=3", "trainer.ema_decay=null"],
        ["optimizer.name=momentum", "optimizer.schedule=step", "optimizer.freeze=[backbone]"],
        ["optimizer.name=adam", "optimizer.schedule=linear", "optimizer.lr_scale.head=2.0"],
        ["trainer.eval_every_steps=1", "trainer.max_steps=2", "module.calibrate=false"],
    ],
    ids=["threshold", "accumulate", "freeze", "scale", "steps"],
)
def test_options_of_the_loop_work_together(dataset: Path, tmp_path: Path, overrides: list[str]) -> None:
    result = train(dataset, tmp_path / "o", *overrides)

    assert math.isfinite(result.metrics["val/hmean"])
    assert load_checkpoint(last_checkpoint(tmp_path / "o"))[1]["loop"]["step"] > 0


@pytest.mark.long
def test_frozen_parameters_stay_as_they_were(tracked_run: RunResult, dataset: Path, tmp_path: Path) -> None:
    source = tracked_run.output / "checkpoints" / "best"
    frozen = train(
        dataset, tmp_path / "f", f"init_from={source}", "optimizer.freeze=['^backbone']", "trainer.ema_decay=null",
        "trainer.max_steps=1",
    )  # fmt: skip

    before, after = load_checkpoint(source)[0]["network"], weights_of(frozen.output)
    trained = {name for name in after if not np.array_equal(before[name], after[name])}
    assert trained
    assert not any(name.startswith("backbone") for name in trained if "_mean" not in name and "_variance" not in name)


def test_a_damaged_checkpoint_is_named(tracked_run: RunResult, tmp_path: Path) -> None:
    run = shutil.copytree(tracked_run.output, tmp_path / "d")
    path = run / "checkpoints" / "best" / "network.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))

    with pytest.raises(WeightsError, match="sha256"):
        plx_train.run(["mode=evaluate", f"run={run}", f"output={tmp_path / 'e'}", "device=cpu", "quiet=true"])


def test_an_image_that_goes_away_during_training_is_an_error_in_one_sentence(tmp_path: Path) -> None:
    data = make_pages(tmp_path / "data")
    train(data, tmp_path / "first", "mode=check_dataset")
    for path in (data / "images").glob("doc0_*.png"):
        path.unlink()

    with pytest.raises(UserError, match=r"doc0_0000\.png"):
        train(data, tmp_path / "second")
