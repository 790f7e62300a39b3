"""Names of classes by number, from a file with a number and a name a line."""

from __future__ import annotations

from pathlib import Path

from plx_train.contract.check import Finding
from plx_train.data.classes import listed
from plx_train.data.label_file import LabelFile
from plx_train.data.nearest_names import NearestNames
from plx_train.data.odd_characters import character_findings
from plx_train.ground.characters import strip_unseen
from plx_train.vision.classifier_options import CLASS_FILE

MAX_CLASSES = 100_000


def read_class_file(path: Path, root: Path) -> tuple[list[str] | None, LabelFile]:
    """Names of the classes by number; None where there is no such file.

    Numbers that it leaves out are their own names.
    """
    file = LabelFile(path, root)
    if not path.is_file():
        return None, file
    names: dict[int, str] = {}
    first: dict[str, int] = {}
    written: list[tuple[int, str]] = []
    for line, text in file.lines():
        number_text, _, raw = text.strip(" ").replace("\t", " ", 1).partition(" ")
        number, name = whole_number(number_text), strip_unseen(raw)
        if number is None or not name:
            reason = f"the line is not a class number, a space and a name: {text.strip()[:60]!r}"
            file.add(line, "error", "class-line-invalid", reason)
        elif number >= MAX_CLASSES:
            file.add(line, "error", "class-number-too-large", f"class {number}: count the classes from 0")
        elif number in names:
            file.add(line, "error", "class-twice", f"class {number} has the name {names[number]!r} already")
        else:
            names[number] = name
            written.append((line, raw.strip(" ")))
            if first.setdefault(name, line) != line:
                file.add(line, "warning", "class-name-twice", f"the name {name!r} is in line {first[name]} already")
    file.findings += character_findings(file.name, written, "names")
    missing = sorted(set(range(max(names, default=-1) + 1)) - set(names))
    if missing:
        file.add(0, "warning", "class-missing", f"classes {listed(missing)} have no name")
    return [names.get(number, str(number)) for number in range(max(names, default=-1) + 1)], file


def missing_file_findings(root: Path, name: str) -> list[Finding]:
    """An error where somebody named a class file that is not there; without one, numbers are names."""
    is_there = (root / name).exists()
    if name == CLASS_FILE and not is_there:
        return []
    what = f"{name} is no file" if is_there else f"there is no {name} in {root}{NearestNames(root).hint(name)}"
    reason = f"module.label_file={name}: {what}: it must be a file with the number and the name of a class a line"
    return [Finding(name, 0, "error", "class-file-missing", reason)]


def whole_number(text: str) -> int | None:
    """The number from 0 on that `text` is; None where it is none, or a huge one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
