"""Pre- and postprocessing of forecasting as PaddleX does it: last rows, scaled; forecasts scaled back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.ground.errors import UserError
from plx_train.modules.ts_forecast.prediction import Cutoff, TsForecastPrediction
from plx_train.series.calendar import PADDLEX_FEATURES, calendar_features
from plx_train.series.frame import Series, waves
from plx_train.series.frequency import parse_frequency
from plx_train.series.grid import grid_times
from plx_train.series.processor import SeriesProcessor
from plx_train.series.read import Columns
from plx_train.series.scale import Scaler, write_scaler_pkl

"""Names of the graph's inputs, in their alphabetical order; those a model does without are left out."""
SECTION = "Series"
"""Section of ``inference.yml`` that PaddleX skips."""


@dataclass(frozen=True)
class TsForecastProcessor(SeriesProcessor):
    """Pre- and postprocessing of forecasting.

    Attributes:
        context: rows seen.
        horizon: rows forecast.
        frequency: of the rows, as PaddleX writes it.
        period, periods, seasonal_errors: what the training series said, for whoever evaluates the model again.
        mean, std: of targets, past, future and static covariates, in this order; targets alone are scaled here, the
            graph itself scales covariates, because PaddleX gives them as they are.
    """

    context: int
    horizon: int
    targets: tuple[str, ...]
    frequency: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    past_covariates: tuple[str, ...] = ()
    future_covariates: tuple[str, ...] = ()
    static_covariates: tuple[str, ...] = ()
    time: str | None = "date"
    group: str | None = None
    calendar: bool = False
    quantiles: tuple[float, ...] = ()
    period: int = 1
    periods: tuple[int, ...] = ()
    seasonal_errors: tuple[float, ...] = ()

    @property
    def scaler(self) -> Scaler:
        """Of the targets."""
        return Scaler(self.mean[: len(self.targets)], self.std[: len(self.targets)])

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a series that are read, in their order."""
        return (*self.targets, *self.past_covariates, *self.future_covariates)

    @property
    def num_future(self) -> int:
        """Channels that are known ahead, those of the calendar first."""
        return len(PADDLEX_FEATURES) * self.calendar + len(self.future_covariates)

    def wanted(self, given: Any) -> Columns:
        """The columns that the model was trained on."""
        return Columns(self.time, self.columns, self.group, self.static_covariates)

    def example(self) -> Series:
        """A series as `preprocess` takes it."""
        rows = self.context + (self.horizon if self.future_covariates else 0)
        static = tuple((name, 0.0) for name in self.static_covariates)
        numbers = len(self.columns)
        columns = waves(rows, self.mean[:numbers], self.std[:numbers])
        times = np.arange(rows)
        if self.calendar:
            times = grid_times(0, times, parse_frequency(self.frequency))
        return Series("example", "example", times, self.calendar, self.columns, columns, static)

    def preprocess(self, series: Series) -> tuple[tuple[np.ndarray, ...], Cutoff]:
        """The graph's inputs for the rows after `series`, each without the axis of samples, and where they begin.

        With covariates that are known ahead, the last `horizon` rows of the series give those alone.

        Raises:
            UserError: it is shorter than the context.
        """
        end = len(series.times) - (self.horizon if self.future_covariates else 0)
        if end < self.context:
            ahead = f" and {self.horizon} rows of covariates that are known ahead" if self.future_covariates else ""
            raise UserError(
                f"{series.name} has {len(series.times)} rows, but a forecast is made from {self.context} rows{ahead}"
            )
        rows = np.asarray(series.values[end - self.context :])
        past, num_targets, num_past = rows[: self.context], len(self.targets), len(self.past_covariates)
        self._check_values(series, past)
        if self.calendar and not series.is_datetime:
            raise UserError(f"{series.name}: the model knows the calendar (module.calendar), so rows must have dates")
        cutoff = Cutoff(int(series.times[end - 1]), series.is_datetime)
        inputs = []
        if self.num_future:
            inputs.append(
                self._future(rows[:, num_targets + num_past :], series.times[end - self.context : end], cutoff)
            )
        if num_past:
            inputs.append(past[:, num_targets : num_targets + num_past].astype(np.float32))
        inputs.append(self.scaler.transform(past[:, :num_targets]).astype(np.float32))
        if self.static_covariates:
            known = dict(series.static)
            inputs.append(np.asarray([known[name] for name in self.static_covariates], np.float32))
        return tuple(inputs), cutoff

    def _check_values(self, series: Series, past: np.ndarray) -> None:
        faulty = ~np.isfinite(past).all(axis=0)
        if faulty.any():
            names = ", ".join(name for name, is_faulty in zip(self.columns, faulty, strict=True) if is_faulty)
            raise UserError(f"{series.name}: the last {self.context} rows of {names} hold missing values: fill them")

    def _future(self, given: np.ndarray, times: np.ndarray, cutoff: Cutoff) -> np.ndarray:
        parts = []
        if self.calendar:
            parts.append(calendar_features(np.concatenate([times, self.times(cutoff)]), cutoff.is_datetime))
        if self.future_covariates:
            parts.append(given.astype(np.float32))
        return np.concatenate(parts, axis=1)

    def times(self, cutoff: Cutoff) -> np.ndarray:
        """Of the rows forecast, int64 (H,)."""
        return grid_times(cutoff.time, np.arange(1, self.horizon + 1), parse_frequency(self.frequency))

    def split_outputs(self, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """The forecasts (H, C) or (H, C, Q), on the scaled axis."""
        return list(outputs[0])

    def postprocess(self, output: np.ndarray, cutoff: Cutoff) -> TsForecastPrediction:
        """The forecast in the targets' units."""
        middle = output
        if self.quantiles:
            # Quantiles that cross are sorted (Chernozhukov et al., 2010).
            output = np.sort(output, axis=-1)
            middle = output[..., int(np.argmin(np.abs(np.asarray(self.quantiles) - 0.5)))]
        std, mean = np.asarray(self.scaler.std), np.asarray(self.scaler.mean)
        quantiles = output * std[:, None] + mean[:, None] if self.quantiles else None
        values = middle * std + mean
        times = self.times(cutoff)
        return TsForecastPrediction(times, values, self.targets, middle, cutoff.is_datetime, self.quantiles, quantiles)

    def to_inference(self, model_name: str) -> dict[str, Any]:
        """The sections of ``inference.yml`` from which PaddleX forecasts; `from_inference` reads a section of our own.

        PaddleX reads its scaling from ``scaler.pkl``, which `write_files` writes and nothing here ever opens.
        """
        info: dict[str, Any] = {"time_col": self.time or "date", "target_cols": list(self.targets)}
        info["freq"] = int(self.frequency) if self.frequency.isdigit() else self.frequency
        if self.past_covariates:
            info["observed_cov_cols"] = list(self.past_covariates)
        if self.future_covariates:
            info["known_cov_cols"] = list(self.future_covariates)
        if self.static_covariates:
            info["static_cov_cols"] = list(self.static_covariates)
        if self.group:
            info["group_id"] = self.group
        shapes = {
            "known_cov_numeric": [1, self.context + self.horizon, self.num_future],
            "observed_cov_numeric": [1, self.context, len(self.past_covariates)],
            "past_target": [1, self.context, len(self.targets)],
            "static_cov_numeric": [1, len(self.static_covariates)],
        }
        return {
            "Global": {"model_name": model_name},
            "size": {"in_chunk_len": self.context, "out_chunk_len": self.horizon, "skip_chunk_len": 0},
            "info_params": info,
            "scale": True,
            "time_feat": self.calendar,
            "holiday": False,
            "input_data": {name: shape for name, shape in shapes.items() if shape[-1]},
            SECTION: {
                "time": self.time,
                "frequency": self.frequency,
                "mean": list(self.mean),
                "std": list(self.std),
                "quantiles": list(self.quantiles),
                "period": self.period,
                "periods": list(self.periods),
                "seasonal_errors": list(self.seasonal_errors),
            },
        }

    def write_files(self, folder: Path) -> None:
        """``scaler.pkl`` for PaddleX."""
        write_scaler_pkl(folder / "scaler.pkl", self.scaler)


def from_inference(inference: dict[str, Any]) -> TsForecastProcessor:
    """The processor that an ``inference.yml`` of this room describes.

    Raises:
        UserError: it is of another kind, or PaddleX's own, whose scaling is a pickle.
    """
    info = inference.get("info_params") or {}
    own = inference.get(SECTION)
    if "past_target" not in (inference.get("input_data") or {}):
        raise UserError("it has no input past_target, which forecasting needs")
    if not isinstance(own, dict):
        if inference.get("scale"):
            raise UserError(
                "its scaling is a pickled file, scaler.pkl, which could run anything when it is read: export it again"
            )
        own = {"mean": [0.0], "std": [1.0]}
    size = inference["size"]
    covariates = {
        "past_covariates": tuple(info.get("observed_cov_cols") or ()),
        "future_covariates": tuple(info.get("known_cov_cols") or ()),
        "static_covariates": tuple(info.get("static_cov_cols") or ()),
    }
    targets = tuple(map(str, info["target_cols"]))
    numbers = len(targets) + sum(map(len, covariates.values()))
    mean, std = (tuple(map(float, own[name])) for name in ("mean", "std"))
    return TsForecastProcessor(
        context=int(size["in_chunk_len"]),
        horizon=int(size["out_chunk_len"]),
        targets=targets,
        frequency=str(own.get("frequency", info.get("freq", 1))),
        mean=mean * numbers if len(mean) == 1 < numbers else mean,
        std=std * numbers if len(std) == 1 < numbers else std,
        time=own.get("time", info.get("time_col")),
        group=info.get("group_id"),
        calendar=bool(inference.get("time_feat")),
        quantiles=tuple(map(float, own.get("quantiles") or ())),
        period=int(own.get("period", 1)),
        periods=tuple(map(int, own.get("periods") or ())),
        seasonal_errors=tuple(map(float, own.get("seasonal_errors") or ())),
        **covariates,
    )
