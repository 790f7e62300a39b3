"""A copy of a dataset: whatever its annotations call their images, all files stand in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.exporters import picture
from plx_train.contract.truth import Truth
from plx_train.data.formats.choice import dataset_formats
from plx_train.data.formats.dataset_format import Annotation, Annotations, AsWritten
from plx_train.workflow.convert import write_dataset
from plx_train.workflow.gather import Gathered


@pytest.mark.parametrize("name", ["x/../../data/a.png", "../data/a.png", "./a.png", "x//..//a.png", "{root}/a.png"])
def test_no_copy_leaves_its_folder(tmp_path: Path, name: str) -> None:
    root, folder = tmp_path / "data", tmp_path / "copies" / "copy"
    picture(root / "a.png", 1)
    (root / "x").mkdir()
    folder.mkdir(parents=True)
    found = Annotations(Truth.CLASS, {"train": [Annotation(name.format(root=root), "cat", "train.txt", 1)]})
    gathered = Gathered(root, dataset_formats()["paddlex"], Truth.CLASS, found, "", class_file="label.txt")
    assert write_dataset(gathered, folder) == []
    files = {path for path in tmp_path.rglob("*") if path.is_file() and path != root / "a.png"}
    copy = folder / (folder / "train.txt").read_text().rpartition(" ")[0]
    assert files == {copy, folder / "train.txt", folder / "label.txt"}
    assert copy.read_bytes() == (root / "a.png").read_bytes()


def test_masks_are_copied_with_their_images(tmp_path: Path) -> None:
    root, folder = tmp_path / "data", tmp_path / "copies" / "copy"
    for seed, name in enumerate(("images/a.png", "deep masks/a.png")):
        picture(root / name, seed)
    (root / "labelmap.txt").write_text("cat:0,0,0::\n")
    folder.mkdir(parents=True)
    told = ("deep masks/a.png\tlabelmap.txt", "deep masks/../../data/deep masks/a.png", "gone.png", "../../x.png")
    found = Annotations(Truth.MASKS)
    found.splits["train"] = [Annotation("images/a.png", AsWritten(each), "train.txt", 1) for each in told]
    gathered = Gathered(root, dataset_formats()["masks"], Truth.MASKS, found, "", class_file="label.txt")
    assert write_dataset(gathered, folder) == []
    lines = [line.split("\t")[1:] for line in (folder / "train.txt").read_text().splitlines()]
    assert lines[0] == ["annotations/deep_masks/a.png", "annotations/labelmap.txt"] and lines[2:] == [
        ["gone.png"],
        ["../../x.png"],
    ]
    for name in (lines[0][0], lines[1][0]):
        assert (folder / name).read_bytes() == (root / "deep masks" / "a.png").read_bytes()
    assert all(path.is_relative_to(root) or path.is_relative_to(folder) for path in tmp_path.rglob("*.png"))
