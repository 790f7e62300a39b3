"""PPOCRLabel's files: pages under the name of the opened folder, states, and exported crops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.exporters import page, picture, quad
from kit.gathered import read_as, seen_as, told, truths
from plx_train.contract.truth import Outline, Truth

POINTS = tuple((float(x), float(y)) for x, y in quad(0))


def opened(folder: Path) -> Path:
    """A folder as PPOCRLabel leaves it: three pages, of which two are confirmed."""
    lines = []
    for index in range(3):
        page(folder / f"p{index}.png", [f"text {index}"])
        labels = [{"transcription": f"text {index}", "points": quad(0), "difficult": index == 1}]
        lines.append(f"{folder.name}/p{index}.png\t{json.dumps(labels)}\n")
    (folder / "Label.txt").write_text("".join(lines))
    states = "C:\\work\\p0.png\t1\nC:\\work\\p1.png\t1\n"
    (folder / "fileState.txt").write_text(states)
    (folder / "Cache.cach").write_text("x")
    return folder


@pytest.mark.parametrize("inside", ["", "scans"])
def test_pages_that_were_confirmed(tmp_path: Path, inside: str) -> None:
    root = tmp_path / "set"
    opened(root / inside)
    assert seen_as(root, Truth.TEXTS) == "ppocrlabel"
    found = read_as("ppocrlabel", root, Truth.TEXTS)
    before = f"{inside}/" if inside else ""
    assert truths(found) == {
        f"{before}p0.png": (Outline(POINTS, "text 0"),),
        f"{before}p1.png": (Outline(POINTS, "text 1", True),),
    }
    assert told(found) == {(f"{before}Label.txt", 0, "warning", "page-not-confirmed")}


def test_without_states_all_pages_count(tmp_path: Path) -> None:
    (opened(tmp_path) / "fileState.txt").unlink()
    assert len(truths(read_as("ppocrlabel", tmp_path, Truth.TEXTS))) == 3


def test_exported_crops_are_taken_where_texts_are_read(tmp_path: Path) -> None:
    opened(tmp_path)
    picture(tmp_path / "crop_img" / "p0_crop_0.jpg", 1)
    (tmp_path / "rec_gt.txt").write_text("crop_img/p0_crop_0.jpg\ttext 0\n")
    found = read_as("ppocrlabel", tmp_path, Truth.TEXT)
    assert found.truth is Truth.TEXT and truths(found) == {"crop_img/p0_crop_0.jpg": "text 0"}
    (tmp_path / "rec_gt.txt").unlink()
    found = read_as("ppocrlabel", tmp_path, Truth.TEXT)
    assert found.truth is Truth.TEXTS and len(truths(found)) == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("set/p0.png\t[", "bad-json"),
        ("set/p0.png\t{}", "not-a-list"),
        ('set/p0.png\t[{"transcription": "x", "points": [[1, 2]]}, 3]', "points-not-pairs"),
        ("../../etc/passwd\t[]", "image-missing"),
        ("set/q.png\t[]", "image-missing"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, line: str, code: str) -> None:
    root = opened(tmp_path / "set")
    (root / "Label.txt").write_text(f"{line}\n")
    assert {(line, told_code) for _, line, _, told_code in told(read_as("ppocrlabel", root, Truth.TEXTS))} == {
        (1, code)
    }
