"""A few out of many, evenly spread."""

from __future__ import annotations


def spread(length: int, most: int) -> list[int]:
    """Up to `most` of the numbers 0 … length-1, ascending and evenly spread, the first and the last among them."""
    count = min(most, length)
    if count < 2:
        return [0][:count]
    step = (length - 1) / (count - 1)
    return [*(round(number * step) for number in range(count - 1)), length - 1]
