"""Exported folders of the rooms of series with networks that were never trained, made in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import plx_train
from kit.made_series import ForecastSet, make_anomaly_set, make_class_set, make_forecast_set

PIPELINES = {
    "ts_forecast": ("ts_forecast", "TSForecast", "forecast"),
    "ts_anomaly": ("ts_anomaly_detection", "TSAnomalyDetection", "anomaly"),
    "ts_cls": ("ts_classification", "TSClassification", "classification"),
}
"""By room: the pipeline, its part, and the key of a result's table."""

FORECAST = ForecastSet(groups=2, rows=200)


def export_of(room: str, folder: Path, *overrides: str) -> tuple[Path, Path]:
    """The export of `room`, and the dataset's folder, of two series where the room's tables have groups."""
    dataset = make_dataset(room, folder / "data")
    given = [f"module={room}", f"dataset.root={dataset}", f"output={folder / 'run'}", "device=cpu", "tracking=off"]
    few = ["trainer.max_steps=1", "device.num_workers=0", "trainer.batch_size=8", "quiet=true"]
    plx_train.run([*given, *few, *SMALL[room], *overrides])
    return folder / "run" / "export", dataset


def make_dataset(room: str, folder: Path) -> Path:
    """A tiny dataset of the room."""
    if room == "ts_forecast":
        return make_forecast_set(folder, FORECAST)
    return make_anomaly_set(folder) if room == "ts_anomaly" else make_class_set(folder)


SMALL: dict[str, list[Any]] = {
    "ts_forecast": [
        *("dataset.columns.targets=[y0]", "dataset.columns.time=date", "dataset.columns.group=group_id"),
        *("module.context=48", "module.horizon=12", "module.quantiles=[0.1,0.5,0.9]"),
    ],
    "ts_anomaly": [
        *("dataset.columns.targets=[feature_0,feature_1]", "dataset.columns.time=timestamp"),
        *("module.context=40", "module.network=DLinear_ad"),
    ],
    "ts_cls": ["module.hidden=4", "module.depth=3"],
}
