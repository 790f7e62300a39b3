"""How training images with boxes are changed, as options."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import RANGE, above, at_least, length, option


@dataclass
class BoxViewOptions:
    """Random changes of training images, with the boxes in them."""

    scale: list[float] = option([0.7, 1.2], above(0), length(2), RANGE)
    """Size of the image in the network's input, against that in evaluation, from and to."""
    aspect: float = option(1.15, at_least(1))
    """Largest factor by which the sides change against each other."""
    crop: float = option(0.0, at_least(0, at_most=1))
    """Share of images of which only a part is shown, enlarged up to twice, with one object at least whole in it."""
    flip: bool = True
    """Mirrors half of the images left to right; false where that makes another class, or letters."""
    colour: float = option(0.3, at_least(0, at_most=1))
    """Strength of changes of brightness, contrast and saturation."""
    min_visible: float = option(0.4, above(0, at_most=1))
    """Share of a box that must be left in the picture, or in a tile, to be learned."""
    mosaic: float = option(0.0, at_least(0, at_most=1))
    """Share of training pictures that are put together of parts of four images."""
    mixup: float = option(0.0, at_least(0, at_most=1))
    """Share of training pictures that another one is laid over, with the boxes of both."""
    settle: float = option(0.15, at_least(0, at_most=1))
    """Share of the training at whose end there is neither mosaic nor mixup."""
    multi_scale: list[float] = option([1.0, 1.0], at_least(0.5, at_most=2), length(2), RANGE)
    """Size of the network's input in a training batch, against module.size, from and to; sides are multiples of 32."""
