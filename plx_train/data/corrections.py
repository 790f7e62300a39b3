"""Corrections of labels in a file of their own, taken in while a dataset is read: the originals stay as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from plx_train.contract.check import Finding
from plx_train.contract.truth import Outline
from plx_train.data.formats.parsed_json import JsonFault, points, read_json
from plx_train.data.formats.run_lengths import packed, runs_of
from plx_train.ground.characters import json_text

VERSION = 1
ENTRIES, CLASSES = "corrections", "classes"
IMAGE, TRUTH, LEAVE_OUT, NOTE = "image", "truth", "leave_out", "note"
KEYS = (IMAGE, TRUTH, LEAVE_OUT, NOTE)
OUTLINE_KEYS = ("label", "points", "ignored", "size", "counts")
MASK_KEYS = ("mask", "classes")
LEAST_CORNERS = 4
STRING_OR_LAST_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[\]}])', re.DOTALL)


@dataclass(frozen=True)
class MaskFile:
    """A picture whose pixels are the numbers of classes.

    Attributes:
        path: relative to the folder of the file of corrections, with slashes.
        classes: their names, by number.
    """

    path: str
    classes: tuple[str, ...]


Truths = str | tuple[str, ...] | tuple[Outline, ...] | MaskFile
"""A class or a text, names of labels, outlines, or the class of each pixel."""


class EntryFault(Exception):
    """What is wrong with an entry, in words."""


@dataclass(frozen=True)
class Correction:
    """What one image shows, or that it is left out.

    Attributes:
        image: path relative to the dataset's folder, with slashes.
        truth: takes the place of what is labelled; None: the image is left out.
        line: of the file, counted from 1.
        note: words for people, which nothing reads.
    """

    image: str
    truth: Truths | None
    line: int = 0
    note: str = ""


@dataclass(frozen=True)
class Corrections:
    """A file of corrections.

    Attributes:
        file: what findings call it.
        entries: by image.
        findings: of what can't be used.
        classes: names that entries may use beside those of the data.
    """

    file: str
    entries: Mapping[str, Correction]
    findings: tuple[Finding, ...] = ()
    classes: tuple[str, ...] = ()


def read_corrections(path: Path, file: str) -> Corrections:
    """The corrections of a file; what is wrong with it is told, never raised.

    Args:
        file: what findings call it.
    """
    try:
        content = read_json(path, _without_last_commas)
        text = _without_last_commas(path.read_text("utf-8-sig"))
    except (JsonFault, OSError) as fault:
        return Corrections(file, {}, (_found(file, 0, "corrections-unreadable", f"the file {fault}"),))
    if not isinstance(content, dict) or not isinstance(content.get(ENTRIES), list):
        return Corrections(file, {}, (_found(file, 0, "corrections-unreadable", f"it lacks the list {ENTRIES}"),))
    if content.get("version") != VERSION:
        reason = f'version is {str(content.get("version"))[:40]}, and {VERSION} is known: write "version": {VERSION}'
        return Corrections(file, {}, (_found(file, 0, "corrections-unreadable", reason),))
    classes = content.get(CLASSES, [])
    if not isinstance(classes, list) or not all(isinstance(each, str) and each.strip() for each in classes):
        reason = f"{CLASSES} is no list of names"
        return Corrections(file, {}, (_found(file, 0, "corrections-unreadable", reason),))
    entries: dict[str, Correction] = {}
    findings = []
    for line, value in _entries(text):
        try:
            one = _correction(value, line)
            if one.image in entries:
                raise EntryFault(f"{one.image} is corrected in line {entries[one.image].line} already")
            entries[one.image] = one
        except EntryFault as fault:
            findings.append(_found(file, line, "correction-invalid", str(fault)))
    return Corrections(file, entries, tuple(findings), tuple(dict.fromkeys(classes)))


def _without_last_commas(text: str) -> str:
    """A text without the commas behind which a list or an object ends: people delete the entries after them."""
    return STRING_OR_LAST_COMMA.sub(lambda found: found[1] or "", text)


def corrections_text(corrections: Iterable[Correction], classes: Sequence[str] = ()) -> str:
    """A file's text; an entry a line, so that people can delete single ones."""
    rows = [json_text(_plain(one)) for one in corrections]
    named = f'"{CLASSES}": {json_text(list(classes))}, ' if classes else ""
    return f'{{"version": {VERSION}, {named}"{ENTRIES}": [\n' + ",\n".join(rows) + "\n]}\n"


def correction_of(value: Any) -> Correction:
    """The entry that plain values say, as a file has them.

    Raises:
        EntryFault: they say none.
    """
    return _correction(value, 0)


def plain_truth(truth: Truths) -> Any:
    """A truth in plain values, as a file of corrections has it."""
    if isinstance(truth, str):
        return truth
    if isinstance(truth, MaskFile):
        return {"mask": truth.path, "classes": list(truth.classes)}
    return [_plain_outline(each) if isinstance(each, Outline) else each for each in truth]


def _plain(one: Correction) -> dict[str, Any]:
    said = {LEAVE_OUT: True} if one.truth is None else {TRUTH: plain_truth(one.truth)}
    return {IMAGE: one.image, **said, **({NOTE: one.note} if one.note else {})}


def plain_outlines(numbers: Iterable[float], said: Sequence[tuple[str, int, bool]]) -> list[dict[str, Any]]:
    """Outlines in plain values, as a file of corrections has them.

    Args:
        numbers: x, y, x, y … of all their corners.
        said: of each the label, how many corners it has, and whether it counts neither way.
    """
    rounded = [round(float(number), 2) for number in numbers]
    corners = list(map(list, zip(rounded[::2], rounded[1::2], strict=True)))
    ends = accumulate(count for _, count, _ in said)
    return [
        {"label": label, "points": corners[end - count : end], **({"ignored": True} if is_ignored else {})}
        for (label, count, is_ignored), end in zip(said, ends, strict=True)
    ]


def _plain_outline(one: Outline) -> dict[str, Any]:
    if one.runs is not None:
        more = {"ignored": True} if one.is_ignored else {}
        return {"label": one.label, "size": list(one.runs.size), "counts": packed(one.runs.lengths), **more}
    numbers = (number for corner in one.points for number in corner)
    return plain_outlines(numbers, [(one.label, len(one.points), one.is_ignored)])[0]


def _found(file: str, line: int, code: str, reason: str) -> Finding:
    return Finding(file, line, "error", code, reason)


def _entries(text: str) -> Iterator[tuple[int, Any]]:
    """Line and value of each entry of a text that is JSON with a list of them."""
    decoder, place = json.JSONDecoder(), text.index("{") + 1
    while True:
        place = _next(text, place)
        key, place = decoder.raw_decode(text, place)
        place = _next(text, place)
        if key == ENTRIES and text[place] == "[":
            break
        _, place = decoder.raw_decode(text, place)
    line, counted = 1, 0
    place = _next(text, place + 1)
    while text[place] != "]":
        line, counted = line + text.count("\n", counted, place), place
        value, place = decoder.raw_decode(text, place)
        yield line, value
        place = _next(text, place)


def _next(text: str, place: int) -> int:
    """Where the next key, value or end begins."""
    while text[place] in " \t\r\n,:":
        place += 1
    return place


def _correction(value: Any, line: int) -> Correction:
    """
    Raises:
        EntryFault: it is none.
    """
    if not isinstance(value, dict):
        raise EntryFault(f"the entry is no object with {IMAGE} and {TRUTH}, or {IMAGE} and {LEAVE_OUT}")
    _check_keys(value, KEYS, "the entry")
    image, leaves_out = value.get(IMAGE), value.get(LEAVE_OUT, False)
    if not isinstance(image, str) or not image:
        raise EntryFault(f"{IMAGE} is missing: it is the path of an image in the dataset's folder")
    if not isinstance(leaves_out, bool):
        raise EntryFault(f"{image}: {LEAVE_OUT} is neither true nor false")
    if leaves_out is (TRUTH in value):
        raise EntryFault(f"{image}: give either {TRUTH} or {LEAVE_OUT}: true")
    image = image.replace("\\", "/").removeprefix("./")
    note = value.get(NOTE)
    truth = None if leaves_out else _truth(value[TRUTH], image)
    return Correction(image, truth, line, note if isinstance(note, str) else "")


def _check_keys(value: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    others = [key for key in value if key not in known]
    if others:
        raise EntryFault(f"{what} has the key {others[0][:40]!r}; known are {', '.join(known)}")


def _truth(value: Any, image: str) -> Truths:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return tuple(_outline(each, f"{image}: outline {place}") for place, each in enumerate(value, 1))
    if isinstance(value, dict):
        return _mask(value, image)
    raise EntryFault(f"{image}: {TRUTH} is no text, no list of names, no list of outlines and no mask")


def _mask(value: Mapping[str, Any], image: str) -> MaskFile:
    _check_keys(value, MASK_KEYS, f"{image}: the mask")
    path, classes = value.get("mask"), value.get("classes")
    if not isinstance(path, str) or not path:
        raise EntryFault(f"{image}: mask is no path of a picture beside the file of corrections")
    is_list = isinstance(classes, list) and all(isinstance(each, str) and each.strip() for each in classes)
    if not is_list or not classes or len({*classes}) < len(classes):
        raise EntryFault(f"{image}: classes are no list of names, each of them once")
    return MaskFile(path.replace("\\", "/").removeprefix("./"), tuple(classes))


def _outline(value: Mapping[str, Any], what: str) -> Outline:
    _check_keys(value, OUTLINE_KEYS, what)
    corners, label, is_ignored = points(value.get("points")), value.get("label"), value.get("ignored", False)
    runs = runs_of(value)
    if runs is None and "counts" in value:
        raise EntryFault(f"{what}: counts are no run lengths of as many pixels as its size says")
    if runs is None and (corners is None or len(corners) < LEAST_CORNERS):
        raise EntryFault(f"{what}: points are not {LEAST_CORNERS} or more pairs [x, y]")
    if not isinstance(label, str):
        raise EntryFault(f"{what}: label is no text")
    if not isinstance(is_ignored, bool):
        raise EntryFault(f"{what}: ignored is neither true nor false")
    return Outline(corners or (), label, is_ignored) if runs is None else Outline((), label, is_ignored, runs)
