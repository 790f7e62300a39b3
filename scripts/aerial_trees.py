"""Aerial pictures with the crowns of trees as boxes, of the package deepforest (MIT), as a dataset in COCO's format.

    pip download --no-deps deepforest==2.1.0
    python scripts/aerial_trees.py deepforest-2.1.0-py3-none-any.whl aerial

To train on, one large picture of Yellowstone; to validate, one of another place there and two of other sites.
"""

from __future__ import annotations

import argparse
import json
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

TRAIN = ("2019_YELL_2_528000_4978000_image_crop2",)
VAL = ("2019_YELL_2_541000_4977000_image_crop", "OSBS_029", "SOAP_061")
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("folder", type=Path, help="where the dataset is written")
    given = parser.parse_args()
    for name in ("images", "annotations"):
        (given.folder / name).mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(given.wheel) as wheel:
        for split, names in (("train", TRAIN), ("val", VAL)):
            content = read_split(wheel, names, given.folder / "images")
            (given.folder / f"annotations/instance_{split}.json").write_text(json.dumps(content), "utf-8")
            print(f"{split}: {len(content['images'])} pictures, {len(content['annotations'])} boxes")


def read_split(wheel: zipfile.ZipFile, names: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """The pictures `names`, written into `folder`, as the content of a COCO file."""
    images, annotations = list[dict[str, Any]](), list[dict[str, Any]]()
    for number, name in enumerate(names):
        (folder / f"{name}.png").write_bytes(wheel.read(f"deepforest/data/{name}.png"))
        root = ElementTree.fromstring(wheel.read(f"deepforest/data/{name}.xml"))
        width, height = (int(root.findtext(f"size/{side}", "0")) for side in ("width", "height"))
        images.append({"id": number, "file_name": f"{name}.png", "width": width, "height": height})
        for box in root.iter("bndbox"):
            left, top, right, bottom = (float(box.findtext(corner, "0")) for corner in CORNERS)
            annotations.append({
                "id": len(annotations), "image_id": number, "category_id": 0, "iscrowd": 0,
                "bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top),
            })  # fmt: skip
    return {"images": images, "annotations": annotations, "categories": [{"id": 0, "name": "tree"}]}


if __name__ == "__main__":
    main()
