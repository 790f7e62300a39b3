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


WRITERS: dict[str, Callable[[Path, Path], Path]] = {"voc": write_voc, "yolo": write_yolo, "coco": write_coco}
"""What writes each format."""
