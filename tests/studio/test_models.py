"""Exports of runs, and what became of each by the jobs that worked on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit.promotion import make_export
from kit.studio_homes import ended_job, new_home
from plx_train.ground.errors import UserError
from plx_train.studio.home import Home
from plx_train.studio.models import details, exports
from plx_train.studio.studio import Studio


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path)


def make_run(home: Home, name: str, *overrides: str, has_export: bool = True) -> Path:
    folder = home.outputs / name
    folder.mkdir(parents=True)
    facts = {"status": "FINISHED", "mode": "train", "overrides": overrides, "metrics": {"val/hmean": 0.5}}
    (folder / "run.json").write_text(json.dumps({**facts, "monitor": "val/hmean", "seconds": 3}))
    if has_export:
        make_export(folder / "export")
    return folder


def worked(home: Home, name: str, mode: str, files: dict[str, Any], *overrides: str) -> None:
    """A job that ended well and left files."""
    (home.outputs / name).mkdir()
    for file, content in files.items():
        (home.outputs / name / file).write_text(json.dumps(content))
    about = {"model": "a", "deed": mode}
    ended_job(home, name, [f"mode={mode}", "run=outputs/a", *overrides], output=f"outputs/{name}", about=about)


def test_runs_with_an_export_are_listed_by_the_room_of_their_model(home: Home) -> None:
    make_run(home, "a", "module=text_det", "dataset.root=/data/pages")
    make_run(home, "b")
    make_run(home, "c", "module=text_det", has_export=False)

    found = {one["name"]: one for one in exports(Studio(home))}

    assert {name: (one["room"], one["recipe"]) for name, one in found.items()} == {
        "a": ("text_det", "text_det"),
        "b": ("text_det", ""),
    }
    assert (found["a"]["folder"], found["a"]["dataset"], found["a"]["value"]) == ("outputs/a", "/data/pages", 0.5)


def test_a_model_is_told_with_what_jobs_found(home: Home) -> None:
    run = make_run(home, "a", "module=text_det")
    (run / "export_int8").mkdir()
    (run / "export_int8" / "quantized.json").write_text(json.dumps({"lost": 0.01, "monitor": "hmean"}))
    figures = [{"engine": "paddle", "threads": 1, "callers": 2, "median_ms": 3.5, "agrees": True}]
    worked(home, "e", "evaluate", {"metrics.json": {"val/hmean": 0.4}}, "dataset.root=/data/other")
    (home.outputs / "e" / "overlays").mkdir()
    (home.outputs / "e" / "overlays" / "worst_1.jpg").touch()
    worked(home, "m", "benchmark", {"benchmark.json": figures})
    worked(home, "x", "export", {})
    make_export(home.outputs / "x" / "export")

    told = details(Studio(home), "a")

    assert (told["room"], told["recipe"], told["modelName"]) == ("text_det", "text_det", "PP-OCRv4_mobile_det")
    assert told["places"] == [{"registered": "text_det", "pipeline": "OCR", "part": "TextDetection"}]
    assert [(one["data"], one["metrics"]) for one in told["evaluations"]] == [("/data/other", {"val/hmean": 0.4})]
    assert (told["evaluations"][0]["run"], told["evaluations"][0]["overlays"]) == ("e", ["worst_1.jpg"])
    assert told["engines"]["figures"] == figures
    assert [one["folder"] for one in told["exports"]] == ["outputs/x/export"]
    assert told["int8"]["lost"] == 0.01
    assert {file["name"] for file in told["files"]} >= {"inference.yml", "inference.pdiparams"}


def test_jobs_that_failed_or_are_of_others_say_nothing(home: Home) -> None:
    make_run(home, "a", "module=text_det")
    ended_job(home, "e", ["mode=evaluate", "run=outputs/a"], code=1, output="outputs/e", about={"model": "a"})
    ended_job(home, "f", ["mode=evaluate", "run=outputs/b"], output="outputs/f", about={"model": "b"})

    told = details(Studio(home), "a")

    assert (told["evaluations"], told["exports"], told["engines"], told["int8"]) == ([], [], None, None)


def test_what_has_no_export_is_told(home: Home) -> None:
    make_run(home, "c", "module=text_det", has_export=False)

    with pytest.raises(UserError, match="c has no export"):
        details(Studio(home), "c")
    with pytest.raises(UserError):
        details(Studio(home), "../..")
