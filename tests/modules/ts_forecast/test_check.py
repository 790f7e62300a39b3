"""What is told of a forecasting dataset and of options that do not fit it, before anything is trained."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import plx_train
from kit.made_series import ForecastSet, make_forecast_set
from plx_train.config.options import ColumnsOptions, DatasetOptions
from plx_train.ground.errors import ConfigError, DataError, UserError
from plx_train.modules.ts_forecast.config import TsForecastConfig
from plx_train.modules.ts_forecast.room import TsForecastRoom

SMALL = ("module=ts_forecast", "module.context=48", "module.horizon=12", "dataset.columns.targets=[y0]", "quiet=true")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return make_forecast_set(tmp_path / "data")


def findings(dataset: Path, *overrides: str) -> list[dict[str, object]]:
    """Of mode=check_dataset, which ends with an error where one is found."""
    output = dataset.parent / "check"
    given = [*SMALL, f"dataset.root={dataset}", f"output={output}", "mode=check_dataset", *overrides]
    with contextlib.suppress(DataError):
        plx_train.run(given)
    return json.loads((output / "check.json").read_text())["findings"]


def change(path: Path, alter: Callable[[list[str]], list[str]]) -> None:
    """Writes a table's rows anew; `alter` gets them without the header."""
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *alter(lines[1:])]) + "\n")


def test_a_sound_dataset_has_figures_and_pictures(dataset: Path) -> None:
    found = findings(dataset)
    assert found == []
    report = json.loads((dataset.parent / "check/check.json").read_text())
    train = report["statistics"]["train"]
    assert (train["rows"], train["series"], train["frequency"], train["season"]) == (280, 1, "1h", 24)
    assert list((dataset.parent / "check").rglob("series_0.png"))


@pytest.mark.parametrize(
    ("code", "level", "alter"),
    [
        ("duplicate-time", "error", lambda rows: [*rows[:40], rows[39], *rows[40:]]),
        ("out-of-order", "warning", lambda rows: [*rows[:40], rows[41], rows[40], *rows[42:]]),
        ("gaps", "warning", lambda rows: rows[:100] + rows[103:]),
        ("missing-values", "error", lambda rows: [*rows[:9], rows[9].partition(",")[0] + ",", *rows[10:]]),
        ("infinite-values", "error", lambda rows: [*rows[:9], rows[9].partition(",")[0] + ",inf", *rows[10:]]),
        ("too-short", "error", lambda rows: rows[:59]),
    ],
)
def test_what_is_wrong_is_named(dataset: Path, code: str, level: str, alter: Callable[[list[str]], list[str]]) -> None:
    change(dataset / "train.csv", alter)
    found = findings(dataset)
    assert any((one["code"], one["level"]) == (code, level) for one in found), found


def test_gaps_and_missing_values_are_filled_by_the_policy(dataset: Path) -> None:
    change(dataset / "train.csv", lambda rows: [*rows[:9], rows[9].partition(",")[0] + ",", *rows[10:100], *rows[103:]])
    assert not [one for one in findings(dataset, "dataset.fill=linear") if one["level"] == "error"]
    with pytest.raises(UserError, match=r"dataset.fill=guess"):
        findings(dataset, "dataset.fill=guess")


def test_validation_that_was_trained_on_is_an_error(dataset: Path) -> None:
    rows = (dataset / "train.csv").read_text().splitlines()
    (dataset / "val.csv").write_text("\n".join([rows[0], *rows[100:220]]) + "\n")
    assert any((one["code"], one["level"]) == ("rows-in-both", "error") for one in findings(dataset))


def test_windows_that_do_not_exist_say_which_option_to_lower(dataset: Path) -> None:
    found = findings(dataset, "module.context=400")
    reason = next(str(one["reason"]) for one in found if one["code"] == "too-short")
    assert "train.csv has 280 rows" in reason and "412" in reason and "lower module.context to 268 at most" in reason


def test_a_context_that_shows_no_whole_season_is_warned_of(dataset: Path) -> None:
    found = findings(dataset, "module.context=20")
    assert any(one["code"] == "season-longer-than-context" and "every 24 rows" in str(one["reason"]) for one in found)


def test_another_frequency_in_validation_is_an_error(dataset: Path) -> None:
    change(dataset / "val.csv", lambda rows: rows[::2])
    assert any(one["code"] == "other-frequency" for one in findings(dataset))


def test_a_column_that_is_not_there_has_a_neighbour(dataset: Path) -> None:
    found = findings(dataset, "dataset.columns.targets=[yo]")
    assert any("no column 'yo'" in str(one["reason"]) for one in found)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("module.loss=rmse", "module.loss=rmse does not exist; did you mean 'mse'"),
        ("module.quantiles=[0.9,0.1]", "module.quantiles must rise"),
        ("module.period=49", "module.period must be 1 to module.context=48"),
        ("module.horizon=0", "module.horizon=0 is out of range: it must be at least 1"),
        ("module.quantiles=[0.1,1.5]", "each must be above 0 and below 1"),
        ("module.dropout=1.0", "module.dropout=1.0 is out of range: it must be from 0 to below 1"),
        ("module.network=Dlinear", "module.network=Dlinear does not exist; did you mean 'DLinear'"),
        ("module.models=[DLinear,PatchTTS]", "module.models=PatchTTS does not exist; did you mean 'PatchTST'"),
        ("module.models=[DLinear,DLinear]", "no two different networks"),
        ("module.fusion=vote", "module.fusion=vote does not exist; there is: stack, mean, median"),
    ],
)
def test_options_that_do_not_fit_are_refused(dataset: Path, override: str, said: str) -> None:
    given = [*SMALL, f"dataset.root={dataset}", f"output={dataset.parent / 'run'}", "tracking=off", "device=cpu"]
    with pytest.raises(UserError, match=said):
        plx_train.run([*given, override])


def test_a_calendar_needs_dates(tmp_path: Path) -> None:
    dataset = make_forecast_set(tmp_path / "data", ForecastSet())
    for file in ("train.csv", "val.csv"):
        first = 0 if file == "train.csv" else 280
        change(dataset / file, lambda rows, first=first: [f"{first + n},{r.split(',')[1]}" for n, r in enumerate(rows)])
    with pytest.raises(ConfigError, match=r"module.calendar needs dates"):
        findings(dataset, "module.calendar=true", "module.network=TiDE")


def test_validation_may_bring_its_first_context_from_training(dataset: Path) -> None:
    header, *train = (dataset / "train.csv").read_text().splitlines()
    val = (dataset / "val.csv").read_text().splitlines()[1:]
    (dataset / "val.csv").write_text("\n".join([header, *train[-48:], *val]) + "\n")
    assert findings(dataset) == []
    (dataset / "val.csv").write_text("\n".join([header, *train[-49:], *val]) + "\n")
    assert [found["code"] for found in findings(dataset)] == ["rows-in-both"]


def test_a_finished_model_knows_its_columns(tmp_path: Path) -> None:
    dataset = make_forecast_set(tmp_path / "data", ForecastSet(targets=2))
    room, module = TsForecastRoom(), TsForecastConfig(context=48, horizon=12)
    columns = ColumnsOptions(time="date", targets=["y0", "y1"])
    options = DatasetOptions(root=str(dataset), train="train.csv", val="val.csv", columns=columns)
    data = room.read(options, module)
    processor = room.fit(data, options, module, None)
    assert processor is not None and room.check(data, processor, options, module).report.ok
    found = room.check(data, replace(processor, targets=("y1", "y0"), context=10), options, module)
    assert [str(finding) for finding in found.report.errors] == [
        "train.csv:1: its columns are y0, y1, those of the model y1, y0"
    ]
    assert found.context == 10
