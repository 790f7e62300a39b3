"""A dataset of boxes, COCO as PaddleX has it, written in the formats of others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Image = dict[str, Any]
Boxes = list[tuple[str, list[float]]]
"""Class and x, y, width and height of each box."""


def images_of(source: Path) -> Iterator[tuple[str, Image, Boxes]]:
    """Split, entry and boxes of each image."""
    for split in ("train", "val"):
        content = json.loads((source / f"annotations/instance_{split}.json").read_text())
        names = {each["id"]: each["name"] for each in content["categories"]}
        for image in content["images"]:
            rows = [row for row in content["annotations"] if row["image_id"] == image["id"]]
            yield split, image, [(names[row["category_id"]], row["bbox"]) for row in rows]


def _copied(source: Path, name: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(source / "images" / name, folder))


def write_voc(source: Path, root: Path) -> Path:
    """``JPEGImages``, ``Annotations`` and ``ImageSets/Main``, as the challenge and LabelImg have them."""
    lists: dict[str, list[str]] = {"train": [], "val": []}
    for split, image, boxes in images_of(source):
        stem = _copied(source, image["file_name"], root / "JPEGImages").stem
        lists[split].append(stem)
        objects = "".join(
            f"<object><name>{name}</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>"
            f"<bndbox><xmin>{x}</xmin><ymin>{y}</ymin><xmax>{x + width}</xmax><ymax>{y + height}</ymax></bndbox>"
            "</object>"
            for name, (x, y, width, height) in boxes
        )
        size = f"<size><width>{image['width']}</width><height>{image['height']}</height><depth>3</depth></size>"
        (root / "Annotations").mkdir(exist_ok=True)
        text = f"<annotation><folder>x</folder><filename>{image['file_name']}</filename>{size}{objects}</annotation>"
        (root / f"Annotations/{stem}.xml").write_text(text)
    (root / "ImageSets/Main").mkdir(parents=True)
    for split, stems in lists.items():
        (root / f"ImageSets/Main/{split}.txt").write_text("".join(f"{stem}\n" for stem in stems))
    return root


def write_yolo(source: Path, root: Path) -> Path:
    """``images``, ``labels`` and ``data.yaml``, as Ultralytics has them."""
    names: list[str] = []
    for split, image, boxes in images_of(source):
        stem = _copied(source, image["file_name"], root / "images" / split).stem
        names += [name for name, _ in boxes if name not in names]
        rows = [
            f"{names.index(name)} {(x + width / 2) / image['width']:.6f} {(y + height / 2) / image['height']:.6f} "
            f"{width / image['width']:.6f} {height / image['height']:.6f}\n"
            for name, (x, y, width, height) in boxes
        ]
        (root / "labels" / split).mkdir(parents=True, exist_ok=True)
        (root / f"labels/{split}/{stem}.txt").write_text("".join(rows))
    named = "".join(f"  {number}: {name}\n" for number, name in enumerate(names))
    (root / "data.yaml").write_text(f"path: ../datasets/mine\ntrain: images/train\nval: images/val\nnames:\n{named}")
    return root


def write_coco(source: Path, root: Path) -> Path:
    """A folder for each split, images and ``_annotations.coco.json`` side by side, as Roboflow has them."""
    for split, folder in (("train", "train"), ("val", "valid")):
        content = json.loads((source / f"annotations/instance_{split}.json").read_text())
        for image in content["images"]:
            _copied(source, image["file_name"], root / folder)
        (root / folder / "_annotations.coco.json").write_text(json.dumps(content))
    return root


def write_labelme(source: Path, root: Path) -> Path:
    """A JSON file beside each image, as LabelMe has them."""
    for split, image, boxes in images_of(source):
        stem = _copied(source, image["file_name"], root / split).stem
        shapes = [
            {"label": name, "points": [[x, y], [x + width, y + height]], "shape_type": "rectangle", "flags": {}}
            for name, (x, y, width, height) in boxes
        ]
        content = {
            "version": "5.5.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": image["file_name"],
            "imageData": None,
        }
        (root / split / f"{stem}.json").write_text(json.dumps(content))
    return root


def write_csv(source: Path, root: Path) -> Path:
    """A table with a row for each box, and one without numbers for an image without any."""
    rows = ["path,label,xmin,ymin,xmax,ymax,split"]
    for split, image, boxes in images_of(source):
        name = _copied(source, image["file_name"], root / "pictures").name
        for label, (x, y, width, height) in boxes:
            rows.append(f"pictures/{name},{label},{x},{y},{x + width},{y + height},{split}")
        if not boxes:
            rows.append(f"pictures/{name},,,,,,{split}")
    (root / "boxes.csv").write_text("\n".join(rows) + "\n")
    return root


def write_label_studio(source: Path, root: Path) -> Path:
    """An export of tasks with rectangles in percent."""
    tasks = []
    for number, (_, image, boxes) in enumerate(images_of(source), 1):
        _copied(source, image["file_name"], root)
        size = {"original_width": image["width"], "original_height": image["height"], "image_rotation": 0}
        results = [
            {
                **size,
                "id": f"r{place}",
                "type": "rectanglelabels",
                "from_name": "label",
                "to_name": "image",
                "value": {
                    "x": 100 * x / image["width"],
                    "y": 100 * y / image["height"],
                    "width": 100 * width / image["width"],
                    "height": 100 * height / image["height"],
                    "rotation": 0,
                    "rectanglelabels": [name],
                },
            }
            for place, (name, (x, y, width, height)) in enumerate(boxes)
        ]
        data = {"image": f"/data/upload/1/0a1b2c3d-{image['file_name']}"}
        tasks.append({"id": number, "data": data, "annotations": [{"id": number, "result": results}]})
    (root / "export.json").write_text(json.dumps(tasks))
    return root


WRITERS: dict[str, Callable[[Path, Path], Path]] = {
    "voc": write_voc,
    "yolo": write_yolo,
    "coco": write_coco,
    "labelme": write_labelme,
    "csv": write_csv,
    "label_studio": write_label_studio,
}
"""What writes each format."""
