"""Pipelines of series: a result for each series, what they are saved as, freezing, promotion."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import plx_train
from kit.untrained_series import PIPELINES, export_of
from plx_train.ground.errors import UserError


@pytest.fixture(scope="module", params=PIPELINES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path]:
    return request.param, *export_of(request.param, tmp_path_factory.mktemp(request.param))


@pytest.mark.long
def test_every_series_has_its_own_result(made: tuple[str, Path, Path], tmp_path: Path) -> None:
    room, export, dataset = made
    name, part, key = PIPELINES[room]
    pipeline = plx_train.pipeline(name, **{part: str(export)})
    results = list(pipeline.predict(dataset / "val.csv"))
    assert len(results) == {"ts_forecast": 2, "ts_anomaly": 1, "ts_cls": 12}[room]
    frame = pd.read_csv(dataset / "val.csv")
    frames = [part for _, part in frame.groupby("group_id", sort=False)] if "group_id" in frame else [frame]
    for result, one in zip(results, frames, strict=True):
        (alone,) = pipeline.predict(one)
        pd.testing.assert_frame_equal(alone[key], result[key], rtol=1e-4, check_index_type=False)
    if len(results) > 1:
        assert not np.allclose(*(result[key].to_numpy(str).astype(float)[:, -1] for result in results[:2]))
    assert results[0]["models"][part]["sha256"] and results[0]["input_path"] == str(dataset / "val.csv")


def test_results_are_saved_as_paddlex_names_them(made: tuple[str, Path, Path], tmp_path: Path) -> None:
    room, export, dataset = made
    name, part, key = PIPELINES[room]
    pipeline = plx_train.pipeline(name, **{part: str(export)})
    result = next(iter(pipeline.predict([dataset / "val.csv"])))
    result.save_all(tmp_path)
    (csv,) = tmp_path.glob("*_res.csv")
    saved = pd.read_csv(csv, index_col=0)
    assert list(saved.columns) == list(result[key].columns) and len(saved) == len(result[key])
    told = json.loads(next(iter(tmp_path.glob("*_res.json"))).read_text())
    assert set(told[key]) == {result[key].index.name, *result[key].columns}
    (picture,) = tmp_path.glob("*_res.jpg")
    assert picture.stat().st_size > 5000


def test_a_frozen_folder_runs_without_the_run(made: tuple[str, Path, Path], tmp_path: Path) -> None:
    room, export, dataset = made
    name, part, key = PIPELINES[room]
    given = [f"models.{part}={export}", f"output={tmp_path / 'frozen'}", "tracking=off", "quiet=true"]
    plx_train.run(["mode=export_pipeline", f"pipeline={name}", *given])
    frozen = tmp_path / "frozen"
    assert (frozen / "models" / part / "scaler.pkl").is_file() == (export / "scaler.pkl").is_file()
    ours = next(iter(plx_train.pipeline(name, **{part: str(export)}).predict(dataset / "val.csv")))
    again = next(iter(plx_train.pipeline(frozen).predict(dataset / "val.csv")))
    pd.testing.assert_frame_equal(again[key], ours[key])


def test_the_command_line_writes_a_table_per_series(made: tuple[str, Path, Path], tmp_path: Path) -> None:
    room, export, dataset = made
    name, part, _ = PIPELINES[room]
    given = [f"models.{part}={export}", f"input={dataset / 'val.csv'}", f"output={tmp_path / 'out'}", "tracking=off"]
    result = plx_train.run(["mode=predict", f"pipeline={name}", *given, "quiet=true"])
    assert result.metrics["series"] == len(list((tmp_path / "out").glob("*_res.csv")))


@pytest.mark.long
def test_a_run_becomes_champion_and_is_found_by_its_alias(made: tuple[str, Path, Path], tmp_path: Path) -> None:
    room, export, dataset = made
    name, part, key = PIPELINES[room]
    uri = f"sqlite:///{tmp_path / 'm.db'}"
    given = ["mode=promote", f"run={export.parent}", "alias=champion", f"tracking.uri={uri}"]
    plx_train.run([*given, f"output={tmp_path / 'promoted'}", "quiet=true"])
    found = [f"models.{part}=models:/{room}@champion", f"input={dataset / 'val.csv'}", f"tracking.uri={uri}"]
    output = tmp_path / "out"
    plx_train.run(["mode=predict", f"pipeline={name}", *found, f"output={output}", "quiet=true"])
    told = json.loads(next(iter(sorted(output.glob("*_res.json")))).read_text())
    assert told["models"][part]["version"] == "1" and key in told


def test_a_model_of_another_room_is_refused(made: tuple[str, Path, Path]) -> None:
    room, export, _ = made
    name, part, _ = PIPELINES["ts_cls" if room == "ts_forecast" else "ts_forecast"]
    with pytest.raises(UserError, match=f"{part} takes a model of ts_.*, not of {room}"):
        plx_train.pipeline(name, **{part: str(export)})


def test_what_is_no_series_has_a_sentence(made: tuple[str, Path, Path], tmp_path: Path) -> None:
    room, export, _ = made
    name, part, _ = PIPELINES[room]
    pipeline = plx_train.pipeline(name, **{part: str(export)})
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match="holds no table"):
        list(pipeline.predict(empty))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"other.csv.*column"):
        list(pipeline.predict(tmp_path / "other.csv"))
    with pytest.raises(UserError, match="must be a path, a data frame or an array"):
        list(pipeline.predict(7))


def test_files_of_one_name_have_results_of_their_own(made: tuple[str, Path, Path], tmp_path: Path) -> None:
    room, export, dataset = made
    name, part, _ = PIPELINES[room]
    content = (dataset / "val.csv").read_bytes()
    for folder in ("one", "two"):
        (tmp_path / "in" / folder).mkdir(parents=True)
        (tmp_path / "in" / folder / "val.csv").write_bytes(content)
    pipeline = plx_train.pipeline(name, **{part: str(export)})
    files = [tmp_path / "in" / folder / "val.csv" for folder in ("one", "two")]
    for number, given in enumerate((files, tmp_path / "in")):
        results = list(pipeline.predict(given))
        for result in results:
            result.save_to_json(tmp_path / f"out{number}")
        assert len(list((tmp_path / f"out{number}").rglob("*_res.json"))) == len(results) > 1


def test_a_graph_that_onnx_gets_wrong_is_run_by_paddle(
    made: tuple[str, Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    room, export, dataset = made
    name, part, _ = PIPELINES[room]
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path))
    monkeypatch.setattr("plx_train.export.runtimes._candidates", lambda folder: ["paddle", "onnx"])
    monkeypatch.setattr("plx_train.export.onnx_model.write_onnx", lambda folder: folder)
    monkeypatch.setattr(
        "plx_train.export.onnx_model.onnx_model", lambda folder: lambda *inputs: [np.full((1, 1), np.nan)]
    )
    pipeline = plx_train.pipeline(name, **{part: str(export)})
    assert pipeline.parts[part].predictor.engine == "paddle"
    assert len(list(pipeline.predict(dataset / "val.csv"))) > 0
    section = {"SubModules": {part: {"model_dir": str(export)}}}
    with pytest.raises(UserError, match=r"differs by .*take engine=paddle"):
        plx_train.pipeline({"pipeline_name": name, "engine": "onnx", **section})


def test_numbers_beyond_reason_have_a_sentence(made: tuple[str, Path, Path]) -> None:
    room, export, _ = made
    name, part, _ = PIPELINES[room]
    pipeline = plx_train.pipeline(name, **{part: str(export)})
    series = pipeline.sample()
    with pytest.raises(UserError, match="too far from those"):
        list(pipeline.predict(series.values * 1e300))


def test_a_table_of_another_step_is_refused(made: tuple[str, Path, Path], tmp_path: Path) -> None:
    room, export, dataset = made
    name, part, _ = PIPELINES[room]
    frame = pd.read_csv(dataset / "val.csv")
    time = {"ts_forecast": "date", "ts_anomaly": "timestamp", "ts_cls": "time"}[room]
    if time == "date":
        frame[time] = pd.to_datetime("2024-01-01") + (pd.to_datetime(frame[time]) - pd.Timestamp("2024-01-01")) * 24
    else:
        frame[time] *= 24
    frame.to_csv(tmp_path / "days.csv", index=False)
    pipeline = plx_train.pipeline(name, **{part: str(export)})
    if room == "ts_cls":
        assert len(list(pipeline.predict(tmp_path / "days.csv"))) == 12
        return
    with pytest.raises(
        UserError, match=r"days.csv.*: its rows are (1D|24) apart, those that the model was trained on 1h?:"
    ):
        list(pipeline.predict(tmp_path / "days.csv"))
