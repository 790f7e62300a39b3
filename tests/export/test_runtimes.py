"""Engines: what runs a graph, that all give the same, and that the quickest is taken only where it was measured."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit.tiny_detector import TinyDetector, draw_page
from plx_train.export import choice as engine_choice
from plx_train.export import runtimes as engines
from plx_train.export.choice import chosen_engine, write_choice
from plx_train.export.onnx_cache import check_once
from plx_train.export.predictor import Predictor
from plx_train.export.runtimes import open_model
from plx_train.export.speed import EngineSpeed, Way, measure, quickest, ways_of
from plx_train.export.static_model import StaticModel
from plx_train.export.write import write_export
from plx_train.ground.errors import ConfigError, UserError
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.pipelines.freeze import _copy_model
from plx_train.runs.folder import CHOICE_FILE

SAMPLE = (np.random.default_rng(0).random((1, 3, 64, 96), np.float32),)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    module = TinyDetector()
    write_export(module, module.processor, tmp_path / "export", "PP-OCRv4_mobile_det", {})
    return tmp_path / "export"


@pytest.fixture
def without_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_is_installed", lambda package: False)


def test_a_measured_engine_is_taken_by_its_threads(folder: Path, without_onnx: None) -> None:
    assert open_model(folder, "cpu", 1, "auto", SAMPLE)[1] == "paddle"

    write_choice(folder, {1: "native", 4: "paddle"}, [])

    assert [chosen_engine(folder, threads) for threads in (1, 2, 3, 4, 8)] == ["native"] * 2 + ["paddle"] * 3
    model, name = open_model(folder, "cpu", 1, "auto", SAMPLE)
    assert name == "native" and isinstance(model, StaticModel) and not model.onednn
    assert Predictor(folder, threads=1, engine="auto").engine == "native"
    assert Predictor(folder).engine == "paddle"


@pytest.mark.parametrize(
    ("name", "value"), [("cpu", lambda: engine_choice.Cpu("other", "", frozenset())), ("usable_cores", lambda: 99),
                        ("_version", lambda package: "0.1")]
)  # fmt: skip
def test_what_was_measured_elsewhere_is_not_taken(
    folder: Path, without_onnx: None, monkeypatch: pytest.MonkeyPatch, name: str, value: Any
) -> None:
    write_choice(folder, {1: "native"}, [])
    monkeypatch.setattr(engine_choice, name, value)
    assert chosen_engine(folder, 1) is None
    assert open_model(folder, "cpu", 1, "auto", SAMPLE)[1] == "paddle"


def test_what_was_measured_on_another_graph_is_not_taken(folder: Path) -> None:
    write_choice(folder, {1: "native"}, [])
    parameters = folder / "inference.pdiparams"
    parameters.write_bytes(parameters.read_bytes()[:-1] + b"\x01")
    assert chosen_engine(folder, 1) is None


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Engines that are opened, the ones of ONNX at once, Paddle with a wait before each answer; a cache of its own."""
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(engines, "_is_installed", lambda package: True)
    found: list[str] = []

    def opened(folder: Path, device: str, threads: int, engine: str, sample: Any) -> Any:
        found.append(engine)
        if engine == "onnx":
            raise UserError("no conversion")
        return lambda *inputs: time.sleep(0.02 if engine == "paddle" else 0.002)

    monkeypatch.setattr(engines, "_opened", opened)
    return found


def test_where_none_was_measured_the_quickest_of_a_trial_is_taken_and_kept(folder: Path, tried: list[str]) -> None:
    assert open_model(folder, "cpu", 1, "auto", SAMPLE)[1] == "openvino"
    assert tried == ["paddle", "onnx", "openvino"], "what can't be converted takes no part"
    assert open_model(folder, "cpu", 1, "auto", SAMPLE)[1] == "openvino"
    assert tried[3:] == ["openvino"], "the trial is not repeated"
    open_model(folder, "cpu", 2, "auto", SAMPLE)
    assert tried[4:] == ["paddle", "onnx", "openvino"], "other threads are another trial"
    open_model(folder, "cpu", 1, "auto", SAMPLE)
    assert tried[7:] == ["openvino"], "which the first survives"


def test_what_was_measured_counts_before_a_trial(folder: Path, tried: list[str]) -> None:
    open_model(folder, "cpu", 1, "auto", SAMPLE)
    write_choice(folder, {1: "paddle"}, [])
    assert open_model(folder, "cpu", 1, "auto", SAMPLE)[1] == "paddle"
    assert tried[3:] == ["paddle"]


def test_a_trial_that_cannot_be_kept_is_made_again(
    folder: Path, tried: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "file"))
    for _ in range(2):
        assert open_model(folder, "cpu", 1, "auto", SAMPLE)[1] == "openvino"
    assert len(tried) == 6


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"quickest": 3}', "[" * 100_000])
def test_a_damaged_choice_is_none(folder: Path, content: str) -> None:
    (folder / CHOICE_FILE).write_text(content)
    assert chosen_engine(folder, 1) is None


@pytest.mark.parametrize("name", ["auto", "os.system", 3])
def test_a_choice_names_only_engines(folder: Path, without_onnx: None, name: Any) -> None:
    path = write_choice(folder, {1: "native"}, [])
    path.write_text(json.dumps(json.loads(path.read_text()) | {"quickest": {"1": name}}))
    assert open_model(folder, "cpu", 1, "auto", SAMPLE)[1] == "paddle"


def test_a_choice_that_fails_leaves_it_to_paddle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(folder: Path, sample: Any) -> Path:
        raise UserError("no conversion")

    write_choice(folder, {1: "openvino"}, [])
    monkeypatch.setattr(engines, "onnx_folder", fails)
    assert open_model(folder, "cpu", 1, "auto", SAMPLE)[1] == "paddle"
    with pytest.raises(UserError, match="no conversion"):
        open_model(folder, "cpu", 1, "openvino", SAMPLE)


def test_a_frozen_pipeline_does_not_carry_it(folder: Path, tmp_path: Path) -> None:
    write_choice(folder, {1: "native"}, [])
    _copy_model(folder, tmp_path / "frozen")
    assert (tmp_path / "frozen" / "inference.json").is_file()
    assert not (tmp_path / "frozen" / CHOICE_FILE).exists()


def test_a_folder_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"engine\.json can't be written"):
        write_choice(tmp_path / "nothing", {}, [])


@pytest.mark.parametrize(("engine", "device", "message"), [
    ("tensorrt", "cpu", "engine=tensorrt does not exist; there are auto, paddle, native, onnx, openvino"),
    ("openvino", "gpu", "engine=openvino runs on a CPU only, not on gpu"),
])  # fmt: skip
def test_engines_that_are_not_there(folder: Path, engine: str, device: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        open_model(folder, device, 1, engine, SAMPLE)
    assert caught.value.exit_code == 2


def work(value: float) -> Any:
    return lambda inputs: [np.full((2, 2), value)]


def test_each_engine_is_timed_and_compared_with_the_first() -> None:
    works = {"native": work(1), "paddle": work(1.0005), "onnx": work(1.1), "openvino": work(np.nan)}
    speeds = measure(works, TextDetProcessor(), [SAMPLE, SAMPLE], Way(1, 2), 1e-3, rounds=3)

    assert [speed.engine for speed in speeds] == ["native", "paddle", "onnx", "openvino"]
    assert [speed.agrees for speed in speeds] == [True, True, False, False]
    assert all(len(speed.milliseconds) == 3 and speed.median > 0 for speed in speeds)


def test_the_quickest_that_agrees_is_chosen_for_each_number_of_threads() -> None:
    def speed(engine: str, threads: int, milliseconds: float, difference: float = 0.0) -> EngineSpeed:
        return EngineSpeed(engine, Way(threads, 1), (9.0, milliseconds, 0.1), difference, 1e-3)

    alone = [speed("native", 1, 4), speed("paddle", 1, 2), speed("onnx", 1, 1, 0.1), speed("openvino", 1, 1, np.nan)]
    together = [speed("native", 4, 4), speed("paddle", 4, 5)]
    assert quickest([*alone, *together]) == {1: "paddle", 4: "native"}


def test_one_engine_that_gives_another_shape_does_not_agree() -> None:
    works = {"native": work(1), "paddle": lambda inputs: [np.ones((2, 3))]}
    assert [speed.agrees for speed in measure(works, TextDetProcessor(), [SAMPLE], Way(1, 1), 1.0, 1)] == [True, False]


def test_ways_are_lines_side_by_side_and_all_cores_for_one() -> None:
    assert ways_of(1) == [Way(1, 1)]
    assert ways_of(4) == [Way(1, 4), Way(4, 1)]
    assert [str(way) for way in ways_of(4)] == ["1 thread, 4 at once", "4 threads"]


@pytest.mark.parametrize("engine", ["native", "onnx", "openvino"])
def test_engines_agree_on_changing_sizes_from_several_threads(
    folder: Path, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in {"onnx": ("paddle2onnx", "onnxruntime"), "openvino": ("paddle2onnx", "openvino")}.get(engine, ()):
        pytest.importorskip(package)
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    model, name = open_model(folder, "cpu", 1, engine, SAMPLE)
    reference = StaticModel(folder, threads=1)
    rng = np.random.default_rng(1)
    given = [rng.random((1, 3, 32 * (1 + index % 5), 32 * (1 + index % 3)), np.float32) for index in range(16)]

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(model, given))

    assert name == engine
    for one, (output,) in zip(given, found, strict=True):
        assert output.dtype == np.float32
        assert np.abs(output - reference(one)[0]).max() < 1e-3
    kept = found[0][0].copy()
    model(given[1])
    assert np.array_equal(found[0][0], kept), "outputs are the caller's, not the engine's memory"


def test_openvino_predicts_what_paddle_does(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("paddle2onnx")
    pytest.importorskip("openvino")
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    page, _ = draw_page(np.random.default_rng(3))
    predictor = Predictor(folder, threads=1, engine="openvino")
    assert predictor.engine == "openvino" and "OpenVINO" in predictor._repr_html_()
    assert np.array_equal(predictor.predict(page).quads, Predictor(folder).predict(page).quads)


def test_an_engine_that_does_something_else_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    wrong, right = (lambda *inputs: [np.zeros((1, 1, 64, 96), np.float32)]), StaticModel(folder)
    for model, package in ((wrong, "numpy"), (lambda *inputs: [np.full((1, 1, 64, 96), np.nan)], "numpy")):
        with pytest.raises(UserError, match=r"by numpy differs by .*take engine=paddle"):
            check_once(folder, model, package, SAMPLE)
    check_once(folder, right, "numpy", SAMPLE)
    check_once(folder, wrong, "numpy", SAMPLE)  # it passed before, so nothing is run


def test_without_openvino_there_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "openvino", None)
    (folder / "inference.onnx").write_bytes(b"")
    with pytest.raises(UserError, match=r"needs the extra openvino: run pip install 'plx_train\[openvino\]'"):
        open_model(folder, "cpu", 1, "openvino", SAMPLE)
