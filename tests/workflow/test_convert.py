"""A copy of a dataset: whatever its annotations call their images, all files stand in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.exporters import picture
from plx_train.contract.truth import Truth
from plx_train.data.formats.choice import dataset_formats
from plx_train.data.formats.dataset_format import Annotation, Annotations
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
