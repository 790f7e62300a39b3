"""Whole runs of a tiny recogniser: what they leave, their export's proof, and other dictionaries."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
import yaml

import plx_train
from kit.runs import train_room
from kit.text_lines import TEXTS, make_lines
from plx_train.api import RunResult
from plx_train.export.predictor import Predictor
from plx_train.ground.errors import DataError

train = partial(train_room, "text_rec")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lines(tmp_path_factory.mktemp("data") / "lines")


@pytest.fixture(scope="module")
def finished(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    output = tmp_path_factory.mktemp("runs") / "run"
    return train(dataset, output, "trainer.save_every_steps=1", "trainer.keep_last=99")


def test_a_run_leaves_an_export_with_its_dictionary_and_its_proof(finished: RunResult) -> None:
    export = finished.output / "export"
    parity = json.loads((export / "parity.json").read_text())
    assert parity["ok"] and parity["num_samples"] == 3 and not parity["processor_differences"]
    settings = yaml.safe_load((export / "inference.yml").read_text("utf-8"))
    assert settings["PostProcess"] == {"name": "CTCLabelDecode", "character_dict": ["a", "b", "c"]}
    assert {"val/accuracy", "val/similarity", "val/character_accuracy_no_space"} <= set(finished.metrics)
    assert not any(name.endswith("_official") for name in finished.metrics)


def test_the_export_reads_and_evaluates_to_the_same_figures(finished: RunResult, dataset: Path, tmp_path: Path) -> None:
    prediction = Predictor(finished.output / "export").predict(dataset / "images/val_0000.png")
    assert set(prediction.to_json()) == {"text", "score"}
    again = plx_train.run(
        ["mode=evaluate", f"run={finished.output / 'export'}", f"dataset.root={dataset}", f"output={tmp_path / 'e'}",
         "module=text_rec", "device=cpu", "tracking=off", "quiet=true"]
    )  # fmt: skip
    for name, value in again.metrics.items():
        assert value == pytest.approx(finished.metrics[name], abs=1e-6), name


def test_another_dictionary_starts_from_the_best_of_a_run(
    finished: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_lines(tmp_path / "more", (*TEXTS, "dad"), ("d", "ab"))
    result = train(root, tmp_path / "run", f"init_from={finished.output}", "quiet=false")
    assert result.exit_code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "dictionary of 4 characters, 3 of them known to the weights; new: 'd' (U+0064)" in said


def test_labels_the_dictionary_lacks_stop_a_run(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_text("a\nb\n")
    with pytest.raises(DataError):
        train(dataset, tmp_path / "run", f"module.dict={tmp_path / 'd.txt'}")


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(900)
def test_four_embedded_lines_are_learned_by_heart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = plx_train.run(
        ["module=text_rec", "debug=overfit", "device=cpu", "tracking=off", f"output={tmp_path / 'run'}"]
    )
    assert result.metrics["before/accuracy"] < 0.5
    assert result.metrics["val/accuracy"] == 1.0
    assert "yes: a model can learn these samples" in capsys.readouterr().out
