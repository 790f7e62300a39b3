"""Masks that corrections name: they take the place of the data's, number by name, and stand in the label files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import paddle  # noqa: F401  before what reading texts imports, after which it can't be imported any more
import pytest

from kit.rooms import tiny_room
from plx_train.config.compose import compose_run
from plx_train.contract.check import Checked
from plx_train.workflow.dataset import check
from plx_train.workflow.images_read import write_images_read

NAMES = ("_background_", "disc", "rectangle")
IMAGE = "images/train_0.png"


def corrected(
    folder: Path, mask: np.ndarray, classes: tuple[str, ...], new: tuple[str, ...] = (), name: str = "masks/a.png"
) -> Path:
    (folder / "masks").mkdir()
    cv2.imwrite(str(folder / "masks" / "a.png"), mask)
    entries = [{"image": IMAGE, "truth": {"mask": name, "classes": list(classes)}}]
    path = folder / "fix.json"
    path.write_text(json.dumps({"version": 1, "classes": list(new), "corrections": entries}))
    return path


def checked(root: Path, output: Path, *options: str, room: str = "semantic_seg") -> Checked[Any]:
    output.mkdir()
    given = [f"module={room}", f"dataset.root={root}", "mode=check_dataset", "tracking=off", *options]
    composed = compose_run(given).options
    found = check(composed, output)[1]
    write_images_read(composed, output)
    return found


def mask_of(found: Checked[Any], name: str) -> np.ndarray:
    sample = next(each for each in (*found.train, *found.val) if each.image.name == name)
    return np.asarray(sample.truth.of((64, 64)))


@pytest.mark.parametrize("names_classes", [True, False])
def test_a_mask_takes_the_place_of_the_datas(tmp_path: Path, names_classes: bool) -> None:
    root = tiny_room("semantic_seg").make_dataset(tmp_path / "data")
    if not names_classes:
        (root / "label.txt").unlink()
    given = NAMES if names_classes else ("0", "1", "2")
    drawn = np.zeros((64, 64), np.uint8)
    drawn[:20], drawn[20:30] = 1, 255
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    # Its numbers are those of its own list.
    path = corrected(tmp_path, drawn, (given[0], given[2], given[1]))
    found = checked(root, tmp_path / "out", f"dataset.corrections={path}")
    assert found.report.ok and "1 corrected" in found.report.division
    assert np.array_equal(mask_of(found, "train_0.png"), np.where(drawn == 1, 2, drawn))
    plain = checked(root, tmp_path / "plain")
    assert np.array_equal(mask_of(found, "val_1.png"), mask_of(plain, "val_1.png"))
    assert found.report.fingerprint != plain.report.fingerprint
    told = json.loads((tmp_path / "plain" / "images.json").read_text())
    assert told["classes"] == list(given)
    assert not any(row[0].startswith("annotations/") for row in told["images"]), "masks are no images"
    assert told["images"][0][:3] == [IMAGE, "train", {"mask": "annotations/train_0.png"}]
    assert json.loads((tmp_path / "out" / "images.json").read_text())["classes"] == list(given)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_a_mask_brings_a_new_class(tmp_path: Path) -> None:
    root = tiny_room("semantic_seg").make_dataset(tmp_path / "data")
    path = corrected(tmp_path, np.full((64, 64), 3, np.uint8), (*NAMES, "star"), ("star",))
    found = checked(root, tmp_path / "out", f"dataset.corrections={path}")
    assert found.report.ok and (mask_of(found, "train_0.png") == 3).all()
    assert (tmp_path / "out" / "label_files" / "label.txt").read_text().splitlines()[3] == "3 star"


def test_colours_keep_their_classes(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for number in range(4):
        for kind, value in (("images", 40 * number), ("masks", (0, 0, 9))):
            (root / kind).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(root / kind / f"train_{number}.png"), np.full((64, 64, 3), value, np.uint8))
    (root / "masks" / "labelmap.txt").write_text("road:0,0,0::\nsky:9,0,0::\n")
    drawn = np.zeros((64, 64), np.uint8)
    drawn[:9] = 1
    path = corrected(tmp_path, drawn, ("road", "sky"))
    found = checked(root, tmp_path / "out", f"dataset.corrections={path}", "dataset.ignore_findings=true")
    assert np.array_equal(mask_of(found, "train_0.png"), drawn)
    assert (mask_of(found, "train_1.png") == 1).all()
    rows = {row[0]: row[2] for row in json.loads((tmp_path / "out" / "images.json").read_text())["images"]}
    assert rows["images/train_1.png"] == {"mask": "masks/train_1.png", "colours": "masks/labelmap.txt"}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("../data/label.txt", 1, "leads out"),
        ("masks/gone.png", 1, "gone.png"),
        ("masks/a.png", 7, "number 7, and 3 classes"),
    ],
)
def test_a_mask_that_can_not_be_taken_is_told(tmp_path: Path, name: str, value: int, reason: str) -> None:
    root = tiny_room("semantic_seg").make_dataset(tmp_path / "data")
    path = corrected(tmp_path, np.full((64, 64), value, np.uint8), NAMES, name=name)
    found = checked(root, tmp_path / "out", f"dataset.corrections={path}")
    assert [one.code for one in found.report.errors] == ["correction-invalid"]
    assert reason in found.report.errors[0].reason


def test_a_mask_of_a_defect_names_its_kind(tmp_path: Path) -> None:
    root = tiny_room("image_anomaly").make_dataset(tmp_path / "data")
    drawn = np.zeros((64, 64), np.uint8)
    drawn[:20], drawn[20:23], drawn[60:] = 2, 1, 255
    path = corrected(tmp_path, drawn, ("good", "dent", "cut"))
    found = checked(root, tmp_path / "out", f"dataset.corrections={path}", room="image_anomaly")
    sample = next(each for each in (*found.train, *found.val) if each.image.name == "train_0.png")
    assert found.report.ok and sample.truth.kind == "cut"
    assert np.array_equal(sample.truth.pixels(), np.where(drawn == 2, 1, drawn))
    told = json.loads((tmp_path / "out" / "images.json").read_text())
    assert told["truth"] == "defect" and told["classes"] == ["good", "cut", "defect"]
    rows = {row[0]: row[2] for row in told["images"]}
    assert [one["label"] for one in rows[IMAGE]] == ["cut", "###"]
    assert rows["images/train_1.png"] == {"mask": "annotations/train_1.png", "kind": "defect"}
    good = tmp_path / "good"
    good.mkdir()
    path = corrected(good, np.zeros((64, 64), np.uint8), ("good", "cut"))
    found = checked(root, tmp_path / "again", f"dataset.corrections={path}", room="image_anomaly")
    assert next(each for each in found.train if each.image.name == "train_0.png").truth.is_good
