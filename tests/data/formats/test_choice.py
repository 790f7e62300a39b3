"""Which format a folder is taken for, and what is said where that is not clear."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.exporters import class_folders, picture, studio_choice, studio_task
from kit.gathered import data_folder, seen_as
from plx_train.contract.truth import Truth
from plx_train.data.formats.choice import choose_format
from plx_train.ground.errors import ConfigError


def test_own_label_files_come_first(tmp_path: Path) -> None:
    class_folders(tmp_path, ("cat", "dog"), 1)
    (tmp_path / "train.txt").write_text("cat/0.png 0\n")
    assert seen_as(tmp_path, Truth.CLASS) == "paddlex"
    assert seen_as(tmp_path, Truth.TEXTS) == "paddlex"


def test_two_formats_are_both_named(tmp_path: Path) -> None:
    class_folders(tmp_path, ("cat", "dog"), 1)
    (tmp_path / "labels.csv").write_text("path,label\ncat/0.png,cat\n")
    with pytest.raises(ConfigError, match=r"CSV.* and one folder.*dataset\.format=csv or dataset\.format=folders"):
        seen_as(tmp_path, Truth.CLASS)


def test_a_large_export_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "a.png", 1)
    (tmp_path / "export.json").write_text(json.dumps([studio_task(1, {"image": "a.png"}, [studio_choice("cat")])]))
    parsed: list[object] = []
    true = json.loads
    monkeypatch.setattr(json, "loads", lambda text: parsed.append(text) or true(text))
    folder = data_folder(tmp_path, Truth.CLASS)
    chosen = choose_format("auto", folder, "a room")
    assert chosen and chosen[0].read(folder).splits["train"] and len(parsed) == 1


@pytest.mark.parametrize(
    ("given", "truth", "message"),
    [
        ("folder", Truth.CLASS, "did you mean 'folders'"),
        ("coco", Truth.CLASS, "one class of each image: there is auto, csv, "),
        ("zip", Truth.CLASS, "there is: auto, "),
        ("folders", Truth.TEXTS, "does not hold what module=a_room reads, outlines of texts"),
    ],
)
def test_a_format_that_is_not_to_be_had(tmp_path: Path, given: str, truth: Truth, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        choose_format(given, data_folder(tmp_path, truth), "a_room")
