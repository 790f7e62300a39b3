"""How many pixels a step may make of a picture: asked before memory is taken, for a few bytes can become gigabytes."""

from __future__ import annotations

import math

from plx_train.ground.errors import UserError

MOST_MADE = 32_000_000
"""Pixels that a step may make of a picture that has fewer; one that has more may keep its own number."""
MOST_SEEN = 20_000_000
"""Pixels that a network may be given at once, which take many times their memory in it; PaddleX allows 4000 x 4000."""
CODE = "image-too-long"


class TooManyPixels(UserError):
    """A picture of which a step would make too many pixels."""


def check_made(height: float, width: float, of: tuple[int, ...], step: str) -> None:
    """
    Args:
        height, width: of what a step would make of a picture.
        of: the picture's height and width, and perhaps more.
        step: names it, as ``resize_short=256``.

    Raises:
        TooManyPixels: there would be more than `MOST_MADE`, and more than the picture has.
    """
    if not height * width <= max(MOST_MADE, of[0] * of[1]):
        raise TooManyPixels(_told(height, width, of, step, MOST_MADE))


def check_seen(height: float, width: float, of: tuple[int, ...], step: str) -> None:
    """As `check_made`, for what a network is to see at once.

    Raises:
        TooManyPixels: there would be more than `MOST_SEEN`.
    """
    if not height * width <= MOST_SEEN:
        raise TooManyPixels(_told(height, width, of, step, MOST_SEEN))


def batch_within(shape: tuple[int, ...], most: int) -> int:
    """How many inputs (…, height, width) of a network go through it at once: at most `most`, and one at least."""
    return max(1, min(most, MOST_SEEN // max(math.prod(shape[-2:]), 1)))


def _told(height: float, width: float, of: tuple[int, ...], step: str, most: int) -> str:
    return (
        f"{step} would make {width:.0f} x {height:.0f} pixels of a picture of {of[1]} x {of[0]}, above the limit of "
        f"{most / 1e6:.0f} million: cut it into pieces, or change that setting"
    )
