"""The options of multi-label classification; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import Trait, above, at_least, length, option
from plx_train.vision.classifier_options import ClassifierOptions


@dataclass
class ImageMlclsConfig(ClassifierOptions):
    """Options of the room image_mlcls."""

    name: str = option("image_mlcls", Trait.INTERNAL)
    model_name: str = "PP-LCNet_x1_0_ML"
    """Name in the exported inference.yml: PaddleX accepts only names it knows, and asks nothing of the network."""
    resize_short: int | None = option(None, at_least(8))
    """Length of the shorter side, in pixels, before the centre is cut out; null: stretched, as in PaddleX."""
    threshold: float = option(0.5, above(0, below=1))
    """Score from which on a label holds, where none is chosen on held-out images."""
    focus: list[float] = option([0.0, 2.0], at_least(0), length(2))
    """Exponents of the asymmetric loss for labels that hold and that don't; [0, 0] with margin 0: cross entropy."""
    margin: float = option(0.05, at_least(0, below=1))
    """Probability below which a label that does not hold costs nothing."""
