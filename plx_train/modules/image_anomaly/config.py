"""The options of anomaly detection in images; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import FILLED, Trait, above, at_least, length, one_of, option
from plx_train.metrics.defect_thresholds import RULES
from plx_train.nn.anomaly.names import BACKBONES, NETWORKS


@dataclass
class ImageAnomalyConfig:
    """Options of the room image_anomaly."""

    name: str = option("image_anomaly", Trait.INTERNAL)
    network: str = option("PatchCore", one_of(*NETWORKS))
    """Method: a memory of good patches (PatchCore), Gaussians of them (PaDiM), or a student that is trained (STFPM)."""
    backbone: str = option("EfficientNet-Lite0", one_of(*BACKBONES))
    """Network whose features are looked at; there are published weights of EfficientNet-Lite0 and MobileNetV2 alone."""
    model_name: str = "STFPM"
    """Name in the exported inference.yml: PaddleX accepts only names it knows, and asks nothing of the network."""
    size: list[int] = option([256, 256], at_least(32), length(2))
    """Width and height, in pixels, to which images are stretched for the network."""
    mean: list[float] = option([0.485, 0.456, 0.406], length(3))
    """Mean of each channel, of pixels from 0 to 1, which is taken off."""
    std: list[float] = option([0.229, 0.224, 0.225], above(0), length(3))
    """Deviation of each channel, by which is divided."""
    strides: list[int] = option([8, 16], at_least(4, at_most=16), FILLED)
    """Strides 4, 8 or 16 of the features that PatchCore and PaDiM look at; the smallest is that of their patches."""
    memory: int = option(2000, at_least(1))
    """Patches that PatchCore remembers, chosen so that they lie far apart."""
    candidates: int = option(100_000, at_least(1))
    """Patches that these are chosen from at most, as many of each image: what bounds the memory of a fit."""
    channels: int = option(64, at_least(1))
    """Features that PaDiM looks at, drawn at random."""
    whole: bool = True
    """Adds to all scores of PatchCore and PaDiM how odd the image is as a whole: a texture that changes everywhere a
    little is odd at no place."""
    blur: float = option(4.0, at_least(0))
    """Deviation of the Gaussian that blurs scores, in pixels."""
    threshold: str = option("auto", one_of(*RULES))
    """Rule for the score above which an image shows a defect: false_alarms on held-out good images, or the best f1 on
    them and on training images with a defect, none of which is learned; auto: f1 where there are five at least."""
    false_alarms: float = option(0.05, above(0, below=1))
    """Share of good images that may be called anomalous."""
