"""What a folder is likely to be for: the format that is seen in it, by the kind of truth that modules learn from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plx_train.contract.truth import Truth
from plx_train.data.formats.choice import OWN, choose_format
from plx_train.data.formats.dataset_format import TRAIN, VAL, DataFolder
from plx_train.data.formats.lines import split_file
from plx_train.data.formats.mvtec import ALONE
from plx_train.data.formats.paddlex import has_pages
from plx_train.ground.errors import UserError
from plx_train.studio import forms
from plx_train.vision.image import IMAGE_SUFFIXES, image_size

TABLES = (".csv", ".tsv")
LOOKED_AT = 1 << 16
"""Bytes of a label file that are looked at."""
LINES = {
    Truth.CLASS: re.compile(r"[^\t]+[ \t]\d{1,9}\s*"),
    Truth.LABELS: re.compile(r"[^\t]+\t[01](,[01])*\s*"),
    Truth.TEXTS: re.compile(r"[^\t]+\t\[.*\]\s*"),
    Truth.MASKS: re.compile(r"[^\t]+[ \t]\S+\.(png|bmp|gif|tiff?)\s*", re.IGNORECASE),
    Truth.DEFECT: re.compile(r"[^\t]+\t[^\t]+\t\S+\.(png|bmp|gif|tiff?)\s*", re.IGNORECASE),
    Truth.TEXT: re.compile(r"[^\t]+\t(?![01](,[01])+\s*$)(?!\[\{).+"),
}
"""How PaddleX's label files look, a line."""


@dataclass(frozen=True)
class Sight:
    """Something that a folder may be.

    Attributes:
        kind: of truth, as ``class``; None: a table of series.
        format: name; empty: images that nobody labelled.
        words: what shows it.
    """

    kind: str | None
    format: str
    words: str


def sights(root: Path) -> list[Sight]:
    """What a folder may be, the likeliest first; nothing where it holds neither images nor tables."""
    learned = {one["kind"] for one in forms.modules()}
    folder = _folder(root, Truth.CLASS)
    found = [sight for truth in Truth if truth.name.lower() in learned and (sight := _sight(folder, truth))]
    if any(sight.kind == "texts" for sight in found):
        # What single texts can be cut out of is of pages first of all.
        found.sort(key=lambda sight: sight.kind == "text")
    num_images = sum(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.files)
    tables = [path.name for path in folder.files if path.suffix.lower() in TABLES]
    if tables and num_images < len(tables):
        return [Sight(None, "csv", f"{len(tables)} tables, {tables[0]} the first"), *found]
    if not found and num_images:
        words = f"{num_images} images that nobody labelled"
        return [Sight(truth.name.lower(), "", words) for truth in Truth if truth.name.lower() in learned]
    return found


def modules_for(seen: list[Sight]) -> list[dict[str, Any]]:
    """All modules, those first that fit what was seen, with the words that say why."""
    order = {sight.kind: (place, sight) for place, sight in reversed([*enumerate(seen)])}
    cards = []
    for one in forms.modules():
        makes_labels = one["seesImages"] and not one["kind"]
        place, sight = (len(seen), None) if makes_labels else order.get(one["kind"], (len(seen), None))
        cards.append(
            (place, not one["reached"], {**one, "fits": sight is not None, "words": sight.words if sight else ""})
        )
    return [one for _, _, one in sorted(cards, key=lambda card: card[:2])]


def _folder(root: Path, truth: Truth) -> DataFolder:
    kind = truth if truth is Truth.BOXES else None
    return DataFolder(root, truth, split_file(TRAIN, kind), split_file(VAL, kind), IMAGE_SUFFIXES, image_size)


def _sight(known: DataFolder, truth: Truth) -> Sight | None:
    folder = _folder(known.root, truth)
    # Its files are listed once for all.
    vars(folder)["files"] = known.files
    try:
        chosen = choose_format("auto", folder, "")
    except UserError as error:
        return Sight(truth.name.lower(), "", str(error))
    if chosen is None or chosen[1] == ALONE:
        return None
    if chosen[0].name == OWN and not _looks_so(folder):
        return None
    return Sight(truth.name.lower(), chosen[0].name, f"{chosen[0].title}: {chosen[1]}")


def _looks_so(folder: DataFolder) -> bool:
    """Whether most lines of a label file of PaddleX's look like those of the kind that is wanted."""
    if folder.truth not in LINES or has_pages(folder):
        return True
    with (folder.root / folder.train).open("rb") as file:
        lines = file.read(LOOKED_AT).decode("utf-8", "replace").splitlines()[:200]
    return 2 * sum(bool(LINES[folder.truth].fullmatch(line)) for line in lines) > len(lines)
