"""Files that are none, under the names of those that formats read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kit.exporters import picture
from kit.gathered import seen_as
from plx_train.contract.truth import Truth


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", ["data.yaml", "classes.txt", "a.xml", "a.json", "labels/a.txt", "train_anno_list.txt"])
def test_a_pipe_holds_nobody(tmp_path: Path, name: str) -> None:
    picture(tmp_path / "images" / "a.png", 1)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    os.mkfifo(tmp_path / name)
    assert seen_as(tmp_path, Truth.BOXES) is None
