"""Names of the files that results are written to: none is that of another input's result."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plx_train.ground.parsed import parse_json

LONGEST_NAME = 200
"""Bytes of a name; what is written after it must find room among the 255 of file systems."""


@dataclass(frozen=True)
class Origin:
    """What a result is of: results of one origin may take each other's place, others never.

    Attributes:
        path: absolute, of the input's file; None for other input.
        part: which page or series of it.
        models: the parts of the pipeline, by which results of two pipelines differ.
        unique: tells results without a path apart.
    """

    path: str | None
    part: str
    models: tuple[str, ...]
    unique: int | None = None


@dataclass
class _Taken:
    """Owner of a name, and what was written last; None before that."""

    origin: Origin
    written: Path | None = None


_lock = threading.Lock()
_taken: dict[tuple[str, str], _Taken] = {}
_names: dict[tuple[str, str, Origin], str] = {}
_numbers: dict[tuple[str, str], int] = {}
"""Next number of a name in a folder: those below were asked for before."""


def folded(name: str) -> str:
    """What file systems that tell neither cases nor Unicode's forms apart make of a name."""
    return unicodedata.normalize("NFC", name).casefold()


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """A folder's files without their suffix; those that only suffix or case tells apart keep it."""
    stems = {name: str(Path(name).with_suffix("")) for name in names}
    counts = Counter(map(folded, stems.values()))
    return {name: stem if counts[folded(stem)] == 1 else name for name, stem in stems.items()}


def origin_of(findings: Mapping[str, Any], unique: int) -> Origin:
    """What a result with these findings is of; `unique` is a number that no other result has."""
    path = findings.get("input_path")
    part = json.dumps([findings.get("page_index"), findings.get("group")], default=str)
    models = tuple(sorted(findings.get("models") or ()))
    return Origin(str(Path(path).absolute()) if path else None, part, models, None if path else unique)


def claim(folder: Path, name: str, origin: Origin, index: int | None) -> str:
    """The name for files of `origin` in `folder`: `name`, where it is no other's there.

    Else the input's suffix stands in it, and a number where that is taken too.

    Args:
        index: of the page, which `name` ends with.
    """
    place = str(folder.absolute())
    with _lock:
        known = _names.get((place, name, origin))
        if known is not None and _taken[place, folded(known)].origin == origin:
            return known
        for candidate in _candidates(place, name, origin, index):
            key = (place, folded(candidate))
            held = _taken.get(key)
            if held and held.origin != origin and (held.written is None or held.written.exists()):
                continue
            if held is None and _is_of_another(folder / f"{candidate}_res.json", origin):
                continue
            if held is None or held.origin != origin:
                _taken[key] = _Taken(origin)
            _names[place, name, origin] = candidate
            return candidate
    raise AssertionError("candidates never end")


def note_written(folder: Path, name: str, path: Path) -> None:
    """Keeps what was written under a name; where it is deleted, the name is free again."""
    with _lock:
        _taken[str(folder.absolute()), folded(name)].written = path


def _candidates(place: str, name: str, origin: Origin, index: int | None) -> Iterator[str]:
    yield _shortened(name)
    end = "" if index is None else f"_{index}"
    suffix = Path(origin.path or "").suffix
    base = name.removesuffix(end)
    whole = f"{base}{'' if base.endswith(suffix) else suffix}{end}"
    yield _shortened(whole)
    for number in itertools.count(_numbers.get((place, whole), 2)):
        _numbers[place, whole] = number + 1
        yield _shortened(f"{whole}_{number}")


def _shortened(name: str) -> str:
    """A name that ends in its own hash where it would be too long for a file system."""
    head, separator, last = name.rpartition("/")
    content = os.fsencode(last)
    if len(content) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(content).hexdigest()[:12]
    return f"{head}{separator}{content[: LONGEST_NAME - 16].decode('utf-8', 'ignore')}~{digest}"


def _is_of_another(path: Path, origin: Origin) -> bool:
    """Whether a result that an earlier command wrote is of another input; what says nothing of that is not."""
    try:
        findings = parse_json(path.read_text("utf-8"))
        if "input_path" not in findings:
            return False
        former = origin_of(findings, 0)
    except (OSError, ValueError, TypeError, AttributeError):
        return False
    return (former.path, former.part, former.models) != (origin.path, origin.part, origin.models)
