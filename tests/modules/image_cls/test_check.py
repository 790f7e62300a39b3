"""The check of image classification: classes, their file, folders of classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from kit.checked_rooms import checked, fitted
from plx_train.contract.check import Finding
from plx_train.modules.image_cls.processor import ImageClsProcessor
from plx_train.runs.exported import inference_text


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLX_TRAIN_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    for number in range(6):
        picture(folder / f"images/{number}.png", number)
    (folder / "train.txt").write_text("".join(f"images/{number}.png {number % 2}\n" for number in range(4)))
    (folder / "val.txt").write_text("images/4.png 0\nimages/5.png 1\n")
    return folder


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 255, (32, 32, 3)).astype(np.uint8))


def told(root: Path, **options: Any) -> list[Finding]:
    return list(checked("image_cls", root, **options).report.findings)


def codes(root: Path, **options: Any) -> list[tuple[str, int, str, str]]:
    return [(item.path, item.line, item.level, item.code) for item in told(root, **options)]


def test_two_classes_have_no_finding(root: Path) -> None:
    assert codes(root) == []


def test_one_class_is_nothing_to_learn(root: Path) -> None:
    (root / "train.txt").write_text("images/0.png 1\nimages/1.png 1\n")
    (root / "val.txt").write_text("images/4.png 1\n")
    found = [item for item in told(root) if item.code == "one-class"]
    assert [(item.path, item.level) for item in found] == [("train.txt", "error")]
    assert "all 2 training images are of one class, 1" in found[0].reason
    assert "one-class" not in {item.code for item in told(root, rotations=[0, 180])}


def test_a_class_file_that_was_named_must_be_there(root: Path) -> None:
    (root / "label.txt").write_text("0 cat\n1 dog\n")
    assert codes(root, label_file="lable.txt") == [("lable.txt", 0, "error", "class-file-missing")]
    reason = told(root, label_file="lable.txt")[0].reason
    assert reason.startswith("module.label_file=lable.txt: there is no lable.txt in")
    assert "did you mean label.txt" in reason
    assert "is no file" in told(root, label_file="images")[0].reason
    (root / "label.txt").unlink()
    assert codes(root) == [], "nobody named one"


@pytest.mark.parametrize(
    ("name", "code", "kept"),
    [
        ("a\x85b", "control-character", "a\x85b"),
        ("cat\x85", "control-character", "cat"),
        ("a\u2029b", "control-character", "a\u2029b"),
        ("a\u00adb", "invisible-character", "a\u00adb"),
        ("\ufeffcat", "invisible-character", "cat"),
    ],
)
def test_odd_names_of_classes_are_told_and_ship(root: Path, name: str, code: str, kept: str) -> None:
    (root / "label.txt").write_text(f"0 {name}\n1 dog\n", newline="")
    assert codes(root) == [("label.txt", 1, "warning", code)]
    processor = fitted("image_cls", root)
    assert processor.labels == (kept, "dog")
    shipped = inference_text(processor.to_inference("PP-LCNet_x1_0"))
    assert ImageClsProcessor.from_inference(yaml.safe_load(shipped)) == processor


def test_classes_whose_names_look_alike_are_told(root: Path) -> None:
    (root / "label.txt").write_text("0 café\n1\tcafe\u0301\n")
    assert codes(root) == [("label.txt", 2, "warning", "mixed-forms")]


def test_a_comma_for_a_space_is_named(root: Path) -> None:
    (root / "val.txt").write_text("images/4.png,0\nimages/5.png\t1\n")
    found = [item for item in told(root) if item.level == "error"]
    assert [(item.line, item.code) for item in found] == [(1, "no-label")]
    assert found[0].reason.endswith("a comma stands there")


def test_folders_of_classes_are_told_with_the_way_to_read_them(tmp_path: Path) -> None:
    for name in ("train/cat", "train/dog", "val/cat", "val/dog"):
        picture(tmp_path / name / "1.png", 1)
    found = told(tmp_path)
    assert {item.code for item in found} == {"label-file-missing"}
    assert "train/ holds a folder of images per class (cat, dog), which dataset.format=folders reads" in found[0].reason
    assert "dataset.format" not in told(tmp_path, rotations=[0, 180])[0].reason
    assert "it holds a folder of images per class" in told(tmp_path / "train")[0].reason
