"""Writes a contact sheet: many small pictures with what is said of each, in one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plx_train.ground.files import replace_file
from plx_train.report.data import Picture
from plx_train.report.page import page_environment

TEMPLATE = "report/contact_sheet.html.jinja"
LONGEST_SIDE = 480
"""Pixels of a picture on the sheet, at most."""


@dataclass(frozen=True)
class Sheet:
    """What a contact sheet shows.

    Attributes:
        kind: what it is a sheet of, above the title.
        facts: values by name, in the head.
        sentence: what is shown and why.
        pictures: in order; a caption is the picture's own name.
        words: what is said of each picture, in a line each.
        command: what to do next, and the command that does it; None: there is none.
    """

    kind: str
    title: str
    facts: Mapping[str, str]
    sentence: str
    pictures: Sequence[Picture]
    words: Sequence[Sequence[str]]
    command: tuple[str, str] | None = None


def write_contact_sheet(path: Path, sheet: Sheet) -> None:
    """Writes the sheet at `path`; its folder exists.

    Raises:
        OSError: the file can't be written.
    """
    replace_file(path, render_contact_sheet(sheet))


def render_contact_sheet(sheet: Sheet) -> str:
    """The sheet as HTML text: no script, no address outside of itself, everything escaped."""
    from plx_train.report.pictures import Budget, embed

    shown = list(embed(sheet.pictures, Budget(), LONGEST_SIDE))
    return page_environment().get_template(TEMPLATE).render(sheet=sheet, shown=shown)
