"""Usual names of columns, however they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

TIME_NAMES = ("date", "time", "timestamp", "datetime", "ds", "ts")
"""Columns of times; case, spaces and marks of punctuation don't count: ``Date Time`` is a ``datetime``."""
DAY_TIME_NAMES = ("time", "timeofday", "hour", "uhrzeit", "heure", "hora")
"""Columns of the times of day that belong to dates in another column."""
GROUP_NAME, LABEL_NAME = "group_id", "label"


def plain_name(name: str) -> str:
    """A name in small letters, without spaces and marks of punctuation."""
    return re.sub(r"[\W_]+", "", name).lower()


def named_as(header: Sequence[str], names: Iterable[str]) -> str | None:
    """The first column that has one of `names`, of which earlier ones come first; None where none has."""
    plain = {plain_name(name): name for name in reversed(header)}
    lower = {name.lower(): name for name in reversed(header)}
    return next((found[name] for name in names for found in (lower, plain) if name in found), None)
