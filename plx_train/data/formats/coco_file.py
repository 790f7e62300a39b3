"""A split's boxes as a COCO file, as PaddleX reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from plx_train.contract.truth import Outline
from plx_train.data.formats.dataset_format import Annotation

FOLDER = "images/"
"""The folder that names of images begin in."""
FROM_ROOT = "./"
"""What names of images elsewhere begin with: they begin in the dataset's folder."""
SizeOf = Callable[[str], tuple[int, int]]
"""Height and width of an image, by its path in the dataset's folder; 0 and 0 where it can't be read."""


def coco_text(samples: Sequence[Annotation], names: Sequence[str], size_of: SizeOf) -> str:
    """The file's text; an image a line, an annotation a line.

    Args:
        names: of the classes, by number.
    """
    numbers = {name: number for number, name in enumerate(names, 1)}
    images: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for place, one in enumerate(samples, 1):
        height, width = size_of(one.image)
        images.append({"id": place, "file_name": file_name(one.image), "height": height, "width": width})
        truth = one.truth if isinstance(one.truth, tuple) else ()
        for each in (each for each in truth if isinstance(each, Outline)):
            row = {"id": len(rows) + 1, "image_id": place, "category_id": numbers[each.label], **_box(each)}
            rows.append(row | {"iscrowd": int(each.is_ignored)})
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    parts = {"categories": categories, "images": images, "annotations": rows}
    return "{" + ",\n".join(f'"{key}": {_lines(given)}' for key, given in parts.items()) + "}\n"


def file_name(image: str) -> str:
    """What a file calls an image at a path in the dataset's folder."""
    return image.removeprefix(FOLDER) if image.startswith(FOLDER) else f"{FROM_ROOT}{image}"


def _box(outline: Outline) -> dict[str, Any]:
    across, down = zip(*outline.points, strict=True)
    left, top = round(min(across), 2), round(min(down), 2)
    width, height = round(max(across) - left, 2), round(max(down) - top, 2)
    return {"bbox": [left, top, width, height], "area": round(width * height, 2)}


def _lines(rows: Sequence[dict[str, Any]]) -> str:
    return "[" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "]"


def reachable(root: Path, read: Callable[[Path], tuple[int, int]]) -> SizeOf:
    """`read` for paths in the dataset's folder; of what can't be read the size is 0 and 0, and the check tells it."""

    def size_of(image: str) -> tuple[int, int]:
        try:
            return read(root / image)
        except Exception:  # whatever is wrong with an image is told by the check, with its place
            return 0, 0

    return size_of
