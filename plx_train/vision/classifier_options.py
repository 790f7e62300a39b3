"""Options of rooms whose networks see an image as a whole; nothing that reads images is imported for them."""

from __future__ import annotations

from dataclasses import dataclass, field

from plx_train.contract.option import RANGE, Trait, above, at_least, length, one_of, option
from plx_train.nn.classifier_names import NETWORKS

CLASS_FILE = "label.txt"
"""The file of classes that is looked for where none is named."""


@dataclass
class ViewOptions:
    """Random changes of training images that a network sees as a whole."""

    crop: list[float] = option([0.6, 1.0], above(0, at_most=1), length(2), RANGE)
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
class ClassifierOptions:
    """Options of a room whose networks see an image as a whole and score classes."""

    name: str = option("", Trait.INTERNAL)
    network: str = option("EfficientNet-Lite0", one_of(*NETWORKS))
    """Network that is trained; there are published weights of EfficientNet-Lite0 and MobileNetV2_x1_0 alone."""
    model_name: str = "PP-LCNet_x1_0"
    """Name in the exported inference.yml: PaddleX accepts only names it knows, and asks nothing of the network."""
    label_file: str = option(CLASS_FILE)
    """File of the classes in the dataset's folder: a number and a name a line."""
    resize_short: int | None = option(256, at_least(8))
    """Length of the shorter side, in pixels, before the centre is cut out; null: the image is stretched to `size`."""
    size: list[int] = option([224, 224], at_least(8), length(2))
    """Width and height of the network's input, in pixels."""
    interpolation: str = "LINEAR"
    """Interpolation of resized images: NEAREST, LINEAR, CUBIC, AREA or LANCZOS4."""
    mean: list[float] = option([0.485, 0.456, 0.406], length(3))
    """Mean of each channel, of pixels from 0 to 1, which is taken off."""
    std: list[float] = option([0.229, 0.224, 0.225], above(0), length(3))
    """Deviation of each channel, which is divided by."""
    stem_stride: int = option(2, at_least(1))
    """Stride of PP-LCNet's first convolution; 1 for images as small as 28 x 28."""
    dropout: float = option(0.2, at_least(0, below=1))
    """Share of features left out before the classifier, where the network has such."""
    first_head: bool = True
    """Begins a classifier of classes that the weights don't know with a logistic regression on what they see."""
    calibrate: bool = True
    """Chooses settings of post-processing on held-out samples."""
    freeze_norm: bool | None = None
    """Batch norms keep the statistics of the weights, where batches are too small or too alike to have their own; null:
    where there are weights to begin with and fewer than 200 labelled images, of one class each, or 2000 where the
    classifier began with what they show."""
    augment: ViewOptions = field(default_factory=ViewOptions)
