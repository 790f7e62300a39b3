"""Whole runs of a tiny classifier on tiny files: what they leave, other classes, and what is made of exports."""

from __future__ import annotations

import csv
import json
import shutil
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

import plx_train
from kit.rooms import tiny_room
from kit.runs import train_room
from plx_train.api import RunResult
from plx_train.registry.candidate import read_candidate
from plx_train.runs.exported import file_hashes
from plx_train.vision.image import read_image

NAMES = ("red", "green", "blue")
make_dataset = tiny_room("image_cls").make_dataset
train = partial(train_room, "image_cls")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("data") / "colours")


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    output = tmp_path_factory.mktemp("runs") / "first"
    longer = ("trainer.epochs=20", "trainer.eval_every_epochs=4", "optimizer.lr=5e-3", "module.augment.mixup=0")
    return train(dataset, output, *longer)


@pytest.mark.long
def test_colours_are_learned_and_the_export_is_proven(trained: RunResult) -> None:
    assert trained.metrics["val/accuracy"] >= trained.metrics["before/accuracy"] + 0.2
    folder = trained.output / "export"
    assert json.loads((folder / "parity.json").read_text())["ok"]
    settings = yaml.safe_load((folder / "inference.yml").read_text())
    assert settings["PostProcess"]["Topk"] == {"topk": 3, "label_list": list(NAMES)}
    assert settings["Global"]["model_name"] == "PP-LCNet_x1_0"


@pytest.mark.long
def test_new_classes_begin_with_what_the_weights_see(trained: RunResult, dataset: Path, tmp_path: Path) -> None:
    named = shutil.copytree(dataset, tmp_path / "data")
    (named / "label.txt").write_text("0 fire\n1 grass\n2 water\n")
    ask = (f"weights={trained.output}", "trainer.epochs=1", "module.calibrate=false", "seed=2")
    random = train(named, tmp_path / "random", *ask, "module.first_head=false")
    fitted = train(named, tmp_path / "fitted", *ask)
    assert fitted.metrics["before/accuracy"] > max(random.metrics["before/accuracy"] + 0.2, 0.8)
    # Classes that the weights know stay what they are.
    known = train(dataset, tmp_path / "known", *ask)
    assert known.metrics["before/accuracy"] == pytest.approx(trained.metrics["val/accuracy"])
    again = plx_train.run(["mode=reproduce", f"run={fitted.output}", f"output={tmp_path / 'again'}", "quiet=true"])
    assert again.exit_code == 0


def test_figures_per_class_lie_beside_the_report(trained: RunResult) -> None:
    classes = json.loads((trained.output / "classes.json").read_text())
    assert [row["name"] for row in classes] == list(NAMES) and all(row["samples"] == 3 for row in classes)
    rows = list(csv.reader((trained.output / "confusion.csv").open()))
    counts = np.asarray([row[1:] for row in rows[1:]], int)
    assert rows[0][1:] == list(NAMES) and counts.sum() == 9
    assert counts.trace() / 9 == pytest.approx(trained.metrics["val/accuracy"])


@pytest.mark.long
def test_an_export_predicts_names_and_shares(trained: RunResult, dataset: Path) -> None:
    predictor = plx_train.Predictor(trained.output / "export")
    assert predictor.module == "image_cls"
    prediction = predictor.predict(dataset / "images/val_0.png")
    assert prediction.names[0] in NAMES and prediction.scores.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.long
def test_new_classes_keep_what_is_known(trained: RunResult, dataset: Path, tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "more")
    (root / "label.txt").write_text("0 red\n1 lime\n2 blue\n")
    result = train(root, tmp_path / "run", f"init_from={trained.output}", "trainer.epochs=1")
    assert result.metrics["before/top5"] == 1


@pytest.mark.long
def test_turned_images_train_themselves(dataset: Path, tmp_path: Path) -> None:
    result = train(dataset, tmp_path / "run", "module=textline_ori", "module.size=[32,16]", "dataset.limit=6")
    settings = yaml.safe_load((tmp_path / "run" / "export" / "inference.yml").read_text())
    assert settings["PostProcess"]["Topk"]["label_list"] == ["0_degree", "180_degree"]
    assert settings["Global"]["model_name"] == "PP-LCNet_x0_25_textline_ori"
    assert 0 <= result.metrics["val/accuracy"] <= 1


def of_export(mode: str, trained: RunResult, tmp_path: Path, *overrides: str) -> RunResult:
    run = trained.output / ".." / trained.output.name
    given = (f"run={run}", f"output={tmp_path / mode}", "device=cpu", "tracking=off", *overrides)
    return plx_train.run([f"mode={mode}", *given])


@pytest.mark.long
def test_engines_are_measured_and_the_quickest_is_noted(
    trained: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    folder = trained.output / "export"
    before = file_hashes(folder)

    result = of_export("benchmark", trained, tmp_path)

    shown = capsys.readouterr().out
    assert "Paddle, oneDNN" in shown and "chosen" in shown and "made-up" not in shown
    assert result.export and result.export.resolve() == folder.resolve()
    choice = json.loads((folder / "engine.json").read_text())
    for threads, engine in choice["quickest"].items():
        agreeing = [one for one in choice["figures"] if one["threads"] == int(threads) and one["agrees"]]
        assert engine == min(agreeing, key=lambda one: one["median_ms"])["engine"]
        assert plx_train.Predictor(folder, threads=int(threads), engine="auto").engine == engine
    assert file_hashes(folder) == before and read_candidate(folder, None).parity_fault is None


@pytest.mark.long
def test_engines_are_measured_without_the_dataset(
    trained: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = shutil.copytree(trained.output / "export", tmp_path / "alone")
    given = (f"run={export}", "module=image_cls", f"dataset.root={tmp_path / 'gone'}", f"output={tmp_path / 'b'}")
    plx_train.run(["mode=benchmark", *given, "device=cpu", "tracking=off"])
    assert "measured on a made-up sample" in capsys.readouterr().err
    assert (export / "engine.json").is_file()


@pytest.mark.long
def test_engines_are_measured_on_weights_of_a_run(trained: RunResult, dataset: Path, tmp_path: Path) -> None:
    result = train(dataset, tmp_path / "b", "mode=benchmark", f"weights={trained.output}")
    assert result.export and (result.export / "engine.json").is_file()
    assert result.export.is_relative_to(tmp_path)


def test_int8_is_written_judged_and_evaluated(
    trained: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("paddle2onnx")
    pytest.importorskip("onnxruntime.quantization")
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    result = of_export("quantize", trained, tmp_path, "quantize.tolerance=0", "quantize.samples=12")

    assert result.export == trained.output / "export_int8"
    assert not list(trained.output.glob(".export_int8*"))
    report = json.loads((result.export / "quantized.json").read_text())
    assert report["fp32"] == pytest.approx(trained.metrics["val/accuracy"])
    assert report["lost"] == pytest.approx(report["fp32"] - min(report["int8"].values()))
    assert report["files"] == file_hashes(result.export)
    assert report["is_bearable"] == (report["lost"] <= 0)
    assert ("more than quantize.tolerance=0" in capsys.readouterr().err) == (report["lost"] > 0)
    evaluated = plx_train.run(
        [
            "mode=evaluate",
            f"run={result.export}",
            f"output={tmp_path / 'e'}",
            "device=cpu",
            "tracking=off",
            "quiet=true",
        ]
    )
    assert evaluated.metrics["val/accuracy"] in [pytest.approx(value) for value in report["int8"].values()]
    plx_train.run(["mode=benchmark", f"run={result.export}", f"output={tmp_path / 'b'}", "device=cpu", "tracking=off"])
    assert set(json.loads((result.export / "engine.json").read_text())["quickest"].values()) <= set(report["int8"])
    with pytest.raises(plx_train.UserError, match="is an int8 export already"):
        plx_train.run(["mode=quantize", f"run={result.export}", "device=cpu"])


@pytest.mark.long
def test_a_model_remembers_what_transparent_pixels_lay_on(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "data")
    for path in (root / "images").iterdir():
        colour = cv2.imread(str(path))
        cv2.imwrite(str(path), np.dstack([colour, np.full(colour.shape[:2], 90, np.uint8)]))
    run = train(root, tmp_path / "run", "dataset.background=black", "trainer.epochs=1")
    assert json.loads((run.output / "export/parity.json").read_text())["ok"]
    picture = root / "images/val_0.png"
    predictor = plx_train.Predictor(run.output / "export")
    assert predictor.processor.background == "black"
    seen = predictor.processor.as_input(picture)
    assert np.array_equal(seen, read_image(picture, background="black")) and seen.mean() < read_image(picture).mean()
    again = plx_train.run(["mode=evaluate", f"run={run.output}", "device=cpu", "quiet=true", "tracking=off"])
    assert again.metrics["val/accuracy"] == pytest.approx(run.metrics["val/accuracy"])
