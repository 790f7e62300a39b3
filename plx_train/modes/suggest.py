"""mode=suggest: which images of a pool to label next, as a ranked table, a list, and a page that shows them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plx_train.config.compose import Composed
from plx_train.contract.rooms import load_room
from plx_train.few.pool import FORMS
from plx_train.few.suggest import Suggested
from plx_train.ground.characters import legible
from plx_train.ground.errors import ConfigError
from plx_train.ground.files import replace_file
from plx_train.ground.spreadsheet import csv_text
from plx_train.machine.device import check_device
from plx_train.report.contact_sheet import Sheet, write_contact_sheet
from plx_train.report.data import Picture
from plx_train.runs.folder import SUGGESTIONS_LIST, SUGGESTIONS_PAGE, SUGGESTIONS_TABLE
from plx_train.runs.result import RunResult
from plx_train.vision.room import ImageRoom
from plx_train.workflow.pool_look import UNREADABLE, PoolLook
from plx_train.workflow.session import Session
from plx_train.workflow.source import Source, find_source, with_recorded_options
from plx_train.workflow.suggestion import Suggestion, suggestions
from plx_train.workflow.unlabelled import as_unlabelled, open_unlabelled
from plx_train.workflow.workbench import Workbench, open_workbench

HEAD = ("rank", "image", "kind", "doubt", "says", "path")


def run(composed: Composed) -> RunResult:
    """Writes ``suggestions.csv``, ``suggestions.txt`` and ``suggestions.html``."""
    source = find_source(composed) if composed.options.run else None
    check_module(with_recorded_options(composed, source) if source else composed)
    bare = None if source else as_unlabelled(composed)
    if not bare and not composed.options.dataset.pool:
        raise ConfigError(f"mode=suggest needs dataset.pool=<unlabelled images>: give {FORMS}")
    check_device(composed.options.device)
    with open_unlabelled(bare) if bare else open_workbench(composed, source) as bench:
        return _suggested(bench, source)


def check_module(composed: Composed) -> None:
    """
    Raises:
        ConfigError: it looks at no images, or needs no labels.
    """
    options = composed.options
    room = load_room(options.module.name)
    if not isinstance(room, ImageRoom):
        raise ConfigError(f"mode=suggest looks at images, and module={room.name} learns from series: leave it out")
    if room.truth(options.module) is None:
        raise ConfigError("mode=suggest: with these options the module makes its labels itself, nothing needs one")


def _suggested(bench: Workbench, source: Source | None) -> RunResult:
    session = bench.session
    ranked, found, look = suggestions(bench, source)
    names = [name_of(one.sample.image, Path(session.options.dataset.root)) for one in ranked]
    output = session.output
    rows = [_row(rank, name, one) for rank, (name, one) in enumerate(zip(names, ranked, strict=True), 1)]
    replace_file(output / SUGGESTIONS_TABLE, csv_text([HEAD, *rows]))
    replace_file(output / SUGGESTIONS_LIST, "".join(f"{name}\n" for name in names))
    write_contact_sheet(output / SUGGESTIONS_PAGE, _sheet(session, ranked, names, found, look))
    session.console.info(f"suggested: {found.reason}")
    shown = [("pool", f"{look.root}: {look}"), ("suggested", f"{len(ranked)}, {found.reason}"),
             ("table", str(output / SUGGESTIONS_TABLE)), ("list", str(output / SUGGESTIONS_LIST)),
             ("contact sheet", str(output / SUGGESTIONS_PAGE))]  # fmt: skip
    session.console.summary("what to label next", shown)
    num_twins = look.counts.total() - look.counts[UNREADABLE]
    counts = {"suggestions": len(ranked), "candidates": len(look.kept), "twins": num_twins}
    return RunResult("suggest", output, {name: float(number) for name, number in counts.items()})


def name_of(image: Path, root: Path) -> str:
    """How a label file of the dataset names an image; where it lies elsewhere its whole path."""
    root = root.expanduser().absolute()
    return image.relative_to(root).as_posix() if image.is_relative_to(root) else str(image)


def _row(rank: int, name: str, one: Suggestion) -> tuple[Any, ...]:
    doubt = "" if one.doubt is None else round(one.doubt, 4)
    return rank, name, one.size, doubt, said_in_words(one), str(one.sample.image)


def said_in_words(one: Suggestion) -> str:
    """What the model takes an image for: a class, labels, a text, or how many outlines; empty where it says nothing."""
    if one.said is None:
        return ""
    truth = one.said.truth
    if isinstance(truth, str):
        return truth
    if all(isinstance(each, str) for each in truth):
        return ", ".join(map(str, truth)) or "none"
    return f"{len(truth)} found"


def _sheet(
    session: Session, ranked: Sequence[Suggestion], names: Sequence[str], found: Suggested, look: PoolLook
) -> Sheet:
    options = session.options
    facts = {
        "module": options.module.name,
        "suggested": str(len(ranked)),
        "candidates": str(len(look.kept)),
        "left out": str(look.counts.total()),
        "seen by": options.run or "the published weights",
    }
    sentence = f"Suggested are {found.reason}. The first are worth most."
    pictures = [Picture(name, one.sample.image) for name, one in zip(names, ranked, strict=True)]
    title = f"{len(ranked)} images of {options.dataset.name} to label next"
    again = f"python -m plx_train {shlex.join(session.composed.overrides)}"
    command = ("Label these and add them to the training split, train, and ask again", again)
    return Sheet("What to label next", title, facts, sentence, pictures, [_words(one) for one in ranked], command)


def _words(one: Suggestion) -> list[str]:
    words = [f"one of {one.size} alike" if one.size > 1 else "like no other"]
    if one.said is not None:
        words.append(f"says {legible(said_in_words(one))}, doubt {one.doubt:.2f}")
    return words
