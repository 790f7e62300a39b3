"""The first evaluation of known weights on known data is remembered, to the bit, and of nothing else."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit.rooms import tiny_room
from kit.runs import arguments_of, assert_same, train_room
from plx_train.config.compose import compose_run
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import Module
from plx_train.train.first_evaluation import FirstEvaluation, digest_of
from plx_train.workflow import measured_before
from plx_train.workflow.dataset import NEW, RunData, check
from plx_train.workflow.device import start_device
from plx_train.workflow.measured_before import first_evaluation

ROOM = "image_cls"
SHORT = ("trainer.max_steps=2", "trainer.epochs=null")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_room(ROOM).make_dataset(tmp_path_factory.mktemp("data") / "colours")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Evaluation | None]:
    """What was found of each run that looks."""
    found: list[Evaluation | None] = []
    look = FirstEvaluation.find

    def find(self: FirstEvaluation, module: Module[Any]) -> Evaluation | None:
        found.append(look(self, module))
        return found[-1]

    monkeypatch.setattr(FirstEvaluation, "find", find)
    return found


@pytest.mark.long
def test_a_second_run_begins_with_the_numbers_of_the_first(
    dataset: Path, tmp_path: Path, asked: list[Evaluation | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    first = train_room(ROOM, dataset, tmp_path / "first", *SHORT)
    second = train_room(ROOM, dataset, tmp_path / "second", *SHORT)
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "empty"))
    computed = train_room(ROOM, dataset, tmp_path / "computed", *SHORT)

    assert [found is not None for found in asked] == [False, True, False]
    assert_same(second.output, computed.output)
    assert first.metrics == second.metrics == computed.metrics


@pytest.mark.long
def test_weights_that_stay_the_best_are_shown_with_their_samples(
    dataset: Path, tmp_path: Path, asked: list[Evaluation | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    worse = ("trainer.min_delta=2",)
    first = train_room(ROOM, dataset, tmp_path / "first", *SHORT, *worse)
    second = train_room(ROOM, dataset, tmp_path / "second", *SHORT, *worse)

    assert [found is not None for found in asked] == [False, True]
    names = sorted(path.name for path in (first.output / "overlays").iterdir())
    assert names
    assert sorted(path.name for path in (second.output / "overlays").iterdir()) == names
    assert first.metrics == second.metrics


def _opened(dataset: Path, folder: Path, *overrides: str) -> tuple[FirstEvaluation, Module[Any]]:
    """Where the first evaluation of a run is looked for, and its module."""
    options = compose_run(arguments_of(ROOM, dataset, folder / "run", *overrides)).options
    folder.mkdir(exist_ok=True)
    processor, checked = check(options, folder, NEW)
    assert processor is not None
    device = start_device(options)
    data = RunData(measured_before.load_room(ROOM), processor, checked)
    module = data.build(options, is_fine_tuning=False)
    return first_evaluation(options, module, checked.report.fingerprint, device), module


def _kept(dataset: Path, folder: Path) -> tuple[FirstEvaluation, Module[Any], Evaluation]:
    where, module = _opened(dataset, folder)
    evaluation = Evaluation({"accuracy": 0.1 + 0.2}, module.processor, (), ((1 / 3, 1.0),), 0.7)
    where.keep(module, evaluation)
    return where, module, evaluation


def test_it_is_read_to_the_bit(dataset: Path, tmp_path: Path) -> None:
    where, module, evaluation = _kept(dataset, tmp_path)

    assert where.find(module) == evaluation
    assert _opened(dataset, tmp_path)[0].find(module) == evaluation


def test_other_weights_are_asked_anew(dataset: Path, tmp_path: Path) -> None:
    where, module, _ = _kept(dataset, tmp_path)
    before, tensor = digest_of(module), module.network.parameters()[0]
    value = tensor.numpy()
    value.flat[0] = np.nextafter(value.flat[0], np.float32(np.inf))
    tensor.set_value(value)

    assert digest_of(module) != before
    assert where.find(module) is None


@pytest.mark.parametrize(
    "change",
    [
        "module.size=[16,24]",
        "dataset.limit=5",
        "dataset.background=black",
        "seed=9",
        "device.conv_backend=native",
    ],
)
def test_other_options_are_asked_anew(dataset: Path, tmp_path: Path, change: str) -> None:
    _, module, _ = _kept(dataset, tmp_path)

    assert _opened(dataset, tmp_path, change)[0].find(module) is None


@pytest.mark.parametrize("change", ["optimizer.lr=0.5", "trainer.epochs=7", "dataset.cache_mb=1", "quiet=false"])
def test_what_changes_nothing_of_it_is_not_asked(dataset: Path, tmp_path: Path, change: str) -> None:
    _, module, evaluation = _kept(dataset, tmp_path)

    assert _opened(dataset, tmp_path, change)[0].find(module) == evaluation


def test_other_data_are_asked_anew(dataset: Path, tmp_path: Path) -> None:
    _, module, evaluation = _kept(dataset, tmp_path / "a")
    copy = tmp_path / "copy"
    shutil.copytree(dataset, copy)

    assert _opened(copy, tmp_path / "b")[0].find(module) == evaluation
    lines = (copy / "val.txt").read_text().splitlines()
    (copy / "val.txt").write_text("\n".join([lines[0].replace(" 0", " 1"), *lines[1:]]) + "\n")
    assert _opened(copy, tmp_path / "c")[0].find(module) is None


def test_other_code_and_variables_are_asked_anew(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, module, _ = _kept(dataset, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(measured_before, "_code", lambda folder: "other")
        assert _opened(dataset, tmp_path)[0].find(module) is None
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert _opened(dataset, tmp_path)[0].find(module) is None


def test_code_is_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    before = measured_before._code.__wrapped__(tmp_path)
    (tmp_path / "a.py").write_text("x = 2\n")

    assert measured_before._code.__wrapped__(tmp_path) != before


def test_what_may_differ_by_chance_is_not_remembered(dataset: Path, tmp_path: Path) -> None:
    assert _opened(dataset, tmp_path, "deterministic=false")[0].key is None


def test_what_is_kept_and_can_not_be_read_is_measured_anew(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    where, module, evaluation = _kept(dataset, tmp_path)
    for path in (tmp_path / "cache" / "datasets" / "reports").iterdir():
        content = json.loads(path.read_text())
        if content["report"].get("metrics"):
            path.write_text(json.dumps(content | {"report": {"metrics": {}, "processor": {"no": "field"}}}))
    assert where.find(module) is None

    where.keep(module, replace(evaluation, curve=(("no", object()),)))
    assert where.find(module) is None
