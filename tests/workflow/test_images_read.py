"""What a check writes down of each image: the same for every format, in the form of corrections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import paddle  # noqa: F401  before what reading texts imports, after which it can't be imported any more
import pytest

from kit.exporters import class_folders, picture
from kit.rooms import tiny_room
from plx_train.config.compose import compose_run
from plx_train.workflow.dataset import check
from plx_train.workflow.images_read import write_images_read


def images_read(root: Path, output: Path, room: str, *more: str) -> dict[str, Any]:
    output.mkdir()
    overrides = [f"module={room}", f"dataset.root={root}", "mode=check_dataset", "tracking=off", *more]
    options = compose_run(overrides).options
    check(options, output)
    write_images_read(options, output)
    found: dict[str, Any] = json.loads((output / "images.json").read_text())
    return found


def test_folders_with_images_that_nothing_names(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", ("cat", "dog"), 2, ("train", "val"))
    picture(root / "loose.png", 90)
    found = images_read(root, tmp_path / "out", "image_cls")
    assert (found["truth"], found["classes"], found["root"]) == ("class", ["cat", "dog"], str(root))
    rows = {image: rest for image, *rest in found["images"]}
    assert rows["val/dog/1.png"] == ["val", "dog", "val/dog/1.png", 0]
    assert rows["loose.png"] == ["", None, "", 0] and len(rows) == 9


@pytest.mark.parametrize("room", ["image_cls", "image_mlcls", "text_rec", "text_det", "object_det"])
def test_what_is_read_can_be_given_as_a_correction(tmp_path: Path, room: str) -> None:
    root = tiny_room(room).make_dataset(tmp_path / "data")
    found = images_read(root, tmp_path / "out", room)
    rows = [row for row in found["images"] if row[1]]
    assert rows and all(row[2] is not None for row in rows) and {row[1] for row in rows} >= {"train", "val"}
    assert {row[3] for row in rows} <= {
        "train.txt",
        "val.txt",
        "annotations/instance_train.json",
        "annotations/instance_val.json",
    }
    path = tmp_path / "fix.json"
    entries = [{"image": image, "truth": truth} for image, _, truth, _, _ in rows]
    path.write_text(json.dumps({"version": 1, "corrections": entries}))
    again = images_read(root, tmp_path / "again", room, f"dataset.corrections={path}")
    assert again["images"][: len(rows)] == [[*row[:3], row[3], row[4]] for row in rows]
    assert again["classes"] == found["classes"]


def test_classes_have_the_order_of_the_data(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    for number in range(4):
        picture(root / f"{number}.png", number)
    # The first images show what is named last.
    rows = [
        {"id": number, "image_id": number, "category_id": 3 - number // 2, "bbox": [2, 2, 9, 9], "area": 81}
        for number in range(4)
    ]
    images = [{"id": number, "file_name": f"{number}.png", "width": 24, "height": 24} for number in range(4)]
    categories = [{"id": 1, "name": "ant"}, {"id": 2, "name": "bee"}, {"id": 3, "name": "cow"}]
    (root / "instances.json").write_text(json.dumps({"images": images, "annotations": rows, "categories": categories}))
    found = images_read(root, tmp_path / "out", "object_det")
    assert found["images"][0][2][0]["label"] == "cow" and found["classes"] == ["ant", "bee", "cow"]


def test_run_lengths_are_read_as_they_stand(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    rows = []
    for number in range(4):
        picture(root / f"{number}.png", number)
        marked = {"size": [24, 24], "counts": [25, 3, 548]}
        rows.append({"id": number, "image_id": number, "category_id": 1, "segmentation": marked})
    images = [{"id": number, "file_name": f"{number}.png"} for number in range(4)]
    content = {"images": images, "annotations": rows, "categories": [{"id": 1, "name": "cat"}]}
    (root / "instances.json").write_text(json.dumps(content))
    found = images_read(root, tmp_path / "out", "semantic_seg")
    assert found["classes"] == ["_background_", "cat"] and len(found["images"]) == 4
    (first, *_) = found["images"]
    assert first[2] == [{"label": "cat", "size": [24, 24], "counts": "i03Ta0"}]


def test_lines_that_say_nothing_have_no_truth(tmp_path: Path) -> None:
    root = tiny_room("image_mlcls").make_dataset(tmp_path / "data")
    lines = (root / "train.txt").read_text().splitlines()
    (root / "train.txt").write_text("\n".join([lines[0].partition("\t")[0] + "\t1,x", *lines[1:]]) + "\n")
    found = images_read(root, tmp_path / "out", "image_mlcls")
    assert found["images"][0][2] is None and found["images"][0][1] == "train"


def test_what_is_odd_leaves_the_other_texts(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    good = {"transcription": "a", "points": [[0, 0], [9.126, 0], [9, 9], [0, 9]]}
    odd = [{"points": [["x", 0]]}, 5, {"transcription": None, "points": [[1, 1], [2, 2]]}, {"transcription": "b"}]
    (root / "train.txt").write_text(
        f"one.png\t{json.dumps([good, {**good, 'transcription': '###'}])}\ntwo.png\t{json.dumps([good, *odd])}\n"
    )
    (root / "val.txt").write_text("three.png\tno JSON\n")
    picture(root / "one.png", 90)
    found = images_read(root, tmp_path / "out", "text_det")
    rows = {image: truth for image, _, truth, _, _ in found["images"]}
    outline = {"label": "a", "points": [[0, 0], [9.13, 0], [9, 9], [0, 9]]}
    assert rows["one.png"] == [outline, {**outline, "label": "###", "ignored": True}]
    assert rows["two.png"] == [outline, {"label": "", "points": [[1, 1], [2, 2]]}]
    assert rows["three.png"] is None and found["classes"] == []
