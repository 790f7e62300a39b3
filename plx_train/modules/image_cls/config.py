"""The options of image classification; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from plx_train.vision.views import ViewOptions

PRETRAINED = ("EfficientNet-Lite0",)
"""Networks whose published weights the catalogue holds, under the same name."""


@dataclass
class ImageClsConfig:
    """Options of the room image_cls."""

    name: str = "image_cls"
    network: str = "EfficientNet-Lite0"
    """EfficientNet-Lite0, PP-LCNet_x0_25 … x2_5, MobileNetV3_small_x1_0, MobileNetV3_large_x0_5 …, ResNet18 … 152."""
    model_name: str = "PP-LCNet_x1_0"
    """Name in the exported inference.yml: PaddleX accepts only names it knows, and asks nothing of the network."""
    label_file: str = "label.txt"
    """In the dataset's folder: a number and a name a line."""
    rotations: list[int] | None = None
    """Makes the classes by turning upright images by these angles clockwise; labels of the files are not read."""
    rotation_names: list[str] | None = None
    """Their names; null: the angles."""
    resize_short: int | None = 256
    """Length of the shorter side before the centre is cut out; null: the image is stretched to `size`."""
    size: list[int] = field(default_factory=lambda: [224, 224])
    """Width and height of the network's input."""
    interpolation: str = "LINEAR"
    mean: list[float] = field(default_factory=lambda: [0.485, 0.456, 0.406])
    std: list[float] = field(default_factory=lambda: [0.229, 0.224, 0.225])
    stem_stride: int = 2
    """Of PP-LCNet's first convolution; 1 for images as small as 28 x 28."""
    dropout: float = 0.2
    label_smoothing: float = 0.0
    class_weights: str = "none"
    """none, or balanced: rare classes count more, so that all count alike together."""
    calibrate: bool = True
    """Chooses the temperature of the scores on held-out samples."""
    freeze_norm: bool = False
    """Batch norms keep the statistics of the weights, where batches are too small or too alike to have their own."""
    augment: ViewOptions = field(default_factory=ViewOptions)
