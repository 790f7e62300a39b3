"""Tells running out of memory from other errors."""

from __future__ import annotations

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
