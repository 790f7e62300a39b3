"""What is told of a dataset with marked rows and of options that do not fit it; its windows, series and splits."""

from __future__ import annotations

import contextlib
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import plx_train
from kit.made_series import make_anomaly_set
from plx_train.config.options import DatasetOptions
from plx_train.contract.check import CheckReport
from plx_train.ground.errors import DataError, UserError
from plx_train.modules.ts_anomaly.check import CheckedMarks, rows_needed
from plx_train.modules.ts_anomaly.config import TsAnomalyConfig
from plx_train.modules.ts_anomaly.data import TrainWindows, WholeSeries
from plx_train.modules.ts_anomaly.processor import TsAnomalyProcessor
from plx_train.modules.ts_anomaly.room import TsAnomalyRoom
from plx_train.series.frame import Series

SMALL = ("module=ts_anomaly", "module.context=40", "dataset.columns.targets=null", "quiet=true")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return make_anomaly_set(tmp_path / "data")


def findings(dataset: Path, *overrides: str) -> list[dict[str, Any]]:
    """Of mode=check_dataset, which ends with an error where one is found."""
    output = dataset.parent / "check"
    given = [*SMALL, f"dataset.root={dataset}", f"output={output}", "mode=check_dataset", *overrides]
    with contextlib.suppress(DataError):
        plx_train.run(given)
    return json.loads((output / "check.json").read_text())["findings"]


def codes(dataset: Path, *overrides: str) -> set[tuple[str, str]]:
    return {(one["code"], one["level"]) for one in findings(dataset, *overrides)}


def change(path: Path, **columns: Any) -> None:
    """Gives columns of a table other values; None takes one out."""
    table = pd.read_csv(path)
    for name, values in columns.items():
        table = table.drop(columns=name) if values is None else table.assign(**{name: values})
    table.to_csv(path, index=False)


def test_a_sound_dataset_has_figures_and_pictures(dataset: Path) -> None:
    assert findings(dataset) == []
    statistics = json.loads((dataset.parent / "check/check.json").read_text())["statistics"]
    assert (statistics["val"]["anomalous_rows"], statistics["val"]["anomalous_events"]) == (12, 3)
    assert statistics["train"]["columns"] == 2 and statistics["train"]["anomalous_rows"] == 0
    assert list((dataset.parent / "check").rglob("series_0.png"))


def test_labels_that_are_missing_wrong_or_many_are_told_of(dataset: Path) -> None:
    change(dataset / "val.csv", label=None)
    assert codes(dataset) == {("no-anomalies", "warning")}
    assert ("column-missing", "error") in codes(dataset, "dataset.columns.label=label")
    change(dataset / "val.csv", label=0)
    found = findings(dataset, "module.threshold=best_f1")
    assert "column label marks none" in found[0]["reason"]
    assert [one["code"] for one in found] == ["no-anomalies", "no-labels-for-threshold"]
    change(dataset / "val.csv", label=[1] * 200 + [0] * 200)
    assert codes(dataset) == {("many-anomalies", "warning")}
    change(dataset / "val.csv", label=[2] * 200 + [0] * 200)
    assert ("flag-not-0-or-1", "error") in codes(dataset)
    change(dataset / "val.csv", label=["bad"] * 200 + ["good"] * 200)
    assert ("flag-not-0-or-1", "error") in codes(dataset)


def test_anomalies_in_training_are_told_of_and_need_room_for_windows(dataset: Path) -> None:
    marks = np.zeros(400, int)
    marks[100:110] = 1
    change(dataset / "train.csv", label=marks)
    found = findings(dataset)
    assert [one["code"] for one in found] == ["anomalies-in-training"] and "10 of 400 rows" in found[0]["reason"]
    marks[::30] = 1
    change(dataset / "train.csv", label=marks)
    assert ("too-short", "error") in codes(dataset)


def test_windows_that_do_not_exist_and_rows_in_both_files(dataset: Path) -> None:
    found = findings(dataset, "module.context=401")
    assert {one["code"] for one in found} == {"too-short"}
    assert "lower module.context to 400 at most" in found[0]["reason"]
    (dataset / "val.csv").write_bytes((dataset / "train.csv").read_bytes())
    assert ("rows-in-both", "error") in codes(dataset)


def test_other_columns_in_validation_are_an_error(dataset: Path) -> None:
    change(dataset / "val.csv", feature_1=None)
    assert ("other-columns", "error") in codes(dataset)


def test_missing_values_are_filled_by_the_policy_and_marks_by_none(dataset: Path) -> None:
    table = pd.read_csv(dataset / "val.csv")
    table.loc[99, ["feature_0", "label"]] = np.nan
    table.to_csv(dataset / "val.csv", index=False)
    assert any(level == "error" for _, level in codes(dataset))
    assert not any(level == "error" for _, level in codes(dataset, "dataset.fill=linear"))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("module.threshold=best", "module.threshold=best does not exist; did you mean 'best_f1'"),
        ("module.loss=rmse", "module.loss=rmse does not exist; did you mean 'mse'"),
        ("module.percent=100", "module.percent=100.0 is out of range: it must be above 0 and below 100"),
        ("module.risk=0.5", "module.risk=0.5 must be below 1 - module.level, which is 0.02"),
        ("module.smooth=41", "module.smooth must be 1 to module.context=40"),
        ("module.score_stride=41", "module.score_stride must be 1 to"),
        ("module.stride=0", "module.stride=0 is out of range: it must be at least 1"),
        ("module.depth=0", "module.depth=0 is out of range: it must be at least 1"),
        ("module.network=DLinear", "module.network=DLinear does not exist; did you mean 'DLinear_ad'"),
        ("module.models=[DLinear_ad,AutoEncoder]", "module.models=AutoEncoder does not exist; did you mean 'AutoEnc"),
        ("module.models=[DLinear_ad]", "no two different networks"),
        ("dataset.columns.past_covariates=[feature_1]", "takes no covariates"),
    ],
)
def test_options_that_do_not_fit_are_refused(dataset: Path, override: str, said: str) -> None:
    given = [*SMALL, f"dataset.root={dataset}", f"output={dataset.parent / 'run'}", "tracking=off", "device=cpu"]
    with pytest.raises(UserError, match=said):
        plx_train.run([*given, override])


PROCESSOR = TsAnomalyProcessor(context=4, stride=2, features=("y",), mean=(1.0,), std=(2.0,))


def series(name: str, rows: int, marked: tuple[int, ...] = ()) -> Series:
    """The rows 0, 1, 2 … with marks."""
    values = np.stack([np.arange(rows), np.isin(np.arange(rows), marked)], axis=1).astype(np.float64)
    return Series(name, name, np.arange(rows), False, ("y", "label"), values)


def test_windows_leave_marked_rows_out_and_are_scaled() -> None:
    windows = TrainWindows([series("a", 12, (5,)), series("b", 3)], PROCESSOR, "label")
    assert len(windows) == 2 + 3
    batch = windows.batch(np.array([0, 2]))
    assert batch["x"].dtype == np.float32 and batch["x"].shape == (2, 4, 1)
    np.testing.assert_allclose(batch["x"][..., 0] * 2 + 1, [[0, 1, 2, 3], [6, 7, 8, 9]])
    assert list(batch["names"]) == ["a from 0", "a from 6"] and list(batch["names"][1:]) == ["a from 6"]
    assert windows.original(2).values[:, 0].tolist() == [6, 7, 8, 9]
    assert len(pickle.loads(pickle.dumps(windows))) == 5
    np.testing.assert_array_equal(windows.get(2, np.random.default_rng(0)).x, batch["x"][1])


def test_a_sample_of_evaluation_is_a_whole_series() -> None:
    whole = WholeSeries([series("a", 9, (5,)), series("b", 3)], PROCESSOR, "label")
    assert whole.names == ["a"]
    sample = whole.get(0, np.random.default_rng(0))
    assert sample.x.shape == (9, 1) and sample.truth.tolist() == [0] * 5 + [1] + [0] * 3
    assert whole.original(0).columns == ("y",)
    assert WholeSeries([series("a", 9)], PROCESSOR, None).get(0, np.random.default_rng(0)).truth is None


def checked(train: list[Series], val: list[Series], **options: Any) -> CheckedMarks:
    return CheckedMarks(CheckReport("", (), {}, ""), train, val, TsAnomalyConfig(**options), 4, "label", True)


def test_the_threshold_is_chosen_on_what_was_held_out_if_that_is_enough() -> None:
    train, val = [series("train", 300)], [series("val", 40, (20,))]
    kept, held = checked(train, val, percent=98.0).hold_out(train, 0.2, 0)
    assert (len(kept[0]), len(held[0]), held[0].times[0]) == (240, 60, 240)
    for share, options in ((0.1, {"percent": 98.0}), (0.0, {}), (0.3, {"threshold": "pot"})):
        assert checked(train, val, **options).hold_out(train, share, 0) == (train, train)
    assert rows_needed(TsAnomalyConfig(percent=98.0)) == 50


def test_the_best_f1_is_chosen_where_anomalies_are() -> None:
    train, val = [series("train", 300)], [series("val", 40, (20,))]
    assert checked(train, val, threshold="best_f1").hold_out(train, 0.2, 0) == (train, val)
    marked = [series("train", 300, (290,))]
    kept, held = checked(marked, val, threshold="best_f1").hold_out(marked, 0.2, 0)
    assert (len(kept[0]), len(held[0])) == (240, 60)


def test_a_limit_takes_windows_of_training_and_nothing_of_validation() -> None:
    train, val = [series("a", 6), series("b", 30)], [series("val", 40, (20,))]
    found = checked(train, val)
    assert [len(one) for one in found.first(found.train, 5)] == [6, 5]
    assert found.first(found.val, 5) == val


def test_what_data_say_is_fitted_to_normal_rows_that_are_not_held_out(tmp_path: Path) -> None:
    rows = np.arange(100.0)
    table = pd.DataFrame({"time": np.arange(100), "y": rows, "label": (rows == 50).astype(int)})
    for name in ("train", "val"):
        table.assign(y=rows + 1000 * (name == "val")).to_csv(tmp_path / f"{name}.csv", index=False)
    room, module = TsAnomalyRoom(), TsAnomalyConfig(context=10)
    options = DatasetOptions(root=str(tmp_path), train="train.csv", val="val.csv", holdout_share=0.2)
    data = room.read(options, module)
    assert (data.label, data.has_anomalies) == ("label", True)
    processor = room.fit(data, options, module, None)
    assert processor is not None and processor.features == ("y",) and processor.stride == 1
    assert processor.mean[0] == pytest.approx(np.delete(rows[:80], 50).mean())
    found = room.check(data, processor, options, module)
    assert room.monitor_of(found) == "auroc" and [each.code for each in found.report.findings] == [
        "anomalies-in-training"
    ]
    other = room.check(data, replace(processor, features=("x",)), options, module)
    assert [str(each) for each in other.report.errors] == ["train.csv:1: its features are y, those of the model x"]


def test_without_marks_the_error_picks_the_best(tmp_path: Path) -> None:
    for name, first in (("train", 0.0), ("val", 500.0)):
        values = np.sin(first + np.arange(100.0))
        pd.DataFrame({"time": int(first) + np.arange(100), "y": values}).to_csv(tmp_path / f"{name}.csv", index=False)
    room, module = TsAnomalyRoom(), TsAnomalyConfig(context=10)
    options = DatasetOptions(root=str(tmp_path), train="train.csv", val="val.csv")
    data = room.read(options, module)
    processor = room.fit(data, options, module, None)
    assert processor is not None and room.monitor_of(room.check(data, processor, options, module)) == "mse"
