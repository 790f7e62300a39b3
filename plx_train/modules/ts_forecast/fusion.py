"""Fusing trained members: their weights from held-out windows, and how each fares beside the fusion."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import paddle

from plx_train.ground.errors import TrainingError
from plx_train.ground.spreadsheet import csv_text
from plx_train.modules.ts_forecast.data import TsForecastDataset
from plx_train.modules.ts_forecast.network import Forecaster
from plx_train.modules.ts_forecast.stack import non_negative_weights
from plx_train.series.fusion import beside_best

BATCH_SIZE = 256
NUM_ORIGINS = 5
"""Stretches of the validation series that a backtest looks at one by one."""
CORE = "core."
"""Where a run of one network keeps it."""


def learn_weights(network: Forecaster, holdout: TsForecastDataset, kind: str) -> np.ndarray:
    """Sets and gives the members' weights, float32 (M,): by `kind` equal ones, or the best on `holdout`.

    Raises:
        TrainingError: nothing was held out to learn them on.
    """
    fusion = network.core
    count = len(fusion.members)
    if kind != "stack":
        weights = np.full(count, 1.0 / count)
    else:
        if len(holdout) == 0:
            raise TrainingError("module.fusion=stack needs held-out windows: raise dataset.holdout_share")
        forecasts, truth = member_forecasts(network, holdout)
        weights = non_negative_weights(forecasts, truth)
    fusion.weights.set_value(weights.astype(np.float32))
    return weights.astype(np.float32)


def member_forecasts(network: Forecaster, dataset: TsForecastDataset) -> tuple[np.ndarray, np.ndarray]:
    """Each member's forecasts float32 (M, N, H, C[, Q]) on all windows, and the truth (N, H, C)."""
    fusion = network.core
    found: list[list[np.ndarray]] = []
    truths = []
    network.eval()
    with paddle.no_grad():
        for start in range(0, len(dataset), BATCH_SIZE):
            batch = dataset.batch(np.arange(start, min(start + BATCH_SIZE, len(dataset))))
            inputs = network.scaled(list(map(paddle.to_tensor, batch["x"])))
            found.append([member(*inputs).numpy() for member in fusion.members])
            truths.append(batch["target"])
    return np.stack([np.concatenate(parts) for parts in zip(*found, strict=True)]), np.concatenate(truths)


def fused(forecasts: np.ndarray, weights: np.ndarray, is_median: bool) -> np.ndarray:
    """What the fusion makes of its members' forecasts (M, …)."""
    return np.median(forecasts, axis=0) if is_median else np.tensordot(weights, forecasts, 1)


def compare(
    names: Sequence[str], forecasts: np.ndarray, fusion: np.ndarray, truth: np.ndarray
) -> dict[str, list[float]]:
    """Squared error of every member and of the fusion over the windows of each origin, in the order of time."""
    origins = np.array_split(np.arange(len(truth)), min(NUM_ORIGINS, len(truth)))

    def errors(forecast: np.ndarray) -> list[float]:
        return [float(np.mean(np.square(forecast[one] - truth[one]), dtype=np.float64)) for one in origins]

    found = {name: errors(forecast) for name, forecast in zip(names, forecasts, strict=True)}
    return found | {"fusion": errors(fusion)}


def backtest_table(errors: dict[str, list[float]], weights: dict[str, float]) -> dict[str, str]:
    """``backtest.csv`` with the errors of an origin in a row; ``members.json`` with means, spreads and weights."""
    rows: list[Sequence[object]] = [["origin", *errors]]
    rows += [(place, *row) for place, row in enumerate(zip(*errors.values(), strict=True), 1)]
    members = {
        name: {"mse": float(np.mean(values)), "spread": float(np.std(values)), "weight": weights.get(name)}
        for name, values in errors.items()
    }
    return {"backtest.csv": csv_text(rows), "members.json": json.dumps(members, indent=1)}


def verdict(errors: dict[str, list[float]], weights: dict[str, float]) -> list[str]:
    """Sentences on what each member weighs and reaches, and whether the fusion is better than the best of them."""
    means = {name: float(np.mean(values)) for name, values in errors.items()}
    fusion = means.pop("fusion")
    weighed = {name: f" (weight {weight:.2f})" for name, weight in weights.items()}
    shown = ", ".join(f"{name} {mean:.4g}{weighed.get(name, '')}" for name, mean in means.items())
    spread = float(np.std(errors["fusion"]))
    said = f"mse by rolling origin: {shown}; fusion {fusion:.4g} ± {spread:.2g} over {len(errors['fusion'])} origins"
    return [said, beside_best(means, fusion, -1, "{:.4g} against {:.4g}")]
