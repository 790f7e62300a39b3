"""Tasks of the OCR template as label-studio-sdk 2.1.2 exports them in JSON-MIN; its `Converter` gave these shapes."""

from __future__ import annotations

from typing import Any

from kit.exporters import SIZE

Json = dict[str, Any]
LINES = (("one", 10.0), ("two", 50.0))
"""Texts and tops, in percent."""


def region(top: float, **more: Any) -> Json:
    """A rectangle in percent."""
    box = {"x": 5.0, "y": top, "width": 60.0, "height": 20.0, "rotation": 0}
    return box | more | {"original_width": SIZE[1], "original_height": SIZE[0]}


def corners(top: float, **more: Any) -> Json:
    """The same as a polygon."""
    points = [[5, top], [65, top], [65, top + 20], [5, top + 20]]
    return {"points": points, "closed": True} | more | {"original_width": SIZE[1], "original_height": SIZE[0]}


def short_task(number: int, address: str, **controls: Any) -> Json:
    """A task with what its controls hold."""
    when = "2024-05-02T09:11:12.003Z"
    told = {"annotator": 1, "annotation_id": number, "created_at": when, "updated_at": when, "lead_time": 4.2}
    return {"ocr": address, "id": number} | controls | told


def open_task(number: int, address: str) -> Json:
    """A task that nobody annotated."""
    told = dict.fromkeys(("annotator", "annotation_id", "created_at", "updated_at", "lead_time"))
    return {"ocr": address, "id": number} | told


def ocr_task(number: int, address: str, texts: Any = ("one", "two")) -> Json:
    """Two rectangles with labels; of a single text the export makes no list."""
    boxes, labels = [], []
    for _, top in LINES:
        boxes.append(region(top))
        labels.append(region(top, labels=["Text"]))
    kept = list(texts) if isinstance(texts, tuple) else texts
    return short_task(number, address, bbox=boxes, label=labels, transcription=kept)
