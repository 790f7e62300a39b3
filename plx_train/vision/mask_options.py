"""How training images are changed together with the classes of their pixels, as options."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import RANGE, above, at_least, length, option


@dataclass
class MaskViewOptions:
    """Random changes of training images, with the classes of their pixels."""

    scale: list[float] = option([0.5, 2.0], above(0), length(2), RANGE)
    """Size of the image in the network's input, against that in evaluation, from and to."""
    aspect: float = option(1.15, at_least(1))
    """Largest factor by which the sides change against each other."""
    rare: float = option(0.5, at_least(0, at_most=1))
    """Share of views that are laid around a pixel of a class that is drawn first, so that rare ones are seen too."""
    flip: bool = True
    """Mirrors half of the images left to right."""
    flip_vertical: bool = False
    """Mirrors half of the images upside down: for pictures from above."""
    turn: bool = False
    """Turns images by a quarter, half of the time: for pictures from above."""
    colour: float = option(0.4, at_least(0, at_most=1))
    """Strength of changes of brightness, contrast and saturation."""
    blur: float = option(0.0, at_least(0, at_most=1))
    """Share of views that are out of focus, or moved."""
