"""Where a result's files go."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plx_train.pipelines.result import PipelineResult


def result() -> PipelineResult:
    return PipelineResult({"a": 1}, "scan", lambda: {"drawn": np.zeros((8, 8, 3), np.uint8)}, "text")


def test_a_folder_whose_name_holds_a_dot_is_a_folder(tmp_path: Path) -> None:
    for name in ("v1.0", "a.jpg", "b.json"):
        folder = tmp_path / name
        folder.mkdir()
        one = result()
        assert one.save_to_img(folder) == [folder / "scan_drawn.jpg"]
        assert one.save_to_json(folder) == folder / "scan_res.json"


def test_a_name_that_is_not_there_is_a_file_where_it_ends_so(tmp_path: Path) -> None:
    assert result().save_to_img(tmp_path / "x.png") == [tmp_path / "x.png"]
    assert result().save_to_json(tmp_path / "x.json") == tmp_path / "x.json"
    assert result().save_to_text(tmp_path / "new") == tmp_path / "new" / "scan_res.txt"
