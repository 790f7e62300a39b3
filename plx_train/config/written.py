"""Values as users write them on a command line."""

from __future__ import annotations

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
