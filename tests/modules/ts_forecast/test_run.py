"""Whole runs of tiny forecasters on made-up series: what they leave, and that nothing leaks."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml

import plx_train
from kit.made_series import ForecastSet, make_forecast_set
from kit.runs import train_room
from plx_train.api import RunResult
from plx_train.ground.errors import UserError

FORECAST_ROWS = 12
train = partial(train_room, "ts_forecast")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_forecast_set(tmp_path_factory.mktemp("data") / "sines")


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return train(dataset, tmp_path_factory.mktemp("runs") / "first", "trainer.epochs=12")


def test_a_sine_is_learned_beside_its_baselines_and_the_export_is_proven(trained: RunResult) -> None:
    # The noise alone, 0.05 of a sine's deviation of 0.707, is an error of 0.005.
    assert trained.metrics["val/mse"] < 0.06 < trained.metrics["before/mse"]
    assert trained.metrics["val/mase"] < 4 and trained.metrics["val/smape"] < 10
    facts = json.loads((trained.output / "run.json").read_text())
    assert facts["baselines"]["seasonal_naive_mse"] == pytest.approx(0.01, abs=0.005)
    assert facts["baselines"]["linear_mse"] < 0.01
    assert any("does not beat the linear baseline" in note for note in facts["notes"]) == (
        trained.metrics["val/mse"] >= facts["baselines"]["linear_mse"]
    )
    assert json.loads((trained.output / "export/parity.json").read_text())["ok"]


def test_the_export_is_laid_out_as_paddlex_wants_it(trained: RunResult) -> None:
    folder = trained.output / "export"
    settings = yaml.safe_load((folder / "inference.yml").read_text())
    assert settings["Global"]["model_name"] == "DLinear"
    assert settings["size"] == {"in_chunk_len": 48, "out_chunk_len": 12, "skip_chunk_len": 0}
    assert settings["info_params"] == {"time_col": "date", "target_cols": ["y0"], "freq": "1h"}
    assert settings["input_data"] == {"past_target": [1, 48, 1]} and settings["scale"] is True
    assert (folder / "scaler.pkl").stat().st_size > 0


def test_an_export_forecasts_the_rows_after_a_file(trained: RunResult, dataset: Path) -> None:
    predictor = plx_train.Predictor(trained.output / "export")
    forecast = predictor.predict(dataset / "train.csv")
    truth = np.loadtxt(dataset / "val.csv", delimiter=",", skiprows=1, usecols=1)[:FORECAST_ROWS]
    dates = [line.split(",")[0] for line in (dataset / "val.csv").read_text().splitlines()[1 : FORECAST_ROWS + 1]]
    assert forecast.time_texts() == dates
    assert np.abs(forecast.values[:, 0] - truth).mean() < 0.25


def test_a_scaler_is_never_opened(trained: RunResult, dataset: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.output / "export", tmp_path / "export")
    (folder / "scaler.pkl").write_bytes(b"\x80\x04not a pickle")
    assert len(plx_train.Predictor(folder).predict(dataset / "train.csv").values) == FORECAST_ROWS


@pytest.mark.long
@pytest.mark.parametrize("network", ["TiDE", pytest.param("TimesNet", marks=pytest.mark.slow)])
def test_covariates_known_ahead_help_and_shuffled_ones_do_not(network: str, tmp_path: Path) -> None:
    dataset = make_forecast_set(tmp_path / "data", ForecastSet(rows=700, covariates=1))
    shuffled = shutil.copytree(dataset, tmp_path / "shuffled")
    for file in ("train.csv", "val.csv"):
        lines = (shuffled / file).read_text().splitlines()
        cells = [line.rsplit(",", 1) for line in lines[1:]]
        order = np.random.default_rng(1).permutation(len(cells))
        rows = [f"{cell[0]},{cells[place][1]}" for cell, place in zip(cells, order, strict=True)]
        (shuffled / file).write_text("\n".join([lines[0], *rows]) + "\n")
    given = (f"module.network={network}", "module.hidden=16", "module.context=24", "trainer.epochs=8")
    ahead = "dataset.columns.future_covariates=[x0]"
    known = train(dataset, tmp_path / "known", *given, ahead)
    unknown = train(dataset, tmp_path / "unknown", *given)
    misled = train(shuffled, tmp_path / "misled", *given, ahead)
    assert known.metrics["val/mse"] < 0.6 * unknown.metrics["val/mse"]
    assert misled.metrics["val/mse"] > 0.9 * unknown.metrics["val/mse"]


def test_white_noise_is_not_foreseen(tmp_path: Path) -> None:
    # Whatever leaks from the rows to come, or from scaling, would bring the error below the noise's own variance.
    folder = tmp_path / "noise"
    folder.mkdir()
    values = np.random.default_rng(0).normal(size=1400)
    for file, part in (("train.csv", slice(0, 1000)), ("val.csv", slice(1000, None))):
        rows = [f"{place},{value:.6f}" for place, value in enumerate(values[part], part.start)]
        (folder / file).write_text("\n".join(["row,y0", *rows]) + "\n")
    result = train(folder, tmp_path / "run", "dataset.columns.time=row", "module.network=PatchTST", "module.hidden=16")
    variance = float(values[1000:].var() / values[:1000].var())
    assert result.metrics["val/mse"] > 0.97 * variance


def test_quantiles_are_forecast_in_order_and_cover(tmp_path: Path, dataset: Path) -> None:
    result = train(dataset, tmp_path / "run", "module.quantiles=[0.05,0.5,0.95]", "trainer.epochs=12")
    assert result.metrics["val/pinball"] < 0.1 and 0.5 < result.metrics["val/coverage"] <= 1
    forecast = plx_train.Predictor(result.output / "export").predict(dataset / "val.csv")
    assert forecast.quantiles.shape == (12, 1, 3) and (np.diff(forecast.quantiles, axis=-1) >= 0).all()
    np.testing.assert_allclose(forecast.values[:, 0], forecast.quantiles[:, 0, 1])


def test_a_single_quantile_is_forecast(tmp_path: Path, dataset: Path) -> None:
    result = train(dataset, tmp_path / "run", "module.quantiles=[0.9]", "trainer.max_steps=2")
    forecast = plx_train.Predictor(result.output / "export").predict(dataset / "val.csv")
    assert forecast.quantiles.shape == (12, 1, 1)
    np.testing.assert_array_equal(forecast.values, forecast.quantiles[..., 0])


def test_series_in_long_format_with_a_calendar_are_one_model(tmp_path: Path) -> None:
    dataset = make_forecast_set(tmp_path / "data", ForecastSet(groups=3, targets=2))
    given = ("dataset.columns.targets=[y0,y1]", "module.network=TiDE", "module.calendar=true", "module.hidden=16")
    result = train(dataset, tmp_path / "run", *given)
    predictor = plx_train.Predictor(result.output / "export")
    with pytest.raises(UserError, match=r"train.csv holds 3 series"):
        predictor.predict(dataset / "train.csv")
    given_series = predictor.processor.as_inputs(dataset / "train.csv")
    together = predictor.predict(given_series)
    for alone, one in zip(map(predictor.predict, given_series), together, strict=True):
        np.testing.assert_allclose(alone.values, one.values, rtol=1e-4)
    assert together[2].values.mean() > together[0].values.mean() + 15


@pytest.mark.long
@pytest.mark.parametrize("refit", ["false", pytest.param("true", marks=pytest.mark.slow)])
def test_a_fusion_trains_its_members_and_is_one_model(refit: str, tmp_path: Path, dataset: Path) -> None:
    given = ("module.models=[NLinear,RLinear]", f"module.refit={refit}", "trainer.epochs=6", "sweep.workers=1")
    result = train(dataset, tmp_path / "fused", *given)
    trained = list((tmp_path / "fused-members").rglob("run.json"))
    assert len(trained) == (4 if refit == "true" else 2)
    members = json.loads((result.output / "members.json").read_text())
    assert set(members) == {"NLinear", "RLinear", "fusion"}
    weights = [members[name]["weight"] for name in ("NLinear", "RLinear")]
    assert min(weights) >= 0 and result.metrics["val/mse"] == pytest.approx(members["fusion"]["mse"], rel=0.05)
    facts = json.loads((result.output / "run.json").read_text())
    is_better = members["fusion"]["mse"] < min(members[name]["mse"] for name in ("NLinear", "RLinear"))
    said = "the fusion is better than" if is_better else "the fusion is not better than"
    assert any(said in note for note in facts["notes"])
    assert len(plx_train.Predictor(result.output / "export").predict(dataset / "train.csv").values) == FORECAST_ROWS
    origins = (result.output / "backtest.csv").read_text().splitlines()
    assert origins[0] == "origin,NLinear,RLinear,fusion" and len(origins) == 6


def test_covariates_without_a_network_for_them_are_refused(tmp_path: Path, dataset: Path) -> None:
    with pytest.raises(UserError, match=r"DLinear takes no covariates: choose module.network=TiDE or TimesNet"):
        train(dataset, tmp_path / "run", "module.calendar=true")
    assert not (tmp_path / "run/export").exists()
    with pytest.raises(UserError, match=r"NLinear takes no covariates"):
        train(dataset, tmp_path / "fused", "module.calendar=true", "module.models=[TiDE,NLinear]")
    assert not list((tmp_path / "fused-members").rglob("run.json"))
