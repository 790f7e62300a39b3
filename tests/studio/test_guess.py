"""What a folder is likely to be for."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.exporters import class_folders, picture
from kit.rooms import tiny_room
from plx_train.studio.guess import modules_for, sights


@pytest.mark.parametrize(
    ("room", "kind"),
    [
        ("image_cls", "class"),
        ("image_mlcls", "labels"),
        ("text_rec", "text"),
        ("text_det", "texts"),
        ("object_det", "boxes"),
        ("ts_forecast", None),
    ],
)
def test_label_files_of_each_kind_are_told_apart(tmp_path: Path, room: str, kind: str | None) -> None:
    root = tiny_room(room).make_dataset(tmp_path / "data")
    assert sights(root)[0].kind == kind
    first = modules_for(sights(root))[0]
    assert first["fits"] and first["kind"] == kind and first["words"]


def test_folders_pictures_and_nothing(tmp_path: Path) -> None:
    assert sights(tmp_path) == [] and not any(one["fits"] for one in modules_for([]))
    picture(tmp_path / "a.png", 1)
    assert {one.format for one in sights(tmp_path)} == {""} and sights(tmp_path)[0].kind == "class"
    assert not any(one["fits"] for one in modules_for(sights(tmp_path)) if one["kind"] is None)
    class_folders(tmp_path / "sorted", ("a", "b"), 2)
    assert [(one.kind, one.format) for one in sights(tmp_path / "sorted")] == [("class", "folders")]
