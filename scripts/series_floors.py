#!/usr/bin/env python3
"""Measures what the simplest methods score on a folder of time series, so that one knows what a network has to beat.

python scripts/series_floors.py forecast datasets/traffic --context 168 --horizon 24 --season 168
python scripts/series_floors.py anomaly datasets/heartbeats --context 101
python scripts/series_floors.py class datasets/vowels

They are fitted to train.csv and scored on val.csv, or on the file that --score names, with windows inside that file:
forecast: seasonal naive, and ridge regression from the target's own past; mse and mae in training deviations.
anomaly:  distance from the median of the --context rows around, in training deviations, greatest of all features.
class:    label of the nearest training series (Euclidean, after stretching all to one length).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

RIDGE = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layout", choices=("forecast", "anomaly", "class"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--score", default="val")
    parser.add_argument("--target", help="column; the second by default")
    parser.add_argument("--context", type=int, default=101)
    parser.add_argument("--horizon", type=int, default=24)
    parser.add_argument("--season", type=int, default=24, help="rows; at most the context")
    given = parser.parse_args()
    train, scored = (pd.read_csv(given.folder / f"{name}.csv") for name in ("train", given.score))
    if given.layout == "forecast":
        target = given.target or train.columns[1]
        series = train[target].to_numpy(float), scored[target].to_numpy(float)
        floors = forecast_floors(*series, given.context, given.horizon, given.season)
    elif given.layout == "anomaly":
        floors = anomaly_floors(train, scored, given.context)
    else:
        floors = {"1-NN Euclidean accuracy": nearest_accuracy(train, scored)}
    for name, value in floors.items():
        print(f"{name:28} {value:.3f}")


def forecast_floors(train: np.ndarray, scored: np.ndarray, context: int, horizon: int, season: int) -> dict[str, float]:
    """mse and mae of seasonal naive and ridge over all windows of `scored`, both in training deviations."""
    mean, deviation = train.mean(), train.std()
    train, scored = (train - mean) / deviation, (scored - mean) / deviation
    past, future = np.split(sliding_window_view(scored, context + horizon), [context], axis=1)
    naive = past[:, context - season + np.arange(horizon) % season]
    ridge = ridge_forecast(train, past, horizon)
    errors = {"seasonal naive": naive - future, "ridge": ridge - future}
    return {
        f"{name} {metric}": float(measure(error).mean())
        for name, error in errors.items()
        for metric, measure in (("mse", np.square), ("mae", np.abs))
    }


def ridge_forecast(train: np.ndarray, past: np.ndarray, horizon: int) -> np.ndarray:
    """Forecasts (windows, horizon) by ridge regression on the rows of `past` and a constant."""
    context = past.shape[1]
    known, wanted = np.split(sliding_window_view(train, context + horizon), [context], axis=1)
    known, past = (np.pad(rows, ((0, 0), (0, 1)), constant_values=1.0) for rows in (known, past))
    square = known.T @ known + RIDGE * np.eye(context + 1)
    return np.asarray(past @ np.linalg.solve(square, known.T @ wanted))


def anomaly_floors(train: pd.DataFrame, scored: pd.DataFrame, context: int) -> dict[str, float]:
    """auroc and average precision of the rolling-median z."""
    residuals = [
        table - table.rolling(context, center=True, min_periods=1).median() for table in map(features, (train, scored))
    ]
    scores = (residuals[1] / residuals[0].std()).abs().max(axis=1).to_numpy()
    labels = scored["label"].to_numpy() > 0
    return {
        "rolling-median z auroc": area_under_roc(scores, labels),
        "rolling-median z auprc": average_precision(scores, labels),
        "share of anomalous rows": float(labels.mean()),
    }


def features(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=["timestamp", "label"])


def area_under_roc(scores: np.ndarray, labels: np.ndarray) -> float:
    """The chance that an anomalous row scores above a normal one; a tie counts half."""
    ranks = pd.Series(scores).rank().to_numpy()
    hits, misses = labels.sum(), (~labels).sum()
    return float((ranks[labels].sum() - hits * (hits + 1) / 2) / (hits * misses))


def average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean over anomalous rows of the precision at their score; ties in the order of rows."""
    found = labels[np.argsort(-scores, kind="stable")]
    precision = found.cumsum() / np.arange(1, len(found) + 1)
    return float(precision[found].mean())


def nearest_accuracy(train: pd.DataFrame, scored: pd.DataFrame) -> float:
    length = int(train.groupby("group_id").size().max())
    (known, classes), (asked, truth) = (stretched(table, length) for table in (train, scored))
    nearest = [int(np.square(known - series).sum(1).argmin()) for series in asked]
    return float((classes[nearest] == truth).mean())


def stretched(table: pd.DataFrame, length: int) -> tuple[np.ndarray, np.ndarray]:
    """All series (n, length * dimensions), linearly stretched, and their labels (n)."""
    places = np.linspace(0, 1, length)
    rows, labels = [], []
    for _, series in table.groupby("group_id", sort=False):
        values = series.filter(like="dim_").to_numpy()
        own = np.linspace(0, 1, len(values))
        rows.append(np.concatenate([np.interp(places, own, column) for column in values.T]))
        labels.append(series["label"].iloc[0])
    return np.stack(rows), np.asarray(labels)


if __name__ == "__main__":
    main()
