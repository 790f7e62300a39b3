"""The made-up series of the other tests are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from kit.made_series import ForecastSet, forecast_frame, make_anomaly_set, make_class_set, make_forecast_set


def test_a_forecast_repeats_itself_and_follows_its_covariate() -> None:
    frame = forecast_frame(ForecastSet(covariates=1))
    rest = frame["y0"] - 0.5 * frame["x0"]
    assert np.abs(rest[24:].to_numpy() - rest[:-24].to_numpy()).max() < 0.4
    assert abs(np.corrcoef(frame["y0"][24:] - frame["y0"].to_numpy()[:-24], frame["x0"][24:])[0, 1]) > 0.6


def test_validation_follows_training_in_every_group(tmp_path: Path) -> None:
    folder = make_forecast_set(tmp_path, ForecastSet(rows=100, groups=2))
    train, val = (pd.read_csv(folder / name, parse_dates=["date"]) for name in ("train.csv", "val.csv"))
    assert (len(train), len(val)) == (140, 60)
    for group in ("g0", "g1"):
        assert train[train.group_id == group].date.max() < val[val.group_id == group].date.min()
    assert round(val[val.group_id == "g1"].y0.mean() - val[val.group_id == "g0"].y0.mean()) == 10


def test_the_seed_alone_decides(tmp_path: Path) -> None:
    texts = [
        (make_anomaly_set(tmp_path / f"{seed}{go}", seed=seed) / "val.csv").read_text()
        for seed in (0, 1)
        for go in "ab"
    ]
    assert texts[0] == texts[1] != texts[2] == texts[3]


def test_events_are_where_the_label_says(tmp_path: Path) -> None:
    folder = make_anomaly_set(tmp_path, rows=80)
    assert pd.read_csv(folder / "train.csv").label.sum() == 0
    val = pd.read_csv(folder / "val.csv")
    assert list(np.flatnonzero(val.label)) == [20, 21, 22, 23, 40, 41, 42, 43, 60, 61, 62, 63]
    assert val[val.label == 1].feature_0.min() > val[val.label == 0].feature_0.max()
    assert val.timestamp.iloc[0] == 80


def test_classes_differ_in_frequency_and_lengths_in_range(tmp_path: Path) -> None:
    folder = make_class_set(tmp_path, counts=(6, 3), lengths=(20, 40))
    train, val = (pd.read_csv(folder / name) for name in ("train.csv", "val.csv"))
    assert list(train.columns) == ["group_id", "time", "dim_0", "dim_1", "label"]
    assert not set(train.group_id) & set(val.group_id)
    lengths = train.groupby("group_id").size()
    assert lengths.between(20, 40).all() and lengths.nunique() > 1
    crossings = [(np.diff(np.sign(series.dim_0)) != 0).sum() / len(series) for _, series in train.groupby("group_id")]
    assert crossings[0] < crossings[1] < crossings[2]
