"""The options of image classification; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from plx_train.contract.option import Trait, above, at_least, one_of, option

NETWORKS = (
    "EfficientNet-Lite0",
    *(f"PP-LCNet_x{scale}" for scale in ("0_25", "0_35", "0_5", "0_75", "1_0", "1_5", "2_0", "2_5")),
    *(f"MobileNetV3_small_x{scale}" for scale in ("0_35", "0_5", "0_75", "1_0", "1_25")),
    *(f"MobileNetV3_large_x{scale}" for scale in ("0_35", "0_5", "0_75", "1_0", "1_25")),
    *(f"ResNet{depth}" for depth in (18, 34, 50, 101, 152)),
)
PRETRAINED = ("EfficientNet-Lite0",)
"""Networks whose published weights the catalogue holds, under the same name."""


@dataclass
class ImageClsAugmentOptions:
    """Random changes of training images."""

    crop: list[float] = option([0.6, 1.0], above(0, at_most=1))
    """Share of the image's area that is cut out, from and to; [1, 1] takes the image as in evaluation."""
    aspect: float = option(1.33, at_least(1))
    """Largest factor by which the sides of what is cut out change."""
    flip: bool = True
    """Mirrors half of the images left to right."""
    colour: float = option(0.3, at_least(0, at_most=1))
    """Strength of brightness and contrast changes."""
    shift: int = option(0, at_least(0))
    """Moves the image by up to this many pixels of the network's input, edges repeated."""
    erase_probability: float = option(0.0, at_least(0, at_most=1))
    """Probability that a rectangle of noise covers a part."""
    mixup: float = option(0.0, at_least(0))
    """Alpha of the Beta distribution that blends two images (Zhang et al., 2018); 0 for none."""
    cutmix: float = option(0.0, at_least(0))
    """Alpha of the Beta distribution for a patch of another image (Yun et al., 2019); 0 for none."""


@dataclass
class ImageClsConfig:
    """Options of the room image_cls."""

    monitor: ClassVar[str] = "accuracy"
    """Key of the metric that picks the best checkpoint."""
    name: str = option("image_cls", Trait.INTERNAL)
    network: str = option("EfficientNet-Lite0", one_of(*NETWORKS))
    """Network that is trained; there are published weights of EfficientNet-Lite0 alone."""
    model_name: str = "PP-LCNet_x1_0"
    """Name in the exported inference.yml: PaddleX accepts only names it knows, and asks nothing of the network."""
    classes: list[str] | None = option(None, Trait.INTERNAL)
    """Found in label.txt when a run begins; not for hand."""
    label_file: str = option("label.txt", Trait.TEXT)
    """File of the classes in the dataset's folder: a number and a name a line."""
    rotations: list[int] | None = None
    """Makes the classes by turning upright images by these angles clockwise, in degrees; labels are not read."""
    rotation_names: list[str] | None = None
    """Names of the classes that `rotations` makes; null: the angles."""
    resize_short: int | None = 256
    """Length of the shorter side, in pixels, before the centre is cut out; null: the image is stretched to `size`."""
    size: list[int] = field(default_factory=lambda: [224, 224])
    """Width and height of the network's input, in pixels."""
    interpolation: str = "LINEAR"
    """Interpolation of resized images: NEAREST, LINEAR, CUBIC, AREA or LANCZOS4."""
    mean: list[float] = field(default_factory=lambda: [0.485, 0.456, 0.406])
    """Mean of each channel, of pixels from 0 to 1, which is taken off."""
    std: list[float] = option([0.229, 0.224, 0.225], above(0))
    """Deviation of each channel, which is divided by."""
    stem_stride: int = 2
    """Stride of PP-LCNet's first convolution; 1 for images as small as 28 x 28."""
    dropout: float = option(0.2, at_least(0, below=1))
    """Share of features left out before the classifier, where the network has such."""
    label_smoothing: float = option(0.0, at_least(0, below=1))
    """Share of the probability that is spread over all classes in training."""
    class_weights: str = option("none", one_of("none", "balanced"))
    """Weights of the classes in the loss; balanced: rare ones count more, so that all count alike together."""
    weight_of_class: list[float] | None = option(None, Trait.INTERNAL)
    """Found by `class_weights` when a run begins."""
    calibrate: bool = True
    """Chooses the temperature of the scores on held-out samples."""
    freeze_norm: bool = False
    """Batch norms keep the statistics of the weights, where batches are too small or too alike to have their own."""
    augment: ImageClsAugmentOptions = field(default_factory=ImageClsAugmentOptions)

    @property
    def pretrained(self) -> str | None:
        """Weights that `weights=auto` stands for; None: there are none of this network, it starts from scratch."""
        return self.network if self.network in PRETRAINED else None
