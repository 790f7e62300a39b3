"""All results of a pipeline in one file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plx_train.pipelines.result import PipelineResult
from plx_train.workflow.pages import _all_in_one


def test_results_stand_in_one_file_by_their_inputs(tmp_path: Path) -> None:
    target, given = tmp_path / "predictions.json", tmp_path / "given"
    given.mkdir()
    with _all_in_one(target, given) as note:
        note(PipelineResult({"input_path": str(given / "a" / "1.png"), "page_index": None, "rec_texts": ["ä"]}, "1"))
        note(PipelineResult({"input_path": str(given / "2.pdf"), "page_index": 3, "rec_texts": []}, "2"))
        assert not target.exists()
    told = json.loads(target.read_text())
    assert {name: one["rec_texts"] for name, one in told.items()} == {"a/1.png": ["ä"], "2.pdf_3": []}
    with _all_in_one(target, given / "a" / "1.png") as note:
        note(PipelineResult({"input_path": str(given / "a" / "1.png")}, "1"))
    assert list(json.loads(target.read_text())) == ["1.png"]
    with pytest.raises(OSError), _all_in_one(target, given):
        raise OSError
    assert list(json.loads(target.read_text())) == ["1.png"]
