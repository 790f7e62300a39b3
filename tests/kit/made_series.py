"""Tiny series of known structure, written in PaddleX's layouts of forecasting, anomaly detection and classification."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pandas import DataFrame

START = "2024-01-01"
VAL_SHARE = 0.3
NOISE = 0.05


@dataclass(frozen=True)
class ForecastSet:
    """What a made-up forecasting set looks like.

    Attributes:
        rows: per group, train and validation together; the last 30 % are validation.
        period: rows of one cycle.
        targets: ``y0`` …: a sine of that period (phase pi/4 more per target) on top of `level`, with little noise.
        covariates: ``x0`` …: noise known ahead of time that `y0` adds up with weight 0.5.
        groups: 1: no ``group_id`` column; more: long format with groups ``g0`` …, group k raised by 10 * k.
        freq: pandas' name of the time between rows.
    """

    rows: int = 400
    period: int = 24
    targets: int = 1
    covariates: int = 0
    groups: int = 1
    level: float = 3.0
    freq: str = "h"
    seed: int = 0


def forecast_frame(made: ForecastSet, group: int = 0) -> DataFrame:
    """One group of `made`: ``date``, targets, covariates, float64 except the time."""
    import pandas as pd

    generator = np.random.default_rng([made.seed, group])
    phase = 2 * np.pi * np.arange(made.rows) / made.period
    columns = {"date": pd.date_range(START, periods=made.rows, freq=made.freq)}
    for index in range(made.targets):
        wave = np.sin(phase + index * np.pi / 4)
        columns[f"y{index}"] = made.level + 10 * group + wave + generator.normal(0, NOISE, made.rows)
    for index in range(made.covariates):
        columns[f"x{index}"] = generator.normal(size=made.rows)
        columns["y0"] = columns["y0"] + 0.5 * columns[f"x{index}"]
    return pd.DataFrame(columns)


def make_forecast_set(folder: Path, made: ForecastSet | None = None, suffix: str = ".csv") -> Path:
    """Writes ``train`` and ``val`` of a TSDataset; validation follows training in time, in every group.

    Args:
        folder: made where it is missing.
        suffix: ``.csv`` or ``.xlsx`` (needs openpyxl).
    """
    import pandas as pd

    made = made or ForecastSet()
    edge = made.rows - int(made.rows * VAL_SHARE)
    frames = [forecast_frame(made, group) for group in range(made.groups)]
    if made.groups > 1:
        frames = [frame.assign(group_id=f"g{index}") for index, frame in enumerate(frames)]
    for split, part in (("train", slice(0, edge)), ("val", slice(edge, made.rows))):
        write_table(folder / f"{split}{suffix}", pd.concat([frame[part] for frame in frames]))
    return folder


def make_anomaly_set(folder: Path, rows: int = 400, features: int = 2, seed: int = 0) -> Path:
    """Writes ``train.csv``, all normal, and ``val.csv``, three events of 4 rows, of a TSADDataset; `rows` each.

    Every feature is a sine of 20 rows, phases pi/4 apart; events, 3 higher, begin at 1/4, 1/2 and 3/4 of the rows.
    Time is a number that goes on from train to val.
    """
    import pandas as pd

    generator = np.random.default_rng(seed)
    times = np.arange(2 * rows)
    shift = np.arange(features) * np.pi / 4
    values = np.sin(2 * np.pi * times[:, None] / 20 + shift) + generator.normal(0, NOISE, (2 * rows, features))
    label = np.zeros(2 * rows, np.int64)
    for quarter in (1, 2, 3):
        first = rows + rows * quarter // 4
        label[first : first + 4] = 1
    values[label == 1] += 3
    columns = {f"feature_{index}": values[:, index] for index in range(features)}
    table = pd.DataFrame({"timestamp": times} | columns | {"label": label})
    for split, part in (("train", slice(0, rows)), ("val", slice(rows, None))):
        write_table(folder / f"{split}.csv", table[part])
    return folder


def make_class_set(
    folder: Path, counts: tuple[int, int] = (24, 12), lengths: tuple[int, int] = (32, 32), dims: int = 2, seed: int = 0
) -> Path:
    """Writes ``train.csv`` and ``val.csv`` of a TSCLSDataset: class k of three is a sine, 1 + 2 * k cycles per 32 rows.

    Args:
        counts: series in train and val; classes take turns.
        lengths: least and greatest length, rows; unequal ones are drawn between.
    """
    import pandas as pd

    generator = np.random.default_rng(seed)
    group = 0
    for split, count in zip(("train", "val"), counts, strict=True):
        parts = []
        for index in range(count):
            label, length = index % 3, int(generator.integers(lengths[0], lengths[1] + 1))
            phase = 2 * np.pi * ((1 + 2 * label) * np.arange(length) / 32 + generator.random())
            columns = {f"dim_{dim}": np.sin(phase + dim) + generator.normal(0, NOISE, length) for dim in range(dims)}
            ends = {"group_id": group, "time": np.arange(length)}
            parts.append(pd.DataFrame(ends | columns | {"label": label}))
            group += 1
        write_table(folder / f"{split}.csv", pd.concat(parts))
    return folder


def write_table(path: Path, table: DataFrame) -> None:
    """Writes `table` without its index, as what the suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".xlsx":
        table.to_excel(path, index=False)
    else:
        table.to_csv(path, index=False, float_format="%.6f")
