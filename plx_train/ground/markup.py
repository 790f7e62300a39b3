"""Foreign words in HTML and SVG: the one function that puts them there."""

from __future__ import annotations

import html

from plx_train.ground.characters import bounded, legible, legible_lines

MOST_CHARACTERS = 20_000
"""More of one text are not shown: a page must open."""


def escape(text: object) -> str:
    """A text as content or attribute of an element: nothing in it is markup, and what can't be seen is spelled out."""
    return html.escape(legible(bounded(str(text), MOST_CHARACTERS)))


def escape_lines(text: object) -> str:
    """`escape` of a text of several lines, which stay."""
    return html.escape(legible_lines(bounded(str(text), MOST_CHARACTERS)))
