"""Label Studio's export JSON-MIN: what each control holds, side by side with the task's data, as JSON has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

OF_SHORT_TASKS = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time")
"""What tasks hold beside their data and what was chosen."""
USUAL_TEXTS = ("transcription", "text", "ocr_text", "transcript")
SHAPES = {"x": "rectangle", "points": "polygon"}
"""Kinds of regions by what their values hold."""
Task = dict[str, Any]


def is_short(content: Any, is_address: Callable[[str], bool]) -> bool:
    """Whether it is such an export: a list of tasks with an image in each.

    Args:
        is_address: whether a text names an image.
    """
    if not isinstance(content, list) or not content or not all(isinstance(task, dict) for task in content):
        return False
    first = content[0]
    has_image = any(is_address(value) for value in first.values() if isinstance(value, str))
    return "annotator" in first and "id" in first and has_image


def in_full(tasks: list[Task], is_address: Callable[[str], bool]) -> list[Task]:
    """The tasks as the export JSON has them."""
    texts = ((key, value) for task in tasks for key, value in task.items() if isinstance(value, str))
    others = frozenset(key for key, value in texts if "://" in value or is_address(value))
    control = _control_of_texts(tasks, others)
    return [_in_full(task, others, control) for task in tasks]


def _in_full(task: Task, others: frozenset[str], control: str | None) -> Task:
    controls = {key: value for key, value in task.items() if key not in OF_SHORT_TASKS and key not in others}
    regions = _regions(controls)
    results = _results(regions, _texts(controls.get(control)) if control else [])
    for key, value in controls.items():
        chosen = value.get("choices") if isinstance(value, dict) else [value]
        if (
            not (regions and key == control)
            and isinstance(chosen, list)
            and all(isinstance(one, str) for one in chosen)
        ):
            results.append({"from_name": key, "type": "choices", "value": {"choices": chosen}})
    data = {key: value for key, value in task.items() if isinstance(value, str)}
    is_open = "annotation_id" in task and task["annotation_id"] is None and task.get("annotator") is None
    return {"id": task.get("id"), "data": data, "annotations": [] if is_open else [{"result": results}]}


def _results(regions: list[Task], texts: list[str]) -> list[Task]:
    """Regions with their texts, which the export lists in the same order, without saying what belongs together."""
    results: list[Task] = []
    for number, region in enumerate(regions):
        sizes = {key: region[key] for key in ("original_width", "original_height") if key in region}
        kind = next(kind for mark, kind in SHAPES.items() if mark in region)
        key = f"r{number}"
        results.append({"id": key, "type": kind, "value": region} | sizes)
        if len(texts) == len(regions):
            results.append({"id": key, "type": "textarea", "value": {"text": texts[number]}})
    if texts and len(texts) != len(regions):
        results.append({"type": UNMATCHED, "value": {"texts": len(texts), "regions": len(regions)}})
    return results


UNMATCHED = "texts without their regions"
"""Kind of what stands for texts of which nobody knows what they belong to."""


def _regions(controls: Mapping[str, Any]) -> list[Task]:
    """All regions of a task: in the order of the control that has most of them, for others have them once more."""
    lists = [
        [one for one in value if isinstance(one, dict) and any(mark in one for mark in SHAPES) and "text" not in one]
        for value in controls.values()
        if isinstance(value, list)
    ]
    found: dict[tuple[Any, ...], Task] = {}
    for regions in sorted(lists, key=len, reverse=True):
        for one in regions:
            # One control may hold the shape, another one its label.
            found[_place(one)] = one | found.get(_place(one), {})
    return list(found.values())


def _place(region: Task) -> tuple[Any, ...]:
    return tuple(str(region.get(key)) for key in ("x", "y", "width", "height", "rotation", "points"))


def _control_of_texts(tasks: list[Task], others: frozenset[str]) -> str | None:
    """The control that holds texts of regions: as many of them in most tasks; of several the one that is called so."""
    fits: dict[str, int] = {}
    for task in tasks:
        controls = {key: value for key, value in task.items() if key not in OF_SHORT_TASKS and key not in others}
        count = len(_regions(controls))
        for key, value in controls.items():
            texts = _texts(value)
            if texts and count:
                fits[key] = fits.get(key, 0) + (1 if len(texts) == count else 0)
    ranked = sorted(fits, key=lambda key: (key.lower() not in USUAL_TEXTS, -fits[key], key))
    return ranked[0] if ranked else None


def _texts(value: Any) -> list[str]:
    """Texts of a control: one, several, or what was typed in several lines."""
    found: list[str] = []
    for one in value if isinstance(value, list) else [value]:
        typed = one.get("text") if isinstance(one, dict) else one
        if isinstance(typed, list) and all(isinstance(each, str) for each in typed):
            found.append(" ".join(typed))
        elif isinstance(typed, str):
            found.append(typed)
    return found
