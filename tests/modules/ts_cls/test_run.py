"""Whole runs of tiny classifiers of series: trained and fitted, evaluated, gone on with, exported, and asked."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import paddle
import pandas as pd
import pytest
import yaml

import plx_train
from kit.made_series import make_class_set
from kit.rooms import tiny_room
from kit.runs import as_if_killed, train_room
from plx_train.api import RunResult
from plx_train.contract.evaluation import Evaluation, SampleScore
from plx_train.contract.sample import Sample
from plx_train.ground.errors import UserError, WeightsError
from plx_train.modules.ts_cls.config import TsClsConfig
from plx_train.modules.ts_cls.module import TsCls
from plx_train.modules.ts_cls.network import RocketClassifier
from plx_train.modules.ts_cls.processor import TsClsProcessor
from plx_train.modules.ts_cls.ridge import fit_ridge
from plx_train.nn.series.rocket import rocket_features
from plx_train.runs.checkpoint import load_checkpoint
from plx_train.series.frame import Series
from plx_train.train.checkpoints import step_checkpoints

ROCKET = ("module.network=ROCKET",)
train = partial(train_room, "ts_cls")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_room("ts_cls").make_dataset(tmp_path_factory.mktemp("waves"))


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return train(dataset, tmp_path_factory.mktemp("runs") / "trained")


@pytest.fixture(scope="module")
def fitted(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return train(dataset, tmp_path_factory.mktemp("runs") / "fitted", *ROCKET)


def test_waves_are_learned_and_the_export_is_proven(trained: RunResult) -> None:
    assert trained.metrics["val/accuracy"] >= 0.8
    assert trained.metrics["baseline/majority_accuracy"] == pytest.approx(1 / 3)
    assert 0 <= trained.metrics["baseline/nearest_neighbour_accuracy"] <= 1
    folder = trained.output / "export"
    assert json.loads((folder / "parity.json").read_text())["ok"]
    settings = yaml.safe_load((folder / "inference.yml").read_text())
    length = settings["size"]["in_chunk_len"]
    assert 36 <= length <= 40
    assert settings["Global"]["model_name"] == "TimesNet_cls"
    assert settings["info_params"] == {"time_col": "time", "target_cols": ["dim_0", "dim_1"], "freq": 1}
    assert settings["input_data"] == {"features": [1, length, 2], "pad_mask": [1, length]}
    assert (folder / "scaler.pkl").is_file()


def test_rocket_is_fitted_without_steps(fitted: RunResult) -> None:
    assert fitted.metrics["val/accuracy"] >= 0.8
    assert fitted.metrics["before/accuracy"] == pytest.approx(1 / 3), "before, every series is of the first class"
    assert json.loads((fitted.output / "export" / "parity.json").read_text())["ok"]
    state = load_checkpoint(step_checkpoints(fitted.output / "checkpoints")[0])[1]
    assert state["loop"]["ended_by"] == "fit"


@pytest.fixture(scope="module")
def spread(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same waves, each in another unit, over six orders of magnitude."""
    folder = tmp_path_factory.mktemp("spread")
    for seed, name in enumerate(("train", "val")):
        table = pd.read_csv(dataset / f"{name}.csv")
        sizes = 10 ** np.random.default_rng(seed).uniform(-3, 3, table.group_id.max() + 1)
        for column in ("dim_0", "dim_1"):
            table[column] *= sizes[table.group_id]
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


@pytest.mark.long
def test_series_of_any_size_are_told_where_they_are_standardised(
    spread: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_choice = train(spread, tmp_path / "rocket", *ROCKET, "module.num_kernels=200")
    assert "each series is brought to mean 0 and deviation 1: so" in capsys.readouterr().out
    plain = train(spread, tmp_path / "plain", *ROCKET, "module.num_kernels=200", "module.standardise=false")
    assert "each series is brought" not in capsys.readouterr().out
    assert json.loads((by_choice.output / "export" / "parity.json").read_text())["ok"]
    assert by_choice.metrics["val/accuracy"] > plain.metrics["val/accuracy"] + 0.1


def test_a_network_standardises_where_it_is_told_to(
    trained: RunResult, dataset: Path, spread: Path, tmp_path: Path
) -> None:
    run = train(spread, tmp_path / "run", "module.standardise=true")
    assert run.metrics["val/accuracy"] >= 0.8
    assert json.loads((run.output / "export" / "parity.json").read_text())["ok"]
    predictors = [plx_train.Predictor(folder / "export") for folder in (run.output, trained.output)]
    series = predictors[0].processor.as_inputs(dataset / "val.csv")
    grown = [replace(one, values=one.values * 50) for one in series]
    same, other = ([found.scores for found in predictor.predict(series)] for predictor in predictors)
    for predictor, before, is_same in zip(predictors, (same, other), (True, False), strict=True):
        after = [found.scores for found in predictor.predict(grown)]
        assert np.allclose(before, after, atol=1e-2) == is_same


@pytest.mark.long
def test_checkpoint_and_export_give_the_figures_of_the_run(fitted: RunResult, tmp_path: Path) -> None:
    common = ("device=cpu", "tracking=off", "quiet=true")
    for source in (fitted.output / "checkpoints" / "best", fitted.output / "export"):
        result = plx_train.run(["mode=evaluate", f"run={source}", f"output={tmp_path / source.name}", *common])
        for name in ("val/accuracy", "val/log_loss", "val/calibration"):
            assert result.metrics[name] == pytest.approx(fitted.metrics[name], abs=1e-3)
    again = plx_train.run(["mode=export", f"run={fitted.output}", f"output={tmp_path / 'again'}", *common])
    assert again.export is not None
    first, second = (plx_train.Predictor(folder).processor for folder in (fitted.output / "export", again.export))
    assert first == second


def test_scores_before_and_after_calibration_are_judged_apart(tmp_path: Path) -> None:
    root = make_class_set(tmp_path / "waves", (60, 15), lengths=(20, 40))
    run = train(root, tmp_path / "run", *ROCKET, "module.calibrate=true", "dataset.holdout_share=0.5")
    assert plx_train.Predictor(run.output / "export").processor.temperature != 1
    given = (f"run={run.output}", f"output={tmp_path / 'judged'}", "device=cpu", "tracking=off", "quiet=true")
    judged = plx_train.run(["mode=evaluate", *given]).metrics
    assert judged["val/log_loss"] != judged["val/log_loss_official"]
    for name in ("val/log_loss", "val/log_loss_official"):
        assert judged[name] == pytest.approx(run.metrics[name])


def test_a_fit_that_was_interrupted_is_made_again(fitted: RunResult, dataset: Path, tmp_path: Path) -> None:
    killed = as_if_killed(fitted.output, tmp_path / "killed", 0)
    resumed = plx_train.run([f"resume={killed}", "quiet=true"])
    assert resumed.metrics["val/log_loss"] == pytest.approx(fitted.metrics["val/log_loss"])


def test_figures_per_class_lie_beside_the_report(trained: RunResult) -> None:
    classes = json.loads((trained.output / "classes.json").read_text())
    assert [row["name"] for row in classes] == ["0", "1", "2"] and all(row["samples"] == 5 for row in classes)
    rows = list(csv.reader((trained.output / "confusion.csv").open()))
    counts = np.asarray([row[1:] for row in rows[1:]], int)
    assert counts.trace() / 15 == pytest.approx(trained.metrics["val/accuracy"])
    assert len(list((trained.output / "overlays").iterdir())) == 6


@pytest.mark.parametrize("which", ["trained", "fitted"])
def test_many_series_at_once_are_answered_as_if_alone(
    which: str, request: pytest.FixtureRequest, dataset: Path
) -> None:
    predictor = plx_train.Predictor(request.getfixturevalue(which).output / "export")
    series = predictor.processor.as_inputs(dataset / "val.csv")
    assert len(series) == 15 and len({len(one) for one in series}) > 3
    together = predictor.predict(series)
    for one, found in zip(series, together, strict=True):
        alone = predictor.predict(one)
        assert found.names == alone.names
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-4)
    right = [int(found.label) == place % 3 for place, found in enumerate(together)]
    assert np.mean(right) == pytest.approx(request.getfixturevalue(which).metrics["val/accuracy"])
    picture = predictor.overlay(series[0], together[0])
    assert picture.dtype == np.uint8 and picture.shape[2] == 3


def test_an_answer_as_json(trained: RunResult, dataset: Path) -> None:
    predictor = plx_train.Predictor(trained.output / "export")
    table = pd.read_csv(dataset / "val.csv")
    one = table[table.group_id == table.group_id.iloc[0]]
    found = predictor.predict(one.drop(columns=["label"])).to_json()
    assert set(found) == {"classid", "label", "score", "probabilities"}
    assert found["label"] == str(found["classid"]) and found["score"] == max(found["probabilities"].values())
    assert set(found["probabilities"]) == {"0", "1", "2"}
    assert sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    same = predictor.predict(one[["dim_0", "dim_1"]].to_numpy()).to_json()
    assert same == found


def test_a_file_of_one_series_needs_neither_group_nor_time(trained: RunResult, dataset: Path, tmp_path: Path) -> None:
    predictor = plx_train.Predictor(trained.output / "export")
    table = pd.read_csv(dataset / "val.csv")
    one = table[table.group_id == table.group_id.iloc[0]]
    one[["dim_1", "dim_0"]].to_csv(tmp_path / "one.csv", index=False)
    assert predictor.predict(tmp_path / "one.csv").to_json() == predictor.predict(one).to_json()
    with pytest.raises(UserError, match="holds 15 series"):
        predictor.predict(dataset / "val.csv")
    (tmp_path / "bad.csv").write_text("dim_0\n1\n2\n")
    with pytest.raises(UserError, match="dim_1"):
        predictor.predict(tmp_path / "bad.csv")


def test_longer_series_lose_their_end_and_say_so(trained: RunResult) -> None:
    predictor = plx_train.Predictor(trained.output / "export")
    length = predictor.processor.length
    rows = np.sin(np.arange(length + 5))[:, None] * np.ones(2)
    whole, cut = predictor.predict([rows, rows[:length]])
    assert (whole.rows_left_out, cut.rows_left_out) == (5, 0)
    assert whole.to_json() == {**cut.to_json(), "rows_left_out": 5}
    with pytest.raises(UserError, match="dim_1 holds missing values"):
        predictor.predict(np.asarray([[1.0, np.nan], [0.0, 1.0]]))
    with pytest.raises(UserError, match="no row"):
        predictor.predict(np.zeros((0, 2)))


def module_of(network: str, length: int, num_kernels: int = 60) -> TsCls:
    options = TsClsConfig(network=network, hidden=4, depth=3, num_kernels=num_kernels)
    processor = TsClsProcessor(
        length=length, columns=("a", "b"), labels=("x", "y"), median_rows=20, mean=(0.0, 0.0), std=(1.0, 1.0)
    )
    return TsCls(options, processor, None, False)


@pytest.mark.parametrize("network", ["InceptionTime", "ROCKET"])
def test_filling_up_changes_no_answer(network: str) -> None:
    np.random.seed(0)
    paddle.seed(0)
    first = module_of(network, 24)
    second = module_of(network, 60)
    if isinstance(first.network, RocketClassifier):
        rows = [np.random.default_rng(place).normal(size=(20, 2)).astype(np.float32) for place in range(8)]
        features = rocket_features(first.network.kernels(), rows)
        first.network.take(fit_ridge(features, np.arange(8) % 2, 2))
    second.network.set_state_dict(first.network.state_dict())
    values = np.random.default_rng(9).normal(size=(17, 2))
    series = Series("s", "s:1", np.arange(17), False, ("a", "b"), values)
    logits = []
    for module in (first, second):
        module.eval_mode()
        x, _ = module.processor.preprocess(series)
        logits.append(module.forward({"x": tuple(paddle.to_tensor(part[None]) for part in x)}).numpy())
    assert np.ptp(logits[0]) > 1e-3
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-4)


def test_another_seed_draws_other_kernels() -> None:
    drawn = []
    for seed in (0, 0, 1):
        np.random.seed(seed)
        drawn.append(module_of("ROCKET", 24).network.kernels())
    assert drawn[0].equals(drawn[1]) and not drawn[0].equals(drawn[2])


def test_weights_of_other_classes_are_refused(trained: RunResult, tmp_path: Path) -> None:
    root = make_class_set(tmp_path / "set", (24, 12))
    for name in ("train", "val"):
        table = pd.read_csv(root / f"{name}.csv")
        table[table.label < 2].to_csv(root / f"{name}.csv", index=False)
    with pytest.raises(WeightsError, match="head"):
        train(root, tmp_path / "run", f"init_from={trained.output}")


def test_held_out_series_make_the_scores_honest() -> None:
    module = module_of("InceptionTime", 24)
    random = np.random.default_rng(0)
    labels = [Sample(None, 0, int(label), "s") for label in random.integers(0, 2, 400)]
    # Sure of itself, and right three times in four.
    signs = random.choice([4, -4], 400, p=[0.75, 0.25])
    logits = [np.where(np.arange(2) == each.truth, 1, -1) * sign for each, sign in zip(labels, signs, strict=True)]
    processor = module.calibrate(logits, labels)
    score = processor.postprocess(np.asarray([4.0, -4.0]), 0).score
    assert score == pytest.approx(0.75, abs=0.05)
    assert module.calibrate(logits[:5], labels[:5]).temperature == 1


def test_classes_that_were_never_told_are_named() -> None:
    module = module_of("InceptionTime", 8)
    rows = Series("s", "val.csv:2", np.arange(8), False, ("a", "b"), np.ones((8, 2)))
    val = module.dataset([replace(rows, label=name) for name in "xyxy"], "val", 0)
    answer = module.processor.postprocess(np.asarray([1.0, 0.0]), 0)
    scores = tuple(SampleScore(place, "s", 0.5, answer) for place in range(4))
    evaluation = Evaluation({}, module.processor, scores, (), 0.0)
    assert module.remarks(val, evaluation) == ["no series of these classes was told right: y; see confusion.csv"]
    assert module.details(val, evaluation)["confusion.csv"].splitlines()[1:] == ["x,2,0", "y,2,0"]
