"""Windows of a forecasting dataset, what the processor makes of a series, and the two seen side by side."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from plx_train.ground.errors import UserError
from plx_train.modules.ts_forecast.check import CheckedForecasts
from plx_train.modules.ts_forecast.data import TsForecastDataset
from plx_train.modules.ts_forecast.processor import TsForecastProcessor
from plx_train.series.frame import Series
from plx_train.series.samples import stacked

HOUR = 3_600 * 10**9
START = int(np.datetime64("2024-02-28T20:00", "ns").astype(np.int64))
PROCESSOR = TsForecastProcessor(
    context=4,
    horizon=2,
    targets=("a", "b"),
    frequency="1h",
    mean=(1.0, 2.0, 0.0, 0.0, 5.0),
    std=(2.0, 4.0, 1.0, 1.0, 1.0),
    past_covariates=("p",),
    future_covariates=("f",),
    static_covariates=("s",),
    calendar=True,
)


def series(num_rows: int, first: float = 0.0, name: str = "one") -> Series:
    """Columns a, b, p, f: 10·row plus the column's number."""
    values = first + 10.0 * np.arange(num_rows)[:, None] + np.arange(4)
    return Series(
        name, f"{name}:2", START + HOUR * np.arange(num_rows), True, ("a", "b", "p", "f"), values, (("s", 7.0),)
    )


def test_a_window_holds_what_the_graph_wants_by_hand() -> None:
    sample = TsForecastDataset([series(8)], PROCESSOR).get(1, np.random.default_rng(0))
    future, past, targets, static = sample.x
    assert (future.shape, past.shape, targets.shape, static.shape) == ((6, 5), (4, 1), (4, 2), (1,))
    np.testing.assert_allclose(targets[:, 0], (10 * np.arange(1, 5) - 1) / 2)
    np.testing.assert_allclose(targets[:, 1], (10 * np.arange(1, 5) + 1 - 2) / 4)
    np.testing.assert_allclose(past[:, 0], 10 * np.arange(1, 5) + 2)
    np.testing.assert_allclose(future[:, 4], 10 * np.arange(1, 7) + 3)
    # 21:00 to 02:00 of a leap year's 28 February, hours over 23 less a half.
    np.testing.assert_allclose(future[:, 0], np.asarray([21, 22, 23, 0, 1, 2]) / 23 - 0.5, atol=1e-6)
    np.testing.assert_allclose(sample.truth[:, 0], (10 * np.asarray([5, 6]) - 1) / 2)
    assert static.tolist() == [7.0] and sample.name == "one after 2024-02-29 00:00"[: len(sample.name)]


def test_a_batch_is_its_windows_and_a_window_is_a_view() -> None:
    dataset = TsForecastDataset([series(9), series(5, name="short"), series(7, 100.0, "two")], PROCESSOR)
    assert len(dataset) == 4 + 0 + 2
    rng = np.random.default_rng(0)
    samples = [dataset.get(index, rng) for index in (5, 0, 3)]
    batch, together = dataset.batch(np.array([5, 0, 3])), stacked(samples)
    for found, expected in zip(batch["x"], together["x"], strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(batch["target"], np.stack([sample.truth for sample in samples]))
    assert list(batch["names"]) == together["names"]
    assert all(np.shares_memory(part, dataset.windows.values) for part in samples[1].x[:3])
    assert len(pickle.loads(pickle.dumps(dataset))) == 6


def test_a_window_given_as_a_series_is_prepared_alike() -> None:
    dataset = TsForecastDataset([series(9)], PROCESSOR)
    sample = dataset.get(2, np.random.default_rng(0))
    inputs, cutoff = PROCESSOR.preprocess(dataset.original(2))
    for found, expected in zip(inputs, sample.x, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert cutoff == sample.context
    forecast = PROCESSOR.postprocess(sample.truth, cutoff)
    np.testing.assert_allclose(forecast.values, series(9).values[6:8, :2], rtol=1e-6)
    assert forecast.time_texts() == ["2024-02-29 02:00:00", "2024-02-29 03:00:00"]


def test_a_series_that_is_too_short_or_lacks_a_value_is_refused() -> None:
    with pytest.raises(UserError, match=r"one has 5 rows.*from 4 rows and 2 rows of covariates that are known ahead"):
        PROCESSOR.preprocess(series(5))
    gap = series(9)
    gap.values[5, 2] = np.nan
    with pytest.raises(UserError, match=r"one: the last 4 rows of p hold missing values: fill them"):
        PROCESSOR.preprocess(gap)


def test_what_stands_in_inference_yml_is_the_processor_again() -> None:
    assert TsForecastProcessor.from_inference(PROCESSOR.to_inference("TiDE")) == PROCESSOR
    plain = replace(PROCESSOR, calendar=False, past_covariates=(), future_covariates=(), static_covariates=())
    plain = replace(plain, mean=(1.0, 2.0), std=(2.0, 4.0), quantiles=(0.1, 0.5))
    assert TsForecastProcessor.from_inference(plain.to_inference("DLinear")) == plain
    foreign = plain.to_inference("DLinear")
    del foreign["Series"]
    with pytest.raises(UserError, match=r"pickled file, scaler.pkl.*export it again"):
        TsForecastProcessor.from_inference(foreign)


def test_the_future_is_held_out_behind_its_context() -> None:
    checked = CheckedForecasts(report=None, train=[], val=[], context=4, horizon=2)  # type: ignore[arg-type]
    kept, held = checked.hold_out([series(40), series(7, name="short")], 0.25, seed=3)
    assert [len(one) for one in kept] == [30, 7] and [len(one) for one in held] == [14]
    assert held[0].times[4] == kept[0].times[-1] + HOUR
    assert [len(one) for one in checked.first([series(10), series(10)], 8)] == [10, 8]
