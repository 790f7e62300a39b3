"""The options of text detection; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass
class TextDetAugmentOptions:
    """Random changes of training crops."""

    scale: list[float] = field(default_factory=lambda: [0.8, 1.25])
    """Range of the text's scale, relative to the scale at which evaluation sees the page."""
    rotate_degrees: float = 4.0
    flip_probability: float = 0.0
    perspective: float = 0.0
    colour: float = 0.3
    """Strength of brightness, contrast and saturation changes, 0 to 1."""
    blur_probability: float = 0.1
    noise_probability: float = 0.1
    jpeg_probability: float = 0.1
    copy_paste_probability: float = 0.0
    min_cut_length: float = 2.0
    """A text cut across by the crop's border is learned while this many of its heights show, else ignored."""


@dataclass
class TextDetLossOptions:
    """Weights of the parts of the differentiable-binarisation loss."""

    shrink_loss: str = "dice"
    """dice, bce or dice_bce."""
    shrink_weight: float = 5.0
    threshold_weight: float = 0.0
    """With 0 the threshold branch is neither computed nor trained; inference does not use it."""
    binary_weight: float = 1.0


@dataclass
class TextDetConfig:
    """Options of the room text_det."""

    monitor: ClassVar[str] = "hmean"
    """Key of the metric that picks the best checkpoint."""
    name: str = "text_det"
    pretrained: str = "PP-OCRv4_mobile_det"
    """Weights that `weights=auto` stands for."""
    model_name: str = "PP-OCRv4_mobile_det"
    """Name in the exported inference.yml: PaddleX accepts only names it knows."""
    merged: bool | None = None
    """Single-branch network; null: merged when fine-tuning, multi-branch from scratch."""
    scale: float = 0.75
    """Width of the backbone."""
    neck_channels: int = 96
    crop_size: list[int] = field(default_factory=lambda: [192, 960])
    """Height and width of training crops in pixels, multiples of 32; strips as wide as a page keep lines whole."""
    shrink_ratio: float = 0.5
    """Of the text kernels: the published weights were trained from 0.4 rising to 0.6."""
    min_text_size: int = 6
    """Shorter text in a crop, in pixels, is ignored in training."""
    freeze_norm: bool | None = None
    """Batch norms keep their statistics, of which crops of a few pages are no measure; null: when fine-tuning."""
    limit_side_len: int = 960
    thresh: float = 0.3
    box_thresh: float = 0.6
    unclip_ratio: float = 1.5
    max_candidates: int = 1000
    calibrate: bool = True
    """Chooses thresh, box_thresh and unclip_ratio on training pages held out by document."""
    augment: TextDetAugmentOptions = field(default_factory=TextDetAugmentOptions)
    loss: TextDetLossOptions = field(default_factory=TextDetLossOptions)
