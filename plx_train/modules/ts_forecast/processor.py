"""Pre- and postprocessing of forecasting as PaddleX does it: last rows, scaled; forecasts scaled back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from plx_train.ground.errors import UserError
from plx_train.modules.ts_forecast.prediction import Cutoff, TsForecastPrediction
from plx_train.series.calendar import PADDLEX_FEATURES, calendar_features
from plx_train.series.frame import Series, waves
from plx_train.series.frequency import month_parts, parse_frequency
from plx_train.series.grid import grid_times
from plx_train.series.processor import (
    Facts,
    SeriesProcessor,
    as_float32,
    floats,
    integers,
    own_section,
    texts,
    with_gaps,
)
from plx_train.series.read.reader import Columns
from plx_train.series.scale import Scaler

TARGETS = "past_target"
"""The one input that every forecasting graph has."""


@dataclass(frozen=True, kw_only=True)
class TsForecastProcessor(SeriesProcessor):
    """Pre- and postprocessing of forecasting.

    Attributes:
        context: rows seen.
        horizon: rows forecast.
        period, seasonal_errors: rows of a season (1: there is none), and per target the error of the seasonal naive in
            training, scaled: what mase divides by.
        mean, std: of targets, past, future and static covariates, in this order; targets alone are scaled here, the
            graph itself scales covariates, because PaddleX gives them as they are.
    """

    context: int
    horizon: int
    targets: tuple[str, ...]
    past_covariates: tuple[str, ...] = ()
    future_covariates: tuple[str, ...] = ()
    static_covariates: tuple[str, ...] = ()
    calendar: bool = False
    quantiles: tuple[float, ...] = ()
    period: int = 1
    seasonal_errors: tuple[float, ...] = ()

    shipped: ClassVar[Facts] = {
        "time": str, "frequency": str, "mean": floats, "std": floats, "quantiles": floats, "period": int,
        "periods": integers, "seasonal_errors": floats, "missing": floats, "time_format": str,
    }  # fmt: skip

    @property
    def scaler(self) -> Scaler:
        """What brings the targets to the network's scale."""
        return Scaler(self.mean[: len(self.targets)], self.std[: len(self.targets)])

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a series that are read, in their order."""
        return (*self.targets, *self.past_covariates, *self.future_covariates)

    @property
    def num_future(self) -> int:
        """Channels that are known ahead, those of the calendar first."""
        return len(PADDLEX_FEATURES) * self.calendar + len(self.future_covariates)

    @property
    def middle(self) -> int:
        """Place of the quantile that is nearest to the median."""
        return int(np.argmin(np.abs(np.asarray(self.quantiles) - 0.5)))

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
        names = with_gaps(past, self.columns)
        if names:
            raise UserError(f"{series.name}: the last {self.context} rows of {names} hold missing values: fill them")
        if self.calendar and not series.is_datetime:
            raise UserError(f"{series.name}: the model knows the calendar (module.calendar), so rows must have dates")
        cutoff = Cutoff(int(series.times[end - 1]), series.is_datetime)
        inputs = []
        if self.num_future:
            inputs.append(
                self._future(
                    as_float32(rows[:, num_targets + num_past :], self.future_covariates, series.name),
                    series.times[end - self.context : end],
                    cutoff,
                )
            )
        if num_past:
            covariates = past[:, num_targets : num_targets + num_past]
            inputs.append(as_float32(covariates, self.past_covariates, series.name))
        inputs.append(as_float32(self.scaler.transform(past[:, :num_targets]), self.targets, series.name))
        if self.static_covariates:
            known = dict(series.static)
            inputs.append(np.asarray([known[name] for name in self.static_covariates], np.float32))
        return tuple(inputs), cutoff

    def _future(self, given: np.ndarray, times: np.ndarray, cutoff: Cutoff) -> np.ndarray:
        parts = []
        if self.calendar:
            parts.append(calendar_features(np.concatenate([times, self.times(cutoff)]), cutoff.is_datetime))
        if self.future_covariates:
            parts.append(given)
        return np.concatenate(parts, axis=1)

    def times(self, cutoff: Cutoff) -> np.ndarray:
        """Times of the rows forecast, int64 (H,)."""
        frequency = parse_frequency(self.frequency)
        if frequency.months and frequency.day == 1:
            # pandas has no name for months that begin on another day: the last row says it.
            frequency = replace(frequency, day=int(month_parts(np.asarray([cutoff.time]))[1][0]))
        return grid_times(cutoff.time, np.arange(1, self.horizon + 1), frequency)

    def postprocess(self, output: np.ndarray, cutoff: Cutoff) -> TsForecastPrediction:
        """The forecast in the targets' units."""
        middle = output
        if self.quantiles:
            # Quantiles that cross are sorted (Chernozhukov et al., 2010).
            output = np.sort(output, axis=-1)
            middle = output[..., self.middle]
        std, mean = np.asarray(self.scaler.std), np.asarray(self.scaler.mean)
        quantiles = output * std[:, None] + mean[:, None] if self.quantiles else None
        values = middle * std + mean
        times = self.times(cutoff)
        return TsForecastPrediction(times, cutoff.is_datetime, values, self.targets, middle, self.quantiles, quantiles)

    @property
    def rows(self) -> tuple[int, int]:
        """Context and horizon."""
        return self.context, self.horizon

    @property
    def inputs(self) -> dict[str, list[int]]:
        """Shapes of the graph's inputs; those that a model does without are left out."""
        shapes = {
            "known_cov_numeric": [1, self.context + self.horizon, self.num_future],
            "observed_cov_numeric": [1, self.context, len(self.past_covariates)],
            TARGETS: [1, self.context, len(self.targets)],
            "static_cov_numeric": [1, len(self.static_covariates)],
        }
        return {name: shape for name, shape in shapes.items() if shape[-1]}

    def columns_info(self) -> dict[str, Any]:
        """The section ``info_params``: which columns PaddleX takes for what."""
        info = {
            "time_col": self.time or "date",
            "target_cols": list(self.targets),
            "freq": self.paddlex_frequency,
            "observed_cov_cols": list(self.past_covariates),
            "known_cov_cols": list(self.future_covariates),
            "static_cov_cols": list(self.static_covariates),
            "group_id": self.group,
        }
        return {name: value for name, value in info.items() if value}

    def switches(self) -> dict[str, Any]:
        """Values are scaled, and PaddleX makes the features of the calendar where these were trained with."""
        return {"scale": True, "time_feat": self.calendar, "holiday": False}

    @classmethod
    def from_inference(cls, inference: dict[str, Any]) -> TsForecastProcessor:
        """The processor that an ``inference.yml`` of this room describes.

        Raises:
            UserError: it is of another kind, or PaddleX's own, whose scaling is a pickle.
        """
        if TARGETS not in (inference.get("input_data") or {}):
            raise UserError(f"it has no input {TARGETS}, which forecasting needs")
        info, size = inference.get("info_params") or {}, inference["size"]
        names = ("target_cols", "observed_cov_cols", "known_cov_cols", "static_cov_cols")
        targets, past, future, static = (texts(info.get(name) or ()) for name in names)
        own = own_section(inference, len(targets) + len(past) + len(future) + len(static))
        given: dict[str, Any] = {"time": info.get("time_col"), "frequency": str(info.get("freq", 1))}
        return cls(
            context=int(size["in_chunk_len"]),
            horizon=int(size["out_chunk_len"]),
            targets=targets,
            past_covariates=past,
            future_covariates=future,
            static_covariates=static,
            group=info.get("group_id"),
            calendar=bool(inference.get("time_feat")),
            **(given | cls.facts_of(own)),
        )
