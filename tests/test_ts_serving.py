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
from test_ts_pipelines import PARTS
from untrained_series import export_of

import plx_train
from plx_train.options import ServeOptions
from plx_train.serving.app import create_app

PATHS = {
    "ts_forecast": "/time-series-forecasting",
    "ts_anomaly": "/time-series-anomaly-detection",
    "ts_cls": "/time-series-classification",
}


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
    name, part, _ = PARTS[room]
    pipeline = plx_train.pipeline(name, **{part: str(export)})
    with TestClient(create_app(pipeline, ServeOptions(max_rows=1000, max_wait_ms=0.0))) as client:
        yield room, client, dataset


def test_a_table_is_answered_as_by_paddlex(served: tuple[str, TestClient, Path]) -> None:
    room, client, dataset = served
    frame = pd.read_csv(dataset / "val.csv")
    one = frame[frame["group_id"] == frame["group_id"].iloc[0]] if "group_id" in frame else frame
    told = client.post(PATHS[room], json={"csv": as_text(one.to_csv(index=False).encode())}).json()
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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00garbage\x00", "no CSV table"),
        (b"a,b\n1,2\n", "no column"),
        (b'date,y0\n"2020', "no CSV table"),
        (b"date,y0\n", ""),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(
    served: tuple[str, TestClient, Path], content: bytes, said: str
) -> None:
    room, client, _ = served
    answer = client.post(PATHS[room], json={"csv": as_text(content)})
    assert answer.status_code == 422 and said in answer.json()["errorMsg"]
    assert "Traceback" not in answer.text


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
