"""One folder per class: with splits above or without, whatever lies among the images."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.exporters import class_folders, picture
from kit.gathered import read_as, seen_as, told, truths
from plx_train.contract.truth import Truth


@pytest.mark.parametrize("above", ["", "images", "a/b"])
def test_classes_are_folders(tmp_path: Path, above: str) -> None:
    class_folders(tmp_path / above, ("cat", "dog"), 2)
    assert seen_as(tmp_path, Truth.CLASS) == "folders"
    before = f"{above}/" if above else ""
    expected = {f"{before}{name}/{index}.png": name for name in ("cat", "dog") for index in range(2)}
    found = read_as("folders", tmp_path, Truth.CLASS)
    assert truths(found) == expected and [*found.splits] == ["train"]


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "validation", "testing")])
def test_splits_lie_above_the_classes(tmp_path: Path, names: tuple[str, ...]) -> None:
    class_folders(tmp_path, ("cat", "dog"), 1, names)
    found = read_as("folders", tmp_path, Truth.CLASS)
    for split, name in zip(("train", "val", "test"), names, strict=True):
        assert truths(found, split) == {f"{name}/cat/0.png": "cat", f"{name}/dog/0.png": "dog"}


def test_what_is_no_image_is_told(tmp_path: Path) -> None:
    class_folders(tmp_path, ("cat", "dog"), 1)
    (tmp_path / "cat" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "cat" / "._0.png").write_bytes(b"x")
    (tmp_path / ".git" / "x").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    picture(tmp_path / "loose.png", 9)
    picture(tmp_path / "dog" / "puppies" / "p.png", 10)
    found = read_as("folders", tmp_path, Truth.CLASS)
    assert truths(found) == {"cat/0.png": "cat", "dog/0.png": "dog", "dog/puppies/p.png": "dog"}
    assert told(found) == {
        ("cat", 0, "warning", "file-not-image"),
        ("empty", 0, "warning", "class-without-image"),
        (".", 0, "warning", "image-without-class"),
    }


def test_one_folder_of_images_is_no_classes(tmp_path: Path) -> None:
    class_folders(tmp_path, ("images",), 3)
    assert seen_as(tmp_path, Truth.CLASS) is None
    class_folders(tmp_path / "train", ("cat",), 3)
    assert seen_as(tmp_path, Truth.CLASS) == "folders"


def test_loops_of_links_end(tmp_path: Path) -> None:
    class_folders(tmp_path, ("cat", "dog"), 1)
    (tmp_path / "cat" / "again").symlink_to(tmp_path)
    assert set(truths(read_as("folders", tmp_path, Truth.CLASS)).values()) == {"cat", "dog"}
