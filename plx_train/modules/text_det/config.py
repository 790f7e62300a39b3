"""The options of text detection; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from plx_train.contract.option import RANGE, Trait, above, at_least, length, multiple_of, one_of, option


@dataclass
class TextDetAugmentOptions:
    """Random changes of training crops."""

    scale: list[float] = option([0.8, 1.25], above(0), length(2), RANGE)
    """Range of the text's scale, relative to the scale at which evaluation sees the page."""
    rotate_degrees: float = option(4.0, at_least(0))
    """Largest angle by which a page is turned, either way."""
    flip_probability: float = option(0.0, at_least(0, at_most=1))
    """Probability that a page is mirrored left to right, which makes text unreadable."""
    perspective: float = option(0.0, at_least(0))
    """Largest shift of the corners, as a share of the crop's sides; 0 for none."""
    colour: float = option(0.3, at_least(0, at_most=1))
    """Strength of brightness, contrast and saturation changes."""
    blur_probability: float = option(0.1, at_least(0, at_most=1))
    """Probability that a crop is out of focus or smeared."""
    noise_probability: float = option(0.1, at_least(0, at_most=1))
    """Probability that a sensor's noise is added."""
    jpeg_probability: float = option(0.1, at_least(0, at_most=1))
    """Probability that a crop goes through JPEG at a low quality."""
    copy_paste_probability: float = option(0.0, at_least(0, at_most=1))
    """Probability that a few texts are copied to free places of the crop."""
    min_cut_length: float = option(2.0, at_least(0))
    """Heights of a text that must show where the crop's border cuts across it; with fewer it is ignored."""


@dataclass
class TextDetLossOptions:
    """Weights of the parts of the differentiable-binarisation loss."""

    shrink_loss: str = option("dice", one_of("dice", "bce", "dice_bce"))
    """Loss on the map of text kernels; bce is balanced by the hardest other pixels, dice_bce the sum of both."""
    shrink_weight: float = option(5.0, at_least(0))
    """Weight of the loss on the map of text kernels."""
    threshold_weight: float = option(0.0, at_least(0))
    """Weight of the threshold map; with 0 its branch, which inference does not use, is neither computed nor trained."""
    binary_weight: float = option(1.0, at_least(0))
    """Weight of the dice loss on the binary map, where there is a threshold branch."""


@dataclass
class TextDetConfig:
    """Options of the room text_det."""

    name: str = option("text_det", Trait.INTERNAL)
    pretrained: str = "PP-OCRv4_mobile_det"
    """Published weights that `weights=auto` stands for."""
    model_name: str = "PP-OCRv4_mobile_det"
    """Name in the exported inference.yml: PaddleX accepts only names it knows."""
    merged: bool | None = None
    """Single-branch network; null: merged when fine-tuning, multi-branch from scratch."""
    scale: float = option(0.75, above(0))
    """Width of the backbone."""
    neck_channels: int = option(96, at_least(1))
    """Width of the neck, which joins the backbone's maps."""
    crop_size: list[int] = option([192, 960], multiple_of(32), length(2))
    """Height and width of training crops in pixels; strips as wide as a page keep lines whole."""
    shrink_ratio: float = option(0.5, above(0, at_most=1))
    """Share of a text that its kernel keeps; the published weights were trained from 0.4 rising to 0.6."""
    min_text_size: int = option(6, at_least(0))
    """Height of text, in pixels of a crop, below which it is ignored in training."""
    freeze_norm: bool | None = None
    """Batch norms keep their statistics, of which crops of a few pages are no measure; null: when fine-tuning."""
    limit_side_len: int = option(960, at_least(1))
    """Longest side, in pixels, at which the network sees a page; larger pages are shrunk to it."""
    thresh: float = option(0.3, above(0, below=1))
    """Probability above which a pixel is text."""
    box_thresh: float = option(0.6, above(0, below=1))
    """Mean probability that a box must have."""
    unclip_ratio: float = option(1.5, above(0))
    """Distance by which boxes are grown, relative to area / perimeter."""
    max_candidates: int = option(1000, at_least(1))
    """Regions looked at on one page; further ones are left out."""
    calibrate: bool = True
    """Chooses thresh, box_thresh and unclip_ratio on training pages held out by document."""
    augment: TextDetAugmentOptions = field(default_factory=TextDetAugmentOptions)
    loss: TextDetLossOptions = field(default_factory=TextDetLossOptions)
