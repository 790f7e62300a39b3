"""PaddleX's own lists as a format: the image that each line names."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.gathered import read_as, told
from plx_train.contract.truth import Truth
from plx_train.data.formats.dataset_format import AsWritten


@pytest.mark.parametrize(
    "name", ["img/a b.png", "img\\a b.png", "./img/a b.png", "img/../img//a b.png", ".\\img\\.\\a b.png"]
)
def test_an_image_has_one_name_however_lines_write_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.txt").write_text(f"{name} 3\n")
    found = read_as("paddlex", tmp_path, Truth.CLASS)
    (one,) = found.splits["train"]
    assert (one.image, one.truth) == ("img/a b.png", AsWritten("3"))
    assert told(found) == ({("train.txt", 1, "warning", "backslash-path")} if "\\" in name else set())


@pytest.mark.parametrize(
    "name", ["../a.png", "img/../../a.png", "..\\a.png", "/a.png", "C:\\a.png", "\\\\host\\a.png", "."]
)
def test_a_line_that_leaves_the_folder_stays_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.txt").write_text(f"{name}\t1,0\n")
    (one,) = read_as("paddlex", tmp_path, Truth.LABELS).splits["train"]
    assert (one.image, one.truth) == ("", AsWritten(f"{name}\t1,0", is_whole=True))
