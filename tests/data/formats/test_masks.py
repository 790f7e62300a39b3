"""The class of each pixel in the formats that give it, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit.exporters import labelme, picture, quad, shape
from kit.gathered import read_as, seen_as, told, truths
from plx_train.contract.truth import Outline, RunLengths, Truth
from plx_train.data.formats.dataset_format import AsWritten
from plx_train.data.formats.lines import class_names, write_label_files
from plx_train.vision.labels.masks import read_masks


def write(root: Path, name: str, content: Any) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(json.dumps(content))


def coco(segmentation: Any) -> dict[str, Any]:
    row = {"id": 1, "image_id": 7, "category_id": 3, "bbox": [0, 0, 4, 4], "segmentation": segmentation}
    images = [{"id": 7, "file_name": "a.png"}]
    return {"images": images, "annotations": [row], "categories": [{"id": 3, "name": "cat"}]}


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/a.png", "annotations/a.png"),
        ("images/train/a.png", "masks/train/a.png"),
        ("train/images/a.png", "train/masks/a_mask.png"),
        ("JPEGImages/a.png", "SegmentationClass/a.png"),
    ],
)
def test_masks_lie_beside_images(tmp_path: Path, image: str, mask: str) -> None:
    for seed, name in enumerate((image, mask)):
        picture(tmp_path / name, seed)
    assert seen_as(tmp_path, Truth.MASKS) == "masks"
    found = read_as("masks", tmp_path, Truth.MASKS)
    assert truths(found) == {image: AsWritten(mask)} and not found.findings


def test_what_has_no_partner_is_told(tmp_path: Path) -> None:
    for seed, name in enumerate(("images/a.png", "masks/a.png", "images/b.png", "masks/c.png")):
        picture(tmp_path / name, seed)
    found = read_as("masks", tmp_path, Truth.MASKS)
    assert told(found) == {
        ("masks/c.png", 0, "warning", "mask-without-image"),
        ("images/b.png", 0, "warning", "image-without-mask"),
    }


def test_shapes_are_outlines_of_classes(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    shapes = [
        shape("cat", [[0, 0], [9, 0], [9, 9]]),
        shape("_background_", quad(0)),
        shape("__ignore__", quad(1)),
        shape("ball", [[5, 5], [5, 8]], "circle"),
    ]
    labelme(tmp_path / "a.json", "a.png", shapes=shapes)
    assert seen_as(tmp_path, Truth.MASKS) == "labelme"
    found = read_as("labelme", tmp_path, Truth.MASKS)
    outlines = truths(found)["a.png"]
    assert isinstance(outlines, tuple) and not found.findings
    assert [(each.label, each.is_ignored) for each in outlines] == [
        *(("cat", False), ("_background_", False), ("__ignore__", True), ("ball", False))
    ]
    assert all((x - 5) ** 2 + (y - 5) ** 2 == pytest.approx(9) for x, y in outlines[3].points)
    assert class_names(found, ()) == ("_background_", "ball", "cat")


def test_polygons_of_an_object_are_outlines(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    write(tmp_path, "instances.json", coco([[0, 0, 4, 0, 4, 4], [1, 1, 2, 1, 2, 2, 1, 2]]))
    found = read_as("coco", tmp_path, Truth.MASKS)
    first = Outline(((0, 0), (4, 0), (4, 4)), "cat")
    assert truths(found) == {"a.png": (first, Outline(((1, 1), (2, 1), (2, 2), (1, 2)), "cat"))}
    assert class_names(found, ()) == ("_background_", "cat")


@pytest.mark.parametrize("counts", [[5, 2, 13], "52="])
def test_run_lengths_of_an_object_are_kept_to_the_pixel(counts: Any, tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    write(tmp_path, "instances.json", coco({"size": [4, 5], "counts": counts}))
    found = read_as("coco", tmp_path, Truth.MASKS)
    assert truths(found) == {"a.png": (Outline((), "cat", False, RunLengths((4, 5), (5, 2, 13))),)}
    write_label_files(tmp_path, found, lambda _: (0, 0), class_file="label.txt")
    (sample,), findings = read_masks(tmp_path / "train.txt", tmp_path, ("_background_", "cat"))
    assert not findings
    assert np.argwhere(sample.truth.of((1, 1))).tolist() == [[1, 1], [2, 1]]


@pytest.mark.parametrize(
    "given", [None, [], [[0, 0, 4, 0]], [[0, 0, 4, 0, 4]], [["a"] * 6], {"counts": [1], "size": 3}]
)
def test_no_polygons_are_told(tmp_path: Path, given: Any) -> None:
    picture(tmp_path / "a.png", 1)
    write(tmp_path, "instances.json", coco(given))
    found = read_as("coco", tmp_path, Truth.MASKS)
    assert truths(found) == {"a.png": ()}
    assert told(found) == {("instances.json", 1, "error", "segmentation-invalid")}


def test_outlines_are_written_a_line_an_image(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    labelme(tmp_path / "a.json", "a.png", shapes=[shape("cat", quad(0)), shape("__ignore__", quad(1))])
    found = read_as("labelme", tmp_path, Truth.MASKS)
    written = write_label_files(tmp_path, found, lambda _: (0, 0), class_file="label.txt")
    assert not written.findings
    image, _, outlines = (tmp_path / "train.txt").read_text().partition("\t")
    assert image == "a.png"
    assert [each["transcription"] for each in json.loads(outlines)] == ["cat", "###"]
    assert (tmp_path / "label.txt").read_text() == "0 _background_\n1 cat\n"


def test_colours_name_the_classes(tmp_path: Path) -> None:
    for seed, name in enumerate(("images/a.png", "SegmentationClass/a.png")):
        picture(tmp_path / name, seed)
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nroad:1,2,3::\nsky:0,0,9::\n")
    found = read_as("masks", tmp_path, Truth.MASKS)
    write_label_files(tmp_path, found, lambda _: (0, 0), class_file="label.txt")
    assert (tmp_path / "train.txt").read_text() == "images/a.png\tSegmentationClass/a.png\tlabelmap.txt\n"
    assert (tmp_path / "label.txt").read_text() == "0 road\n1 sky\n"
