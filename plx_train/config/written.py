"""Values as users write them on a command line."""

from __future__ import annotations

import re
from typing import Any

MISSING = "???"
"""Default of an option that has none."""


def written(value: Any) -> str:
    """``null``, ``true``, ``[0.6,1.0]`` without spaces, which a shell would split; texts as they are."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{written(one)}' for key, one in value.items())}}}"
    return str(value)


def literal(text: str) -> str:
    """A text as a configuration holds it where ``${`` in it is no reference to another value."""
    return re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + "\\${", text)


def all_literal(value: Any) -> Any:
    """The texts in nested lists and mappings as `literal` has them."""
    if isinstance(value, dict):
        return {key: all_literal(one) for key, one in value.items()}
    if isinstance(value, list):
        return [all_literal(one) for one in value]
    return literal(value) if isinstance(value, str) else value
