"""What a user says of images, as a file of corrections: on disk before anything is answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from plx_train.contract.truth import Outline
from plx_train.data.corrections import Correction, EntryFault, MaskFile, Truths, correction_of, plain_truth
from plx_train.ground.errors import UserError
from plx_train.runs.folder import CORRECTIONS_FILE
from plx_train.studio.corrected import corrections_in, write_corrections
from plx_train.studio.home import read_json, write_json
from plx_train.studio.images import CLASSED, DEFECT, MASKED, NAMED, ORIGINALS_FILE, ImageList, names_of

Taken = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_WRITING = threading.Lock()


def say(folder: Path, images: ImageList, entries: Iterable[Mapping[str, Any]]) -> None:
    """Writes down what images show.

    Args:
        folder: what the studio keeps of the dataset.
        entries: as a file of corrections has them; an image alone is taken as the data have it again.

    Raises:
        UserError: one of them says nothing, or of an image that there is not; then nothing is written.
    """
    with _WRITING:
        kept, classes = _kept(folder)
        originals = read_json(folder / ORIGINALS_FILE, {})
        before = len(originals)
        for given in entries:
            row = images.get(given.get("image"))
            if row.entry is None and row.image not in kept:
                originals.setdefault(row.image, [row.split, row.was])
            if set(given) == {"image"}:
                kept.pop(row.image, None)
                continue
            said = _correction(given, images.kind)
            kept[row.image] = said
            classes += _new_names(said, images, classes)
        if len(originals) != before:
            write_json(folder / ORIGINALS_FILE, originals)
        write_corrections(folder, kept, classes)


def rename(folder: Path, images: ImageList, name: str, into: str) -> int:
    """Calls a class by another name wherever it stands; of how many images.

    Raises:
        UserError: there is no such class.
    """
    concerned = [row for row in images.rows.values() if name in names_of(row.truth)]
    if images.kind not in NAMED or not concerned or not into.strip():
        raise UserError(f"there is no class {name[:80]} that could be called otherwise")
    say(folder, images, [{"image": row.image, "truth": _renamed(row.truth, name, into)} for row in concerned])
    return len(concerned)


def accept(folder: Path, images: ImageList, choice: str, least: float, taken: Taken) -> int:
    """Takes what is suggested for all images of a kind that nobody looked at yet; of how many.

    Args:
        choice: ``suspects`` or ``suggested``.
        least: how sure, 0 to 1, whoever suggests it must be.
        taken: makes of an entry what corrections have.
    """
    entries = []
    for row in images.chosen(choice):
        said = row.suspect if choice == "suspects" else row.suggested
        if said is not None and said.get("score", 0.0) >= least:
            entries.append(taken({"image": row.image, "truth": said["truth"]}))
    if entries:
        say(folder, images, entries)
    return len(entries)


def leave_out(folder: Path, images: ImageList, code: str) -> int:
    """Leaves out all images with findings of a code that nothing was done about; how many."""
    concerned = [row for row in images.chosen("all", code=code) if not row.is_mended]
    if concerned:
        say(folder, images, [{"image": row.image, "leave_out": True} for row in concerned])
    return len(concerned)


def _renamed(truth: Any, name: str, into: str) -> Any:
    if isinstance(truth, str):
        return into
    if all(isinstance(each, str) for each in truth):
        return list(dict.fromkeys(into if each == name else each for each in truth))
    return [{**each, "label": into} if each["label"] == name else each for each in truth]


def _kept(folder: Path) -> tuple[dict[str, Correction], list[str]]:
    found = corrections_in(folder)
    if found.findings:
        path = folder / CORRECTIONS_FILE
        raise UserError(f"{path} can't be gone on with: {found.findings[0]}: mend it, or put it elsewhere")
    return dict(found.entries), [*found.classes]


def _correction(given: Mapping[str, Any], kind: str) -> Correction:
    try:
        said = correction_of(dict(given))
    except EntryFault as fault:
        raise UserError(f"the label is none: {fault}") from None
    truth = said.truth
    if truth is not None and not _fits(truth, kind):
        raise UserError(f"the label is none: {kind} is wanted")
    if isinstance(truth, str) and not truth.strip():
        raise UserError("the label is empty: leave the image out, or say what it shows")
    return replace(said, truth=truth.strip()) if isinstance(truth, str) else said


def _fits(truth: Truths, kind: str) -> bool:
    if isinstance(truth, str):
        return kind in ("class", "text", DEFECT)
    if isinstance(truth, MaskFile):
        return kind in MASKED
    is_listed = kind not in ("class", "text", *MASKED)
    return is_listed and all(isinstance(each, Outline) is not (kind == "labels") for each in truth)


def _new_names(said: Correction, images: ImageList, classes: Sequence[str]) -> list[str]:
    if said.truth is None or images.kind not in CLASSED:
        return []
    names = dict.fromkeys(said.truth.classes if isinstance(said.truth, MaskFile) else names_of(plain_truth(said.truth)))
    return [name for name in names if name not in images.classes and name not in classes]
