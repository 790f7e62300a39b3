"""Unlabelled images are found by folder, label file and pattern, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plx_train.few.pool import find_pool
from plx_train.ground.errors import UserError

SUFFIXES = frozenset({".png", ".jpg"})


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "data/images/a.png",
        "data/images/b b.jpg",
        "data/more/c.png",
        "data/more/notes.txt",
        "elsewhere/d.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "data"


def test_a_folder_is_looked_through_to_its_ground(root: Path) -> None:
    assert find_pool(str(root), root, SUFFIXES).images == ("images/a.png", "images/b b.jpg", "more/c.png")


def test_a_relative_path_is_of_the_command_or_else_of_the_dataset(root: Path) -> None:
    assert find_pool(".", root, SUFFIXES).root == root.parent / "elsewhere"
    assert find_pool("more", root, SUFFIXES).root == root / "more"


def test_of_a_label_file_the_images_alone_are_read(root: Path) -> None:
    (root / "list.txt").write_text(
        "images/a.png 3\nimages/b b.jpg\nimages/b b.jpg 2\nmore/c.png\tanything\nimages/gone.png 1\n"
    )
    found = find_pool("list.txt", root, SUFFIXES)
    assert found.images == ("images/a.png", "images/b b.jpg", "more/c.png")
    assert [path for _, path in found.paths()] == [root / name for name in found.images]


def test_a_pattern_names_what_it_fits(root: Path) -> None:
    found = find_pool("**/*.png", root, SUFFIXES)
    assert (found.root, found.images) == (root.parent / "elsewhere", ("d.png",))
    assert find_pool("i*/*", root, SUFFIXES).images == ("a.png", "b b.jpg")


def test_of_a_coco_file_the_images_alone_are_read(root: Path) -> None:
    (root / "annotations").mkdir()
    entries: list[Any] = [{"file_name": "a.png"}, {"file_name": "./more/c.png"}, {"file_name": "../x.png"}, {}, None]
    (root / "annotations/instance_rest.json").write_text(json.dumps({"images": entries}))
    found = find_pool("annotations/instance_rest.json", root, SUFFIXES)
    assert (found.root, found.images) == (root, ("images/a.png", "more/c.png"))
    for text in ("[]", '{"images": 3}', "none"):
        (root / "annotations/instance_rest.json").write_text(text)
        with pytest.raises(UserError, match="no line of it begins with"):
            find_pool("annotations/instance_rest.json", root, SUFFIXES)


def test_a_label_file_leads_to_no_image_outside(root: Path) -> None:
    (root / "list.txt").write_text("../elsewhere/d.png 1\n")
    with pytest.raises(UserError, match=r"dataset\.pool=list\.txt: no line of it begins with the path of an image"):
        find_pool("list.txt", root, SUFFIXES)


@pytest.mark.parametrize("given", ["nowhere", "*.gif"])
def test_nothing_is_told(given: str, root: Path) -> None:
    with pytest.raises(UserError, match=r"names no image: give a folder, a label file"):
        find_pool(given, root, SUFFIXES)
