"""Weights without the run that made them: evaluated, exported and predicted with, or refused in a sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import pytest

import plx_train
from kit.pages import make_pages, train
from kit.rooms import tiny_room
from kit.runs import EVERY_TINY_RUN
from plx_train.api import RunResult
from plx_train.ground.errors import ConfigError, UserError, WeightsError
from plx_train.registry.candidate import read_candidate

OF_THE_NETWORK = tuple(
    text for text in tiny_room("text_det").overrides if text.startswith("module.") and "crop_size" not in text
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("data") / "pages")


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return train(
        dataset, tmp_path_factory.mktemp("runs") / "run", "trainer.epochs=20", "trainer.eval_every_epochs=10",
        "optimizer.lr=5e-3", "module.augment.scale=[0.95,1.05]", "module.thresh=0.15", "module.box_thresh=0.15",
    )  # fmt: skip


@pytest.fixture(scope="module")
def weights(trained: RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network's tensors alone, as somebody would hand them on."""
    (tensors,) = (trained.output / "checkpoints" / "best").glob("network*.safetensors")
    return Path(shutil.copy(tensors, tmp_path_factory.mktemp("weights") / "page.safetensors"))


@pytest.fixture(scope="module")
def settings(trained: RunResult) -> tuple[str, ...]:
    """The network's options, and what the run's post-processing was calibrated to."""
    calibrated = json.loads((trained.output / "run.json").read_text())["processor"]
    names = ("thresh", "box_thresh", "unclip_ratio")
    return (*OF_THE_NETWORK, *(f"module.{name}={calibrated[name]}" for name in names))


def of_weights(mode: str, weights: Path, settings: tuple[str, ...], output: Path, *overrides: str) -> RunResult:
    given = ("module=text_det", f"weights={weights}", f"output={output}", *EVERY_TINY_RUN[:-1], *settings)
    return plx_train.run([f"mode={mode}", *given, *overrides])


@pytest.mark.long
def test_weights_alone_reach_what_their_run_reached_with_the_same_settings(
    trained: RunResult, weights: Path, settings: tuple[str, ...], dataset: Path, tmp_path: Path
) -> None:
    found = of_weights("evaluate", weights, settings, tmp_path / "e", f"dataset.root={dataset}").metrics
    assert found["val/hmean"] == trained.metrics["val/hmean"] > 0
    assert json.loads((tmp_path / "e" / "metrics.json").read_text()) == found


@pytest.mark.long
def test_an_export_of_weights_alone_is_proven_and_says_what_it_is_of(
    weights: Path, settings: tuple[str, ...], dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = of_weights("export", weights, settings, tmp_path / "x", f"dataset.root={dataset}")
    assert result.export == tmp_path / "x" / "export" and "proof" in capsys.readouterr().out
    candidate = read_candidate(result.export, None)
    assert candidate.parity_fault is None and candidate.weights == str(weights)
    assert candidate.measurement and candidate.measurement.value == result.metrics["val/hmean"]
    # And from there on it is an export like any other.
    page = next((dataset / "images").iterdir())
    of_export = plx_train.run(
        ["mode=predict", f"run={result.export}", f"input={page}", f"output={tmp_path / 'p'}", *EVERY_TINY_RUN]
    )
    of_file = of_weights("predict", weights, settings, tmp_path / "q", f"input={page}")
    assert of_file.metrics == of_export.metrics == {"files": 1.0}
    assert "as they are" in capsys.readouterr().out
    first, second = (json.loads((tmp_path / name / "predictions.json").read_text()) for name in "pq")
    assert first == second
    left = {path.name for path in (tmp_path / "q").iterdir()}
    assert left == {"config.yaml", "overlays", "predictions.json", "run.lock"}


@pytest.mark.long
def test_engines_are_measured_on_an_export_of_weights_alone(
    weights: Path, settings: tuple[str, ...], dataset: Path, tmp_path: Path
) -> None:
    result = of_weights("benchmark", weights, settings, tmp_path / "b", f"dataset.root={dataset}", "dataset.limit=1")
    assert result.export == tmp_path / "b" / "export" and (result.export / "engine.json").is_file()


@pytest.mark.long
def test_engines_are_measured_on_the_data_that_weights_were_exported_with(
    weights: Path, settings: tuple[str, ...], dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # They are open already: a second time is not needed.
    monkeypatch.delattr("plx_train.workflow.measure.open_data")
    result = of_weights("benchmark", weights, settings, tmp_path / "run", f"dataset.root={dataset}")
    assert result.export == tmp_path / "run" / "export"


def test_a_run_that_weights_name_is_that_run(trained: RunResult, tmp_path: Path) -> None:
    given = (f"weights={trained.output}", f"output={tmp_path / 'e'}", *EVERY_TINY_RUN)
    metrics = plx_train.run(["mode=evaluate", *given]).metrics
    assert all(trained.metrics[name] == value for name, value in metrics.items())


def test_a_figure_of_other_data_is_not_compared(
    trained: RunResult, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def table(*overrides: str) -> str:
        plx_train.run(
            ["mode=evaluate", f"run={trained.output}", f"output={tmp_path / 'e'}", *EVERY_TINY_RUN[:-1], *overrides]
        )
        return capsys.readouterr().out

    same = table()
    assert "equal" in same and "other data" not in same
    moved = Path(shutil.copytree(dataset, tmp_path / "moved"))
    assert "other data" not in table(f"dataset.root={moved}"), "the same data in another folder"
    for changed in (table("dataset.limit=1"), table(f"dataset.root={make_pages(tmp_path / 'other', 3, 3)}")):
        assert "other data" in changed and "differs" not in changed and "equal" not in changed


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        (("mode=evaluate",), ConfigError, r"mode=evaluate needs run=<.*>, or weights=<name, file or folder>"),
        (("mode=export", "weights=null"), ConfigError, "with weights=null the network is untrained"),
        (("mode=evaluate", "run=a", "weights=b.pdparams"), ConfigError, "run=a and weights=b.pdparams are two models"),
        (("mode=evaluate", "weights=PP-OCRv4_mobile_rec"), ConfigError, "give module=text_rec"),
        (("mode=evaluate", "weights=PP-OCRv4_mobil_det"), WeightsError, "did you mean 'PP-OCRv4_mobile_det'"),
        (("mode=evaluate", "weights=none.pdparams"), WeightsError, "there is no such file or folder"),
        (("mode=predict", "module=ts_forecast", "input=."), ConfigError, "no weights are published for module=ts_fore"),
        (("mode=predict", "module=image_cls", "input=."), UserError, "don't say what their classes are"),
        (("mode=evaluate", "module=ts_cls", "weights=a.pdparams"), UserError, "facts of its training data"),
    ],
)
def test_what_is_no_model_has_a_sentence(
    given: tuple[str, ...], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=sentence):
        plx_train.run([*given, f"output={tmp_path / 'o'}", *EVERY_TINY_RUN])


def test_a_head_of_other_classes_is_not_evaluated_at_random(tmp_path: Path) -> None:
    import paddle

    from plx_train.nn.classifiers import build_classifier

    data = tiny_room("image_cls").make_dataset(tmp_path / "data")
    classes = len((data / "label.txt").read_text().splitlines())

    def evaluated(number: int) -> RunResult:
        network = build_classifier("PP-LCNet_x0_25", number, 2, 0.2)
        paddle.save(network.state_dict(), str(tmp_path / f"{number}.pdparams"))
        given = (f"weights={tmp_path / f'{number}.pdparams'}", "module.network=PP-LCNet_x0_25", "module.size=[32,32]")
        return plx_train.run(
            ["mode=evaluate", "module=image_cls", f"dataset.root={data}", f"output={tmp_path / 'e'}", *EVERY_TINY_RUN,
             *given, "module.resize_short=null"]
        )  # fmt: skip

    assert 0 <= evaluated(classes).metrics["val/accuracy"] <= 1
    with pytest.raises(WeightsError, match="can't be used as they are by module=image_cls"):
        evaluated(classes + 1)


@pytest.mark.long
@pytest.mark.network
def test_published_weights_are_told_and_read_without_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np

    line = np.full((48, 320, 3), 255, np.uint8)
    cv2.putText(line, "12345", (10, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2, cv2.LINE_AA)
    cv2.imwrite(str(tmp_path / "line.png"), line)
    given = (f"input={tmp_path / 'line.png'}", f"output={tmp_path / 'p'}", *EVERY_TINY_RUN[:-1])
    plx_train.run(["mode=predict", "module=text_rec", *given])
    assert "PP-OCRv4_mobile_rec, as they are, the published ones: neither run=" in capsys.readouterr().out
    assert json.loads((tmp_path / "p" / "predictions.json").read_text())["line.png"]["text"] == "12345"
