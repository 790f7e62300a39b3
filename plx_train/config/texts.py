"""What users type, as Hydra takes it: short keys in full, and paths in quotes."""

from __future__ import annotations

import re
from functools import cache

from plx_train.config.schema import options_of_rooms, options_of_run
from plx_train.contract.option import Trait

PARAMETER, PARAMETERS = "pipeline.", "pipeline_parameters."
"""What users type before a pipeline's parameter, and the section that these stand in: `pipeline` itself is a text."""


def as_typed_in_full(text: str, names_sweep: bool = False) -> str:
    """An override with its key in full and its value quoted where it must be.

    Args:
        names_sweep: ``sweep=`` is a finished one's name, not how to sweep.
    """
    return _quoted(_in_full(text, names_sweep))


@cache
def short_keys() -> dict[str, str]:
    """Keys that users type as a plain value although they stand in a section, and what each is in full."""
    return {one.short: one.key for one in options_of_run().values() if one.short}


def key_of(text: str) -> str:
    """The key of an override, without what Hydra writes before it."""
    return text.partition("=")[0].lstrip("+~")


def _is_text(key: str) -> bool:
    options = (*options_of_run().values(), *options_of_rooms())
    return any(one.key == key and Trait.TEXT in one.traits for one in options)


def _in_full(text: str, names_sweep: bool) -> str:
    key, separator, value = text.partition("=")
    if key == "sweep" and names_sweep:
        return f"sweep.id={value}"
    if key.startswith(PARAMETER):
        return f"{PARAMETERS}{text.removeprefix(PARAMETER)}"
    return f"{short_keys()[key]}{separator}{value}" if key in short_keys() and separator else text


def _quoted(text: str) -> str:
    """Quotes a path that Hydra's grammar would trip over: spaces, brackets, ``=`` and the like."""
    key, separator, value = text.partition("=")
    if not separator or value[:1] in ("'", '"') or re.fullmatch(r"[\w./:-]*", value, re.ASCII) or not _is_text(key):
        return text
    # In quotes a backslash is itself, unless a quote follows it.
    escaped = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + found[2].replace("'", "\\'"), value)
    return f"{key}='{escaped}'"
