"""The runs of a home, as their folders say; what was read once is read again only when it changed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plx_train.ground.errors import UserError
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import (
    CHECK_FILE,
    EXPORT,
    OVERLAYS,
    PARITY_FILE,
    REPORT_FILE,
    RUN_FILE,
    SWEEP_FILE,
)
from plx_train.runs.lock import is_held
from plx_train.studio.home import Home, read_json
from plx_train.studio.store import record_page

RUNNING, DIED, BEGINNING, SWEEP = "RUNNING", "DIED", "BEGINNING", "SWEEP"
SHOWN_FACTS = ("mode", "reason", "metrics", "monitor", "overrides", "seconds", "notes", "weights", "run_id", "labelled")
DEEPEST = 3
"""Folders below outputs that a run may lie deep: those of sweeps do."""


@dataclass(frozen=True)
class RunCard:
    """What a list shows of a run.

    Attributes:
        name: of its folder below outputs, with slashes.
        status: ``FINISHED``, ``FAILED``, ``KILLED``, ``RUNNING``, or ``DIED`` where its process is gone without a word.
        value: the monitored metric at the end; None before.
        error: why it failed, in a sentence.
    """

    name: str
    status: str
    mode: str
    module: str
    dataset: str
    monitor: str
    value: float | None
    seconds: float | None
    at: float
    error: str = ""
    is_sweep: bool = False


class Shelf:
    """Runs below a home's outputs."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._cards: dict[str, tuple[tuple[float, int], RunCard]] = {}

    def cards(self) -> list[RunCard]:
        """All runs, newest first; those of sweeps stand under their sweep."""
        found, fresh = [], {}
        for name, path, stamp in _marks(self._home.outputs):
            kept = self._cards.get(name)
            fresh[name] = kept if kept and kept[0] == stamp else (stamp, _card(name, path))
            found.append(_alive(fresh[name][1], path.parent))
        self._cards = fresh
        return sorted(found, key=lambda card: -card.at)

    def details(self, name: str) -> dict[str, Any]:
        """All that is known of a run.

        Raises:
            UserError: there is none of that name.
        """
        folder = self._home.run(name)
        if (folder / SWEEP_FILE).is_file():
            return {"name": name, "status": _card_of_sweep(name, folder, 0.0).status, "isSweep": True, "overlays": []}
        if not (folder / RUN_FILE).is_file():
            return {"name": name, "status": BEGINNING, "overlays": []}
        facts = read_facts(folder)
        card = _alive(_card(name, folder / RUN_FILE), folder)
        overlays = sorted((folder / OVERLAYS).glob("*")) if (folder / OVERLAYS).is_dir() else []
        return {
            **{key: facts.get(key) for key in SHOWN_FACTS},
            "name": name,
            "status": card.status,
            "folder": self._home.shown(folder),
            "module": card.module,
            "dataset": card.dataset,
            "at": card.at,
            "hasReport": (folder / REPORT_FILE).is_file(),
            "overlays": [path.name for path in overlays if path.suffix in (".jpg", ".png")],
            "export": self._home.shown(folder / EXPORT) if (folder / EXPORT).is_dir() else None,
            "parity": read_json(folder / EXPORT / PARITY_FILE, None),
            "record": record_page(facts),
            "check": _short_check(read_json(folder / CHECK_FILE, None)),
        }


def _marks(outputs: Path) -> Iterator[tuple[str, Path, tuple[float, int]]]:
    """Name, file and state of what each run or sweep is known by; the runs of a sweep are left out."""
    waiting = [(outputs, 0)]
    while waiting:
        folder, depth = waiting.pop()
        found = _known_by(folder) if depth else None
        if found:
            yield str(folder.relative_to(outputs)), found[0], found[1]
        elif depth < DEEPEST:
            try:
                below = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
            except OSError:
                continue
            waiting += [(each, depth + 1) for each in below]


def _known_by(folder: Path) -> tuple[Path, tuple[float, int]] | None:
    for name in (SWEEP_FILE, RUN_FILE):
        try:
            state = (folder / name).stat()
        except OSError:
            continue
        return folder / name, (state.st_mtime, state.st_size)
    return None


def _card(name: str, path: Path) -> RunCard:
    """What the file at `path` says."""
    at = path.stat().st_mtime
    if path.name == SWEEP_FILE:
        return _card_of_sweep(name, path.parent, at)
    try:
        facts = read_facts(path.parent)
    except UserError as error:
        return RunCard(name, "FAILED", "", "", "", "", None, None, at, str(error))
    monitor = facts.get("monitor") or ""
    return RunCard(
        name,
        facts.get("status") or "",
        facts.get("mode") or "",
        _given(facts, "module"),
        _given(facts, "dataset.root") or _given(facts, "dataset"),
        monitor,
        (facts.get("metrics") or {}).get(monitor),
        facts.get("seconds"),
        at,
        facts.get("reason") or "",
    )


def _card_of_sweep(name: str, folder: Path, at: float) -> RunCard:
    settings = read_json(folder / SWEEP_FILE, {})
    words = str(settings.get("command", "")) if isinstance(settings, dict) else ""
    module = next((text.partition("=")[2] for text in words.split() if text.startswith("module=")), "")
    return RunCard(name, RUNNING if is_held(folder) else SWEEP, "sweep", module, "", "", None, None, at, is_sweep=True)


def _given(facts: Mapping[str, Any], key: str) -> str:
    """The last value that a command gave to a key."""
    values = [text.partition("=")[2] for text in facts.get("overrides") or () if text.partition("=")[0] == key]
    return values[-1].strip("'\"") if values else ""


def _alive(card: RunCard, folder: Path) -> RunCard:
    """The card with what its lock says: a run that says it runs, and whose process is gone, has died."""
    if card.status != RUNNING or card.is_sweep or is_held(folder) is not False:
        return card
    return replace(card, status=DIED)


def _short_check(check: Any) -> dict[str, Any] | None:
    if not isinstance(check, dict):
        return None
    return {key: check.get(key) for key in ("format", "division", "fingerprint", "num_errors", "num_warnings", "codes")}
