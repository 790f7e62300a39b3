"""What every room of the package does, found by being there: a new one needs a ``tiny.py`` beside its tests."""

from __future__ import annotations

import contextlib
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plx_train
from kit.rooms import TinyRoom, own_rooms, tiny_room
from kit.runs import as_if_killed, assert_same, train_room
from plx_train.api import RunResult
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.option import options_of
from plx_train.contract.rooms import options_class
from plx_train.ground.errors import DataError
from plx_train.metrics.evaluate import evaluate
from plx_train.train.checkpoints import step_checkpoints
from plx_train.workflow import evaluation as evaluating

BY_HEART = (
    *("debug=overfit", "trainer.epochs=1000", "trainer.eval_every_epochs=null", "trainer.patience=null"),
    *("trainer.log_every_steps=10", "dataset.holdout_share=0.0", "quiet=false"),
)
BOTH = ("drawn", "learned")


@pytest.fixture(scope="module", params=own_rooms())
def room(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def tiny(room: str) -> TinyRoom:
    return tiny_room(room)


@pytest.fixture(scope="module")
def dataset(room: str, tiny: TinyRoom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_dataset(tmp_path_factory.mktemp(room) / "data")


@pytest.fixture(scope="module")
def drawn(room: str, tiny: TinyRoom, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A run of few steps, in which all is drawn at random that can be; it kept many checkpoints."""
    every = ("trainer.save_every_steps=2", "trainer.keep_last=99")
    return train_room(room, dataset, tmp_path_factory.mktemp(room) / "drawn", *every, *tiny.drawn)


@pytest.fixture(scope="module")
def learned(
    room: str, tiny: TinyRoom, dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunResult, str]:
    """A run that learns four samples by heart, and what it said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        result = train_room(room, dataset, tmp_path_factory.mktemp(room) / "learned", *BY_HEART, *tiny.by_heart)
    return result, said.getvalue()


@pytest.fixture(scope="module")
def runs(drawn: RunResult, learned: tuple[RunResult, str]) -> dict[str, RunResult]:
    """Both: that of a network that knows little, and of one that is right."""
    return {"drawn": drawn, "learned": learned[0]}


@dataclass(frozen=True)
class Judged:
    """What mode=evaluate says of an export, and what it said that of."""

    metrics: dict[str, float]
    evaluation: Evaluation
    module: Any
    val: Any


@pytest.fixture(scope="module")
def judged(runs: dict[str, RunResult], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judged]:
    """The exports of both runs, evaluated."""
    folder = tmp_path_factory.mktemp("judged")
    return {which: judge(run.output / "export", folder / which) for which, run in runs.items()}


def judge(export: Path, output: Path) -> Judged:
    seen: list[tuple[Any, Any, Evaluation]] = []

    def watched(module: Any, engine: Any, val: Any, *others: Any) -> Evaluation:
        seen.append((module, val, evaluate(module, engine, val, *others)))
        return seen[-1][2]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluating, "evaluate", watched)
        metrics = metrics_of(export, output)
    ((module, val, evaluation),) = seen
    return Judged(metrics, evaluation, module, val)


def metrics_of(source: Path, output: Path) -> dict[str, float]:
    """What mode=evaluate says of a run or an export."""
    given = ["mode=evaluate", f"run={source}", f"output={output}", "device=cpu", "tracking=off", "quiet=true"]
    return plx_train.run(given).metrics


@pytest.mark.long
def test_four_samples_are_learned_by_heart(learned: tuple[RunResult, str]) -> None:
    result, said = learned
    assert "yes: a model can learn these samples" in said, result.metrics


@pytest.mark.parametrize("which", BOTH)
def test_the_export_is_proven(which: str, runs: dict[str, RunResult]) -> None:
    parity = json.loads((runs[which].output / "export" / "parity.json").read_text())
    assert parity["ok"] and parity["num_samples"] > 0
    assert {engine["name"] for engine in parity["engines"]} >= {"native", "onednn"}
    assert parity["expected"] == pytest.approx(runs[which].metrics[f"val/{parity['monitor']}"])
    assert (runs[which].output / "export" / "inference.yml").is_file()


@pytest.mark.parametrize("which", BOTH)
def test_evaluation_of_a_run_gives_what_was_logged(which: str, runs: dict[str, RunResult], tmp_path: Path) -> None:
    found = metrics_of(runs[which].output, tmp_path / "evaluated")

    assert found and found == {name: value for name, value in runs[which].metrics.items() if name.startswith("val/")}


@pytest.mark.long
@pytest.mark.parametrize("which", BOTH)
def test_evaluation_of_the_export_gives_the_same(
    which: str, runs: dict[str, RunResult], judged: dict[str, Judged]
) -> None:
    assert judged[which].metrics
    for name, value in judged[which].metrics.items():
        assert value == pytest.approx(runs[which].metrics[name], rel=1e-4, abs=1e-5), name


@pytest.mark.long
@pytest.mark.parametrize("which", BOTH)
def test_a_predictor_gives_what_is_evaluated(which: str, runs: dict[str, RunResult], judged: dict[str, Judged]) -> None:
    predictor = plx_train.Predictor(runs[which].output / "export")
    metric = judged[which].module.new_metric()
    for index, scored in enumerate(judged[which].evaluation.samples):
        prediction = predictor.predict(judged[which].val.original(index))
        value = metric.update(prediction, judged[which].val.get(index, np.random.default_rng(0)))
        assert value == pytest.approx(scored.value, rel=1e-4, abs=1e-4), scored.name
        assert json.dumps(prediction.to_json())

    assert len(judged[which].evaluation.samples) == len(judged[which].val) > 0
    assert metric.compute() == pytest.approx(judged[which].evaluation.metrics, rel=1e-4, abs=1e-4)


@pytest.mark.long
def test_a_killed_run_goes_on_to_the_same_bits_by_more_threads(
    drawn: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = step_checkpoints(drawn.output / "checkpoints")
    middle = int(kept[len(kept) // 2].name.removeprefix("step_"))
    last = int(kept[0].name.removeprefix("step_"))
    assert 0 < middle < last
    killed = as_if_killed(drawn.output, tmp_path / "killed", middle)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")

    result = plx_train.run([f"resume={killed}", "quiet=true"])

    assert_same(drawn.output, killed)
    assert result.metrics == drawn.metrics


def test_a_planted_fault_is_found_and_stops_a_run(
    room: str, tiny: TinyRoom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt = tiny.make_dataset(tmp_path / "data")
    expected = tiny.spoil(spoilt)

    checked = train_room(room, spoilt, tmp_path / "checked", "mode=check_dataset")

    assert checked.exit_code == 1
    assert re.search(rf"^error: .*{expected}", capsys.readouterr().err, re.MULTILINE)
    with pytest.raises(DataError, match=expected):
        train_room(room, spoilt, tmp_path / "run")


def test_every_option_is_documented(room: str) -> None:
    options = options_of(options_class(room), "module")

    assert "module.name" in options
    assert [key for key, option in options.items() if not option.sentence and key != "module.name"] == []
