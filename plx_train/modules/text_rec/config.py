"""The options of text recognition; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from plx_train.contract.option import Trait, above, at_least, multiple_of, one_of, option

NO_GUIDE = "none"


@dataclass
class TextRecAugmentOptions:
    """Random changes of training crops."""

    stretch: float = option(0.1, at_least(0, below=1))
    """Largest share by which widths change."""
    shift: float = option(0.06, at_least(0))
    """Largest shift of the crop's corners, as a share of its height: boxes of a detector are never quite right."""
    colour: float = option(0.3, at_least(0, at_most=1))
    """Strength of brightness and contrast changes."""
    blur_probability: float = option(0.1, at_least(0, at_most=1))
    """Probability that a crop is out of focus."""
    noise_probability: float = option(0.1, at_least(0, at_most=1))
    """Probability that a sensor's noise is added."""
    jpeg_probability: float = option(0.1, at_least(0, at_most=1))
    """Probability that a crop goes through JPEG at a low quality."""
    invert_probability: float = option(0.0, at_least(0, at_most=1))
    """Probability that dark and light change places."""


@dataclass
class TextRecConfig:
    """Options of the room text_rec."""

    name: str = option("text_rec", Trait.INTERNAL)
    pretrained: str = "PP-OCRv4_mobile_rec"
    """Published weights that `weights=auto` stands for."""
    model_name: str = "PP-OCRv4_mobile_rec"
    """Name in the exported inference.yml: PaddleX accepts only names it knows."""
    merged: bool | None = None
    """Single-branch network; null: merged when fine-tuning, multi-branch from scratch."""
    scale: float = option(0.95, above(0))
    """Width of the backbone."""
    neck_channels: int = option(120, multiple_of(8))
    """Width of the neck, which mixes the columns of a crop."""
    neck_depth: int = option(2, at_least(1))
    """Transformer blocks in the neck."""
    guide: str = option(NO_GUIDE, one_of(NO_GUIDE, "nrtr"))
    """Decoder that learns to spell the texts beside the CTC head and is in no export."""
    guide_alone: bool | None = None
    """Teaches the backbone by the guide alone, as published; false: by CTC as well; null: false when fine-tuning."""
    guide_max_length: int = option(25, at_least(3))
    """Longest text that the guide learns, in characters and two signs; of longer ones CTC alone learns."""
    guide_channels: int = option(384, multiple_of(32))
    """Width of the guide."""
    guide_depth: int = option(4, at_least(1))
    """Transformer blocks of the guide."""
    dict: str = "weights"
    """Characters that can be read: those that the weights know (weights), those of the labels (auto), or those of a
    file, one a line."""
    max_unknown_share: float = option(0.02, at_least(0, at_most=1))
    """Share of a split's texts with characters outside the dictionary above which the check finds an error."""
    width: int = option(320, at_least(48))
    """Least width in pixels, at a height of 48, to which crops are padded; wider ones stay as wide as they are."""
    freeze_norm: bool | None = None
    """Batch norms keep their statistics; null: when fine-tuning."""
    augment: TextRecAugmentOptions = field(default_factory=TextRecAugmentOptions)
