"""What an export remembers of how its tables were written, and the times that a forecast is of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plx_train.ground.errors import UserError
from plx_train.modules.ts_forecast.prediction import Cutoff
from plx_train.modules.ts_forecast.processor import TsForecastProcessor

PLAIN = TsForecastProcessor(
    context=4, horizon=2, targets=("a",), mean=(0.0,), std=(1.0,), frequency="1D", time="date", seasonal_errors=(1.0,)
)
MARKED = replace(PLAIN, missing=(-200.0, 9.96921e36), time_format="%d/%m/%Y")


def test_marks_and_the_order_of_days_are_remembered(tmp_path: Path) -> None:
    assert TsForecastProcessor.from_inference(MARKED.to_inference("DLinear")) == MARKED
    assert TsForecastProcessor.from_inference(PLAIN.to_inference("DLinear")) == PLAIN
    assert not {"missing", "time_format"} & set(PLAIN.to_inference("DLinear")["Series"])
    days = pd.date_range("2024-02-01", periods=5, freq="D").strftime("%d/%m/%Y")
    rows = (f"{day},{-200 if at == 1 else at}\n" for at, day in enumerate(days))
    (tmp_path / "t.csv").write_text("date,a\n" + "".join(rows))
    series = MARKED.as_input(tmp_path / "t.csv")
    assert np.flatnonzero(np.isnan(series.values[:, 0])).tolist() == [1]
    assert (np.diff(series.times) == 86_400 * 10**9).all()
    with pytest.raises(UserError, match="its rows are MS apart"):
        PLAIN.as_input(tmp_path / "t.csv")


def test_frames_have_steps_too_and_arrays_have_none() -> None:
    hours = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=8, freq="h"), "a": np.arange(8.0)})
    with pytest.raises(UserError, match="its rows are 1h apart, those that the model was trained on 1D"):
        PLAIN.as_input(hours)
    with pytest.raises(UserError, match="its rows are 1h apart"):
        PLAIN.as_inputs(hours.set_index("date"))
    assert len(PLAIN.as_input(np.arange(8.0))) == len(PLAIN.as_input(hours[["a"]])) == 8


@pytest.mark.parametrize(("frequency", "last", "first"), [
    ("MS", "2024-01-15", "2024-02-15"), ("MS", "2024-01-01", "2024-02-01"), ("ME", "2024-01-31", "2024-02-29"),
    ("QS", "2024-04-01", "2024-07-01"),
])  # fmt: skip
def test_months_go_on_from_the_day_of_the_last_row(frequency: str, last: str, first: str) -> None:
    times = replace(PLAIN, frequency=frequency).times(Cutoff(pd.Timestamp(last).value, True))
    assert times[0] == pd.Timestamp(first).value


def test_numbers_beyond_32_bits_have_a_sentence() -> None:
    with pytest.raises(UserError, match=r"too far from those the model was trained on.*\(a\)"):
        PLAIN.preprocess(PLAIN.as_input(np.asarray([1.0, 2.0, 3.0, 1e300])))
