"""The file of corrections of a dataset: read once for each of its states, replaced in one piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from plx_train.data.corrections import Correction, Corrections, corrections_text, read_corrections
from plx_train.ground.files import replace_file
from plx_train.runs.folder import CORRECTIONS_FILE

Stamp = tuple[int, int]
NONE = Corrections(CORRECTIONS_FILE, {})
MOST = 8
"""Datasets whose corrections are kept in memory."""

_kept: dict[Path, tuple[Stamp, Corrections]] = {}


def stamp_of(path: Path) -> Stamp | None:
    """Something that differs when a file was changed; None where it is not there."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


def corrections_in(folder: Path) -> Corrections:
    """The corrections of the dataset that the studio keeps `folder` for; none where there is no file."""
    path = folder / CORRECTIONS_FILE
    stamp = stamp_of(path)
    if stamp is None:
        return NONE
    known = _kept.get(path)
    if known and known[0] == stamp:
        return known[1]
    return _keep(path, stamp, read_corrections(path, path.name))


def write_corrections(folder: Path, entries: Mapping[str, Correction], classes: Sequence[str]) -> None:
    """Replaces them; they are on disk when this returns."""
    path = folder / CORRECTIONS_FILE
    replace_file(path, corrections_text(entries.values(), classes), is_durable=True)
    stamp = stamp_of(path)
    if stamp:
        _keep(path, stamp, Corrections(path.name, entries, (), tuple(classes)))


def _keep(path: Path, stamp: Stamp, found: Corrections) -> Corrections:
    _kept.pop(path, None)
    for old in [*_kept][: max(0, len(_kept) - MOST + 1)]:
        _kept.pop(old, None)
    _kept[path] = stamp, found
    return found
