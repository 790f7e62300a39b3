"""What a check found, by kind, with the images at which it lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plx_train.data.misspelt import RARE, read_alike
from plx_train.studio.images import NAMED, ImageList

SHOWN = 60
"""Findings of a kind that are sent at once."""


def grouped(findings: Sequence[Mapping[str, Any]], images: ImageList | None, most: int = SHOWN) -> list[dict[str, Any]]:
    """The findings by level and code, errors first; each with its image as it is labelled now.

    ``open`` counts those that nothing was done about, ``images`` the images that these are about.
    """
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for finding in findings:
        key = (finding["level"], finding["code"])
        group = groups.setdefault(
            key, {"level": key[0], "code": key[1], "count": 0, "open": 0, "images": set(), "items": []}
        )
        image = finding.get("image")
        row = images.rows[image] if images and image else None
        group["count"] += 1
        group["open"] += row is None or not row.is_mended
        if row and not row.is_mended:
            group["images"].add(image)
        if len(group["items"]) < most:
            group["items"].append({**finding, "row": row.plain() if row else None})
    for group in groups.values():
        group["images"] = len(group["images"])
    return sorted(groups.values(), key=lambda group: (group["level"] != "error", -group["count"]))


def classes_told(images: ImageList) -> list[dict[str, Any]]:
    """Classes with their numbers of images, and what a rare one is perhaps a misspelling of."""
    if images.kind not in NAMED:
        return []
    counts = images.per_class()
    told = []
    for name, count in counts.items():
        near = [
            other for other, number in counts.items() if count and number >= RARE * count and read_alike(name, other)
        ]
        told.append({"name": name, "count": count, "near": max(near, key=lambda other: counts[other], default=None)})
    return told
