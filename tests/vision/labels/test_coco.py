"""COCO files as people have them: what is read, and what is told of what can't be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plx_train.vision.labels.coco import read_categories, read_coco

CATEGORIES = [{"id": 7, "name": "cup"}, {"id": 3, "name": "plate"}]
ROW = {"id": 1, "image_id": 10, "category_id": 7, "bbox": [1, 2, 10, 20]}


def written(root: Path, **changes: Any) -> Path:
    content = {
        "images": [{"id": 10, "file_name": "a.jpg", "width": 50, "height": 40}],
        "annotations": [{**ROW, "iscrowd": 0}],
        "categories": CATEGORIES,
        **changes,
    }
    (root / "images").mkdir(exist_ok=True)
    path = root / "train.json"
    path.write_text(json.dumps(content))
    return path


def codes(root: Path, path: Path, names: tuple[str, ...] | None = None) -> list[str]:
    return [found.code for found in read_coco(path, root, names)[1]]


def test_boxes_are_corners_and_classes_follow_the_order_of_ids(tmp_path: Path) -> None:
    path = written(tmp_path)
    (sample,), findings = read_coco(path, tmp_path, None)
    assert findings == [] and read_categories(path) == ("plate", "cup")
    assert sample.image == tmp_path / "images/a.jpg" and sample.where == "train.json:1"
    assert sample.truth.boxes.tolist() == [[1, 2, 11, 22]] and sample.truth.classes.tolist() == [1]


def test_an_image_without_boxes_is_kept(tmp_path: Path) -> None:
    (sample,), _ = read_coco(written(tmp_path, annotations=[]), tmp_path, None)
    assert len(sample.truth) == 0 and sample.truth.boxes.shape == (0, 4)


def test_crowds_and_what_is_to_be_ignored_do_not_count(tmp_path: Path) -> None:
    rows = [{**ROW, "id": 1, "iscrowd": 1}, {**ROW, "id": 2, "ignore": True}, {**ROW, "id": 3}]
    (sample,), _ = read_coco(written(tmp_path, annotations=rows), tmp_path, None)
    assert sample.truth.is_crowd.tolist() == [True, True, False] and len(sample.truth.counted) == 1


@pytest.mark.parametrize(
    ("bbox", "code"),
    [
        ([1, 2, "x", 4], "box-invalid"),
        ([1, 2, 3], "box-invalid"),
        (None, "box-invalid"),
        ([1, 2, float("nan"), 4], "box-invalid"),
        ([1, 2, 0, 4], "box-empty"),
        ([1, 2, 3, -4], "box-empty"),
    ],
)
def test_a_box_that_is_none_is_told(tmp_path: Path, bbox: Any, code: str) -> None:
    assert codes(tmp_path, written(tmp_path, annotations=[{**ROW, "bbox": bbox}])) == [code]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"categories": []}, "no-categories"),
        ({"categories": "cups"}, "no-categories"),
        ({"images": {}}, "not-coco"),
        ({"annotations": 5}, "not-coco"),
        ({"images": [{"file_name": "a.jpg"}], "annotations": []}, "image-invalid"),
        ({"images": [{"id": 10}], "annotations": []}, "no-image-path"),
        ({"images": [{"id": 10, "file_name": "/a.jpg"}], "annotations": []}, "path-outside-root"),
        ({"images": [{"id": 10, "file_name": "../../a.jpg"}], "annotations": []}, "path-outside-root"),
        ({"annotations": [{**ROW, "image_id": 99}]}, "unknown-image"),
        ({"annotations": [{**ROW, "category_id": 8}]}, "unknown-class"),
        ({"annotations": [{"id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]}]}, "annotation-invalid"),
        ({"categories": [{"id": 3, "name": "cup"}, {"id": 7, "name": "cup"}]}, "class-twice"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    assert code in codes(tmp_path, written(tmp_path, **changes))


def test_other_classes_than_in_training_are_told(tmp_path: Path) -> None:
    assert codes(tmp_path, written(tmp_path), ("cup",))[0] == "other-classes"
    assert codes(tmp_path, written(tmp_path), ("cup", "plate", "fork")) == ["class-missing"]


def test_no_json_is_told(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_text("[[[")
    assert codes(tmp_path, path) == ["label-file-unreadable"] and read_coco(path, tmp_path, None)[0] == []
