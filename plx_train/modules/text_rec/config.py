"""The options of text recognition; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

NO_GUIDE = "none"
GUIDES = (NO_GUIDE, "nrtr")


@dataclass
class TextRecAugmentOptions:
    """Random changes of training crops."""

    stretch: float = 0.1
    """Widths change by up to this share."""
    shift: float = 0.06
    """How far the crop's corners move, as a share of its height: boxes of a detector are never quite right."""
    colour: float = 0.3
    """Strength of brightness and contrast changes, 0 to 1."""
    blur_probability: float = 0.1
    noise_probability: float = 0.1
    jpeg_probability: float = 0.1
    invert_probability: float = 0.0


@dataclass
class TextRecConfig:
    """Options of the room text_rec."""

    monitor: ClassVar[str] = "accuracy"
    """Key of the metric that picks the best checkpoint."""
    name: str = "text_rec"
    pretrained: str = "PP-OCRv4_mobile_rec"
    """Weights that `weights=auto` stands for."""
    model_name: str = "PP-OCRv4_mobile_rec"
    """Name in the exported inference.yml: PaddleX accepts only names it knows."""
    merged: bool | None = None
    """Single-branch network; null: merged when fine-tuning, multi-branch from scratch."""
    scale: float = 0.95
    """Width of the backbone."""
    neck_channels: int = 120
    neck_depth: int = 2
    guide: str = NO_GUIDE
    """none, or nrtr: a decoder that learns to spell the texts beside the CTC head and is in no export."""
    guide_alone: bool | None = None
    """The backbone learns from the guide alone, as published; false: from CTC as well; null: false when fine-tuning."""
    guide_max_length: int = 25
    """Longest text that the guide learns, in characters and two signs; of longer ones CTC alone learns."""
    guide_channels: int = 384
    """Width of the guide, a multiple of 32."""
    guide_depth: int = 4
    """Transformer blocks of the guide."""
    dict: str = "weights"
    """weights: the characters that the weights know; auto: those of the labels; or a file, one character a line."""
    characters: list[str] | None = None
    """Found by `dict` when a run begins; not for hand."""
    max_unknown_share: float = 0.02
    """Share of a split's texts with characters outside the dictionary above which the check finds an error."""
    width: int = 320
    """Crops are padded to this width in pixels at least, at a height of 48; wider ones stay as wide as they are."""
    freeze_norm: bool | None = None
    """Batch norms keep their statistics; null: when fine-tuning."""
    augment: TextRecAugmentOptions = field(default_factory=TextRecAugmentOptions)
