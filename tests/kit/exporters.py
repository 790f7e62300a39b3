"""Small datasets exactly as other programs write them, with their oddities."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

Json = dict[str, Any]
SIZE = (160, 320)
"""Height and width of the pages."""


def picture(path: Path, seed: int, size: tuple[int, int] = (24, 24)) -> Path:
    """An image of noise that no other seed gives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 255, (*size, 3), np.uint8))
    return path


def page(path: Path, texts: Sequence[str]) -> Path:
    """A white page with each text in a line of its own, at x 20 and y 40, 90, …; see `quad`."""
    image = np.full((*SIZE, 3), 255, np.uint8)
    for line, text in enumerate(texts):
        cv2.putText(image, text, (20, 40 + 50 * line), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
    return path


def quad(line: int) -> list[list[int]]:
    """The corners of a line of `page`."""
    top, bottom = 12 + 50 * line, 50 + 50 * line
    return [[15, top], [215, top], [215, bottom], [15, bottom]]


def class_folders(root: Path, classes: Iterable[str], count: int, splits: Sequence[str] = ("",)) -> Path:
    """`count` images of each class in a folder that is called so, below each split's."""
    seed = 0
    for split in splits:
        for name in classes:
            for index in range(count):
                seed += 1
                picture(root / split / name / f"{index}.png", seed)
    return root


def labelme(path: Path, image: str, **content: Any) -> None:
    """A JSON file of LabelMe 5 for an image; `content` takes the place of what it holds otherwise."""
    plain = {
        "version": "5.5.0",
        "flags": {},
        "shapes": [],
        "imagePath": image,
        "imageData": None,
        "imageHeight": SIZE[0],
        "imageWidth": SIZE[1],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plain | content, ensure_ascii=False, indent=2), "utf-8")


def shape(
    label: str, points: Sequence[Sequence[float]], kind: str = "polygon", description: str = ""
) -> dict[str, Any]:
    """One of LabelMe's shapes."""
    return {
        "label": label,
        "points": [list(map(float, point)) for point in points],
        "group_id": None,
        "description": description,
        "shape_type": kind,
        "flags": {},
        "mask": None,
    }


def studio_task(
    number: int, data: Mapping[str, str], results: Sequence[dict[str, Any]] | None, **annotation: Any
) -> dict[str, Any]:
    """A task of Label Studio's JSON export; results None: nobody annotated it."""
    done = {
        "id": number,
        "completed_by": 1,
        "result": list(results or ()),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2024-05-02T09:11:12.003Z",
        "updated_at": "2024-05-02T09:11:12.003Z",
        "lead_time": 4.2,
        "task": number,
        "project": 1,
        "parent_annotation": None,
    }
    return {
        "id": number,
        "annotations": [done | annotation] if results is not None else [],
        "file_upload": "",
        "drafts": [],
        "predictions": [],
        "data": dict(data),
        "meta": {},
        "inner_id": number,
        "project": 1,
    }


def studio_choice(*names: str, control: str = "choice") -> dict[str, Any]:
    """What choosing gives."""
    return {
        "value": {"choices": list(names)},
        "id": "Cy1",
        "from_name": control,
        "to_name": "image",
        "type": "choices",
        "origin": "manual",
    }


def studio_text(key: str, text: str | None, **value: float) -> list[dict[str, Any]]:
    """What the OCR template gives for a rectangle in percent: three results that share an id."""
    box = {"x": 10.0, "y": 10.0, "width": 50.0, "height": 20.0, "rotation": 0} | value
    plain = {
        "original_width": SIZE[1],
        "original_height": SIZE[0],
        "image_rotation": 0,
        "id": key,
        "to_name": "image",
        "origin": "manual",
    }
    results = [
        plain | {"value": box, "from_name": "bbox", "type": "rectangle"},
        plain | {"value": box | {"labels": ["Text"]}, "from_name": "label", "type": "labels"},
    ]
    if text is not None:
        results.append(plain | {"value": box | {"text": [text]}, "from_name": "transcription", "type": "textarea"})
    return results
