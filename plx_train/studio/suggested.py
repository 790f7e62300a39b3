"""What a model says of images, in the form of corrections, and which of them to label next."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from plx_train.data.formats.lines import BACKGROUND, is_background
from plx_train.runs.folder import PREDICTIONS_FILE, SUGGESTIONS_TABLE
from plx_train.studio.home import read_json

MASKS = "masks"
"""Kind of truth that is the class of each pixel."""
LEAST_SCORE = 0.3
"""Boxes of which a model is less sure are not suggested."""
LONGEST_WORDS = 60


def suggestions(folder: Path | None, kind: str, classes: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """Truth, words, score and rank by image.

    Args:
        folder: of a prediction; None: there was none.
        kind: of truth that is wanted.
        classes: of the data, by the numbers that masks have.
    """
    told = read_json(folder / PREDICTIONS_FILE, {}) if folder else {}
    say = partial(_mask, classes=classes) if kind == MASKS else partial(_said, kind=kind)
    found = {image: said for image, one in told.items() if (said := say(one)) is not None}
    ranked = sorted(found, key=lambda image: found[image]["score"])
    return {image: {**found[image], "rank": rank} for rank, image in enumerate(ranked)}


def next_images(folder: Path | None) -> list[str]:
    """Images that are worth labelling, the first most.

    Args:
        folder: of a suggestion; None: there was none.
    """
    try:
        text = (folder / SUGGESTIONS_TABLE).read_text("utf-8") if folder else ""
    except (OSError, UnicodeDecodeError):
        return []
    return [row["image"] for row in csv.DictReader(io.StringIO(text)) if row.get("image")]


def _said(one: Any, kind: str) -> dict[str, Any] | None:
    """A prediction, in the plain form that models of this kind give it."""
    if isinstance(one, Mapping) and kind in ("class", "labels") and isinstance(one.get("label_names"), list):
        names, scores = one["label_names"], one.get("scores") or [0.0]
        if kind == "labels":
            return {"truth": names, "words": ", ".join(names) or "none", "score": min(scores)}
        return {"truth": names[0], "words": names[0], "score": scores[0]} if names else None
    if isinstance(one, Mapping) and kind == "text" and isinstance(one.get("text"), str) and one["text"].strip():
        return {"truth": one["text"], "words": one["text"], "score": one.get("score", 0.0)}
    rows = list(_outlines(one)) if kind in ("boxes", "texts") else []
    if not rows:
        return None
    outlines = [{"label": label, "points": points} for label, points, _ in rows]
    read = " ".join(label for label, *_ in rows if label)[:LONGEST_WORDS] if kind == "texts" else ""
    words = f"{len(rows)} outlines{f': {read} …' if read else ''}"
    return {"truth": outlines, "words": words, "score": min(score for *_, score in rows)}


def _mask(one: Any, classes: Sequence[str]) -> dict[str, Any] | None:
    """A prediction of each pixel's class, in the form in which a page draws masks; how sure it is nobody says."""
    if not isinstance(one, Mapping) or not {"size", "classes", "runs"} <= one.keys() or not one["runs"]:
        return None
    names, number_of = [*classes] or [BACKGROUND], {}
    for seen in one["classes"]:
        if seen["label"] not in names and not is_background(seen["label"]):
            names.append(seen["label"])
        number_of[seen["cls_id"]] = names.index(seen["label"]) if seen["label"] in names else 0
    runs = [number for own, length in one["runs"] for number in (number_of[own], length)]
    most = sorted(one["classes"], key=lambda seen: -seen["pixels"])
    total = max(sum(seen["pixels"] for seen in most), 1)
    words = ", ".join(f"{seen['label']} {100 * seen['pixels'] / total:.0f} %" for seen in most)[:LONGEST_WORDS]
    return {"truth": {"size": one["size"], "runs": runs, "classes": names}, "words": words, "score": 0.0}


def _outlines(one: Any) -> Iterator[tuple[str, Any, float]]:
    if isinstance(one, Mapping) and isinstance(one.get("rec_polys"), list):
        yield from zip(one.get("rec_texts", ()), one["rec_polys"], one.get("rec_scores", ()), strict=False)
        return
    for row in one.get("boxes", ()) if isinstance(one, Mapping) else one if isinstance(one, list) else ():
        score = row.get("score", 0.0)
        if score < LEAST_SCORE:
            continue
        if "coordinate" in row:
            left, top, right, bottom = row["coordinate"]
            yield row["label"], [[left, top], [right, top], [right, bottom], [left, bottom]], score
        elif "points" in row:
            yield row.get("text", ""), row["points"], score
