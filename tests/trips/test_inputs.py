"""What check, training, prediction and server make of files as people have them: docs/inputs.md says it, this makes it.

UPDATE_DOCS=1 python -m pytest tests/trips/test_inputs.py  # renews the tables
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import plx_train
from kit.input_kinds import PICTURES, PLACES
from kit.places import ROOT
from kit.rooms import tiny_room
from kit.runs import train_room
from kit.table_kinds import TABLES, csv, frame, halves
from plx_train.config.serve_options import ServeOptions
from plx_train.ground.errors import DataError, UserError
from plx_train.pipelines.base import Pipeline
from plx_train.serving.app import create_app

FILE = ROOT / "docs" / "inputs.md"
FORECAST = ("module.context=24", "module.horizon=6", "trainer.max_steps=1")
PICTURE_PATH, TABLE_PATH = "/image-classification", "/time-series-forecasting"
Row = tuple[str, str, str, str, str]


def told(table: str) -> str:
    """The table of that name, as docs/inputs.md has it."""
    found = re.search(rf"<!-- {table} -->\n(.*?)\n?<!-- end -->", FILE.read_text("utf-8"), re.DOTALL)
    assert found, table
    return found[1]


def compare(table: str, rows: list[Row]) -> None:
    """Holds the table against what was found; renews it where UPDATE_DOCS=1."""
    head = ("", "check", "train", "predict", "server")
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ("---",) * 5, *rows)]
    if os.environ.get("UPDATE_DOCS") == "1":
        begin, end = f"<!-- {table} -->\n", "\n<!-- end -->"
        head_part, _, rest = FILE.read_text("utf-8").partition(begin)
        tail_part = rest.partition(end)[2]
        FILE.write_text(head_part + begin + "\n".join(lines) + end + tail_part, "utf-8")
    assert told(table).splitlines() == lines


def check(room: str, root: Path, output: Path, *overrides: str) -> str:
    """The codes that a check tells, or that it takes all."""
    train_room(room, root, output, "mode=check_dataset", *overrides)
    findings = json.loads((output / "check.json").read_text())["findings"]
    codes = {(item["level"], item["code"]) for item in findings}
    return ", ".join(f"{level} `{code}`" for level, code in sorted(codes)) or "taken"


def predicted(pipeline: Pipeline, path: Path) -> str:
    """How many results a file gives, or that it is told."""
    try:
        count = len(list(pipeline.predict(str(path))))
    except UserError as error:
        assert path.name in str(error) and "\n" not in str(error), error
        return "told"
    return "answer" if count == 1 else f"{count} answers"


def served(client: TestClient, path: str, field: str, file: bytes) -> str:
    """How many results the server gives for what a field holds, or its status."""
    answer = client.post(path, json={field: base64.b64encode(file).decode(), "visualize": False})
    content = answer.json()
    if answer.status_code != 200:
        assert answer.status_code < 500 and "\n" not in content["errorMsg"] and len(content["errorMsg"]) > 10, content
        return str(answer.status_code)
    found = [value for key, value in content["result"].items() if key.endswith("Results")]
    count = len(found[0]) if found else 1
    return "answer" if count == 1 else f"{count} answers"


@contextmanager
def opened(name: str, part: str, export: Path) -> Iterator[tuple[Pipeline, TestClient]]:
    """The pipeline of a model, in this process and behind a server."""
    pipeline = plx_train.pipeline(name, **{part: str(export)})
    with TestClient(create_app(pipeline, ServeOptions(max_wait_ms=0.0))) as client:
        yield pipeline, client


def lay(root: Path, name: str, content: bytes | Callable[[Path], None]) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content(path) if callable(content) else path.write_bytes(content)
    return path


@pytest.mark.long
def test_pictures(tmp_path: Path) -> None:
    root = tiny_room("image_cls").make_dataset(tmp_path / "data")
    kinds = {**PICTURES, **PLACES}
    paths = {kind: lay(root / "images", name, content) for kind, (name, content) in kinds.items()}
    lines = {kind: f"images/{path.name}\t0\n" for kind, path in paths.items()}
    usual = (root / "train.txt").read_text()
    checked = {}
    for kind, line in lines.items():
        (root / "train.txt").write_text(usual.replace(" ", "\t") + line)
        checked[kind] = check("image_cls", root, tmp_path / "checked")
    taken = [kind for kind, said in checked.items() if "error" not in said]
    (root / "train.txt").write_text(usual.replace(" ", "\t") + "".join(lines[kind] for kind in taken))
    run = train_room("image_cls", root, tmp_path / "run", "trainer.epochs=1").output

    rows: list[Row] = []
    with opened("image_classification", "ImageClassification", run / "export") as (pipeline, client):
        for kind, path in paths.items():
            found = predicted(pipeline, path)
            asked = served(client, PICTURE_PATH, "image", path.read_bytes()) if path.is_file() else "none"
            rows.append((kind, checked[kind], "trained" if kind in taken else "refused", found, asked))
    compare("pictures", rows)


@pytest.mark.long
def test_tables(tmp_path: Path) -> None:
    rows: list[Row] = []
    plain = tmp_path / "plain"
    for split, table in (("train", frame()[:200]), ("val", frame()[200:])):
        lay(plain, f"{split}.csv", csv(table))
    run = train_room("ts_forecast", plain, tmp_path / "run", *FORECAST, "dataset.columns.targets=[load]").output
    with opened("ts_forecast", "TSForecast", run / "export") as (pipeline, client):
        for number, kind in enumerate(TABLES):
            root = tmp_path / str(number)
            suffix, train, val = halves(kind)
            lay(root, f"train{suffix}", train)
            path = lay(root, f"val{suffix}", val)
            given = (f"dataset.train=train{suffix}", f"dataset.val=val{suffix}", *FORECAST)
            given = (*given, "dataset.columns.targets=null")
            checked = check("ts_forecast", root, tmp_path / "checked", *given)
            trained = "refused"
            try:
                train_room("ts_forecast", root, tmp_path / "run" / str(number), *given)
                trained = "trained"
            except DataError:
                assert "error" in checked
            asked = served(client, TABLE_PATH, "csv", val)
            rows.append((kind, checked, trained, predicted(pipeline, path), asked))
    compare("tables", rows)
