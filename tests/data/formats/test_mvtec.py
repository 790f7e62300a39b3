"""Folders of good pictures and of defects, as MVTec AD keeps them and as people do."""

from __future__ import annotations

from pathlib import Path

from kit.exporters import picture
from kit.gathered import read_as, seen_as, told
from plx_train.contract.truth import Truth
from plx_train.data.formats.dataset_format import Annotations, AsWritten


def pictures(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(names):
        picture(folder / name, place)


def written(found: Annotations, split: str) -> dict[str, str]:
    return {one.image: one.truth.text for one in found.splits[split] if isinstance(one.truth, AsWritten)}


def test_mvtec_is_read_with_its_masks(tmp_path: Path) -> None:
    pictures(tmp_path / "train/good", "000.png", "001.png")
    pictures(tmp_path / "test/good", "000.png")
    pictures(tmp_path / "test/crack", "000.png", "001.png")
    pictures(tmp_path / "ground_truth/crack", "000_mask.png")
    assert seen_as(tmp_path, Truth.DEFECT) == "mvtec"
    found = read_as("mvtec", tmp_path, Truth.DEFECT)
    assert written(found, "train") == {"train/good/000.png": "good", "train/good/001.png": "good"}
    assert written(found, "val") == {
        "test/good/000.png": "good",
        "test/crack/000.png": "crack\tground_truth/crack/000_mask.png",
        "test/crack/001.png": "crack",
    }
    assert told(found) == {("test/crack", 0, "warning", "mask-missing")}


def test_kinds_side_by_side_are_divided_later(tmp_path: Path) -> None:
    pictures(tmp_path / "OK", "a.png")
    pictures(tmp_path / "scratch", "b.png")
    assert seen_as(tmp_path, Truth.DEFECT) == "mvtec"
    found = read_as("mvtec", tmp_path, Truth.DEFECT)
    assert written(found, "train") == {"OK/a.png": "good", "scratch/b.png": "scratch"} and "val" not in found.splits


def test_good_pictures_alone_need_no_folders(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png")
    assert seen_as(tmp_path, Truth.DEFECT) == "mvtec"
    assert written(read_as("mvtec", tmp_path, Truth.DEFECT), "train") == {"a.png": "good", "b.png": "good"}


def test_classes_that_are_not_good_are_no_defects(tmp_path: Path) -> None:
    pictures(tmp_path / "cat", "a.png")
    pictures(tmp_path / "dog", "b.png")
    assert seen_as(tmp_path, Truth.DEFECT) is None
