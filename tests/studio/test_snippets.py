"""Snippets run as they are: against a server, about a file whose name is unkind to shells."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from kit.fake_pipeline import FakePipeline
from kit.local_server import Running, serving
from plx_train.config.serve_options import ServeOptions
from plx_train.serving.app import create_app
from plx_train.studio.snippets import snippets

ENDPOINT: dict[str, Any] = {"path": "/ocr", "field": "file", "answer": "pages", "key": "ocrResults"}
KEY = "k" * 20


@pytest.fixture(scope="module", params=[None, KEY], ids=["open", "with a key"])
def server(request: pytest.FixtureRequest) -> Iterator[Running]:
    options = ServeOptions()
    with serving(create_app(FakePipeline(), options, api_key=request.param), options) as running:
        yield running


@pytest.fixture
def texts(server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("PLX_SERVE_API_KEY", KEY)
    image = tmp_path / "it's 100% $HOME `here`.png"
    # Noise, so that the file is longer than an argument of a command can be.
    noise = np.random.default_rng(0).integers(0, 255, (260, 260, 3), np.uint8)
    cv2.imwrite(str(image), noise)
    assert image.stat().st_size > 1 << 17
    return snippets(server.address, ENDPOINT, str(image))


def ran(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl(texts: dict[str, str], tmp_path: Path) -> None:
    told = json.loads(ran("sh", "-c", texts["curl"], cwd=tmp_path))

    assert told["errorMsg"] == "Success"
    assert told["result"]["ocrResults"][0]["prunedResult"]["rec_texts"]


def test_python(texts: dict[str, str], tmp_path: Path) -> None:
    assert "'rec_texts': ['" in ran(sys.executable, "-c", texts["Python"], cwd=tmp_path)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_javascript(texts: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "ask.mjs").write_text(texts["JavaScript"])

    assert "rec_texts: [ '" in ran("node", "ask.mjs", cwd=tmp_path)
