"""Memory: running out of it told from other errors, and what is kept for later given back."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

SIGNS = (
    "ResourceExhausted",
    "Out of memory",
    "out of memory",
    "bad_alloc",
    "Cannot allocate memory",
    "Fail to alloc",
    "Insufficient memory",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error`, of Python, numpy or paddle, says that memory ran out."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in SIGNS)


def give_back() -> None:
    """Gives the system what the C library keeps of memory that was freed: pieces of ever other sizes fit no hole."""
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    """glibc's ``malloc_trim``; None where the C library has no such function."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
