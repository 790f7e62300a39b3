"""Series over HTTP as PaddleX's clients send them, and a sentence for every table that can't be used."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

import plx_train
from kit.browser import CHROMIUM, browsing
from kit.local_server import serving
from kit.untrained_series import PIPELINES, export_of
from plx_train.config.options import ServeOptions
from plx_train.serving.app import create_app

PATHS = {
    "ts_forecast": "/time-series-forecasting",
    "ts_anomaly": "/time-series-anomaly-detection",
    "ts_cls": "/time-series-classification",
}


COLUMNS = ("y0", "feature_0", "dim_0")
"""One of them is a column of values in each room's tiny set."""


def first_series(dataset: Path) -> str:
    """The table of the first series, without the others."""
    frame = pd.read_csv(dataset / "val.csv")
    one = frame[frame["group_id"] == frame["group_id"].iloc[0]] if "group_id" in frame else frame
    return str(one.to_csv(index=False))


def as_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def table_of(answer: dict[str, Any]) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(base64.b64decode(answer["result"]["csv"])))


@pytest.fixture(scope="module", params=PATHS)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, TestClient, Path]]:
    room = request.param
    export, dataset = export_of(room, tmp_path_factory.mktemp(room))
    name, part, _ = PIPELINES[room]
    pipeline = plx_train.pipeline(name, **{part: str(export)})
    with TestClient(create_app(pipeline, ServeOptions(max_rows=1000, max_series=20, max_wait_ms=0.0))) as client:
        yield room, client, dataset


@pytest.mark.long
def test_a_table_is_answered_as_by_paddlex(served: tuple[str, TestClient, Path]) -> None:
    room, client, dataset = served
    told = client.post(PATHS[room], json={"csv": as_text(first_series(dataset).encode())}).json()
    assert (told["errorCode"], told["errorMsg"]) == (0, "Success")
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(told["result"]["image"]), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[0] > 100 and len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    if room == "ts_cls":
        assert told["result"]["label"] in {"0", "1", "2"} and 0 < told["result"]["score"] <= 1
        assert "series" not in told["result"]
    else:
        expected = {"ts_forecast": ["date", "y0"], "ts_anomaly": ["timestamp", "label"]}[room]
        assert list(table_of(told).columns)[:2] == expected


def test_each_group_has_its_own_answer(served: tuple[str, TestClient, Path]) -> None:
    room, client, dataset = served
    if room == "ts_anomaly":
        pytest.skip("its tiny set has one series")
    given = {"csv": as_text((dataset / "val.csv").read_bytes()), "visualize": False}
    told = client.post(PATHS[room], json=given).json()
    assert "image" not in told["result"]
    if room == "ts_cls":
        assert len(told["result"]["series"]) == 12
    else:
        found = table_of(told)
        means = found.groupby("group_id")["y0"].mean()
        assert list(means.index) == ["g0", "g1"] and means["g1"] != pytest.approx(means["g0"])


FAULTY = {
    "empty": (lambda text: "", "empty"),
    "header alone": (lambda text: text.splitlines()[0] + "\n", "no row"),
    "other columns": (lambda text: "a,b\n1,2\n", "no column"),
    "semicolons": (lambda text: text.replace(",", ";"), "separated by semicolons"),
    "open quotation mark": (lambda text: text + '"2020,', ""),
    "cells missing": (lambda text: text + "1\n", "the line has 1 cells"),
    "a text for a number": (lambda text: _with_last_cell(text, "many"), "many"),
    "infinite": (lambda text: _with_last_cell(text, "1e400"), "infinite"),
    "no value": (lambda text: _with_last_cell(text, ""), "missing values"),
    "beyond float32": (lambda text: _with_last_cell(text, "1e300"), "too far"),
    "a row twice": (lambda text: text + text.splitlines()[-1] + "\n", "already"),
    "no time": (lambda text: _with_last_cell(text, "never", ("date", "timestamp", "time")), "never"),
    "a million columns": (lambda text: ",".join(["x"] * 1_000_000) + "\n1\n", ""),
    "zero bytes": (lambda text: text + "\0" * 5000, ""),
}


def _with_last_cell(text: str, cell: str, names: tuple[str, ...] = COLUMNS) -> str:
    """The table with another cell in its last row, of the first of these columns that it has."""
    rows = text.rstrip("\n").split("\n")
    place = rows[0].split(",").index(next(name for name in names if name in rows[0].split(",")))
    cells = rows[-1].split(",")
    cells[place] = cell
    return "\n".join([*rows[:-1], ",".join(cells), ""])


@pytest.mark.parametrize("kind", FAULTY)
def test_a_table_that_cannot_be_used_is_refused(served: tuple[str, TestClient, Path], kind: str) -> None:
    room, client, dataset = served
    change, said = FAULTY[kind]
    content = change(first_series(dataset)).encode()
    answer = client.post(PATHS[room], json={"csv": as_text(content)})
    told = answer.json()["errorMsg"]
    assert answer.status_code == 422 and said in told, told
    assert "Traceback" not in answer.text and "dataset.root" not in told and len(told) < 1000


@pytest.mark.parametrize("kind", ["latin", "utf16"])
def test_other_encodings_are_refused(served: tuple[str, TestClient, Path], kind: str) -> None:
    room, client, dataset = served
    text = first_series(dataset) + "\xfc"
    content = text.encode("latin-1" if kind == "latin" else "utf-16")
    answer = client.post(PATHS[room], json={"csv": as_text(content)})
    assert answer.status_code == 422 and "UTF-" in answer.json()["errorMsg"]


def test_order_marks_and_line_ends_change_nothing(served: tuple[str, TestClient, Path]) -> None:
    room, client, dataset = served
    header, *rows = first_series(dataset).strip().split("\n")
    expected = client.post(PATHS[room], json={"csv": as_text("\n".join([header, *rows]).encode())}).json()["result"]
    shuffled = "\ufeff" + "\r\n".join([header, *rows[::-1]])
    found = client.post(PATHS[room], json={"csv": as_text(shuffled.encode())}).json()["result"]
    assert "image" in found and found == expected


def test_limits_and_addresses(served: tuple[str, TestClient, Path]) -> None:
    room, client, dataset = served
    header = (dataset / "val.csv").read_text().splitlines()[0]
    many = "\n".join([header, *["1" + ",1" * header.count(",")] * 1001])
    answer = client.post(PATHS[room], json={"csv": as_text(many.encode())})
    assert answer.status_code == 422 and "more than 1000 rows" in answer.json()["errorMsg"]
    answer = client.post(PATHS[room], json={"csv": "http://127.0.0.1/table.csv"})
    assert answer.status_code == 422 and "URLs are not fetched" in answer.json()["errorMsg"]
    assert client.post(PATHS[room], json={"csv": "not base64!"}).status_code == 422
    assert client.post(PATHS[room], json={"table": ""}).status_code == 422
    assert client.get("/health").json()["errorMsg"] == "Healthy"


def test_a_table_of_too_many_series_is_refused(served: tuple[str, TestClient, Path]) -> None:
    room, client, dataset = served
    header, *rows = first_series(dataset).strip().split("\n")
    if "group_id" not in header:
        pytest.skip("its tiny set has no groups")
    place = header.split(",").index("group_id")

    def named(row: str, group: str) -> str:
        cells = row.split(",")
        return ",".join([*cells[:place], group, *cells[place + 1 :]])

    many = [named(row, f"one{number}") for number in range(30) for row in rows[:2]]
    answer = client.post(PATHS[room], json={"csv": as_text("\n".join([header, *many]).encode())})
    assert answer.status_code == 422 and "more than 20 series" in answer.json()["errorMsg"]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_web_page_shows_plot_and_rows(served: tuple[str, TestClient, Path]) -> None:
    room, client, dataset = served
    options = ServeOptions()
    pipeline = client.app.state.service.batcher.pipeline  # type: ignore[attr-defined]
    with browsing() as page, serving(create_app(pipeline, options), options) as running:
        page.open(running.address + "/")
        page.choose_file("#file", dataset / "val.csv")
        page.wait("!document.getElementById('found').hidden")
        assert page.run("document.querySelector('canvas').width") == 960
        told = page.run("document.getElementById('status').textContent")
        rows = page.run("document.querySelectorAll('tbody tr').length")
        if room == "ts_cls":
            assert page.run("document.querySelectorAll('#list li').length") == 12 and "12 found" in told
        else:
            assert rows == {"ts_forecast": 24, "ts_anomaly": 400}[room] and f"{rows} rows" in told
        if room == "ts_anomaly":
            marked = page.run("document.querySelectorAll('tbody tr.hot').length")
            assert f"{marked} of them anomalous" in told
        assert not page.faults and all(address.startswith(running.address) for address in page.asked)


def test_a_table_of_another_step_is_refused(served: tuple[str, TestClient, Path]) -> None:
    room, client, dataset = served
    frame = pd.read_csv(io.StringIO(first_series(dataset)))
    time = next(name for name in ("date", "timestamp", "time") if name in frame)
    if time == "date":
        frame[time] = pd.date_range("2024-01-01", periods=len(frame), freq="D")
    else:
        frame[time] *= 24
    answer = client.post(PATHS[room], json={"csv": as_text(frame.to_csv(index=False).encode())})
    # A class is told by rows, however far they are apart.
    assert answer.status_code == (200 if room == "ts_cls" else 422)
    assert room == "ts_cls" or "those that the model was trained on" in answer.json()["errorMsg"]
