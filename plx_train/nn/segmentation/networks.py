"""Segmentation networks by name: what builds them, and how weights fit them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import paddle
from paddle import nn

from plx_train.nn.blocks import features_at
from plx_train.nn.detection.backbones import of_backbone
from plx_train.nn.segmentation.deeplab import DeepLabV3Plus
from plx_train.nn.segmentation.hrnet import HRNet
from plx_train.nn.segmentation.mix_transformer import MixTransformer
from plx_train.nn.segmentation.ocrnet import OCRNet
from plx_train.nn.segmentation.pp_liteseg import PPLiteSeg
from plx_train.nn.segmentation.segformer import SegFormer

FINE, LAST = 3, 17
"""Blocks of MobileNetV2 that are the last at stride 4, and of all."""
DILATED = range(14, 18)
"""Its blocks that work at stride 16 instead of 32, on points twice as far apart."""
CLASS_ROWS = re.compile(
    r"^(seg_heads\.\d+\.conv_out|head\.decoder\.conv|linear_pred|head\.cls_head|head\.aux_head\.1)\."
)
"""Tensors whose rows are classes."""
TWICE = "backbone.x"
"""How names begin under which PaddleSeg's older weights have the backbone once more."""


class MobileNetV2Dilated(nn.Layer):
    """Features of MobileNetV2 (arXiv 1801.04381) at strides 4 and 16."""

    out_channels = (24, 320)

    def __init__(self) -> None:
        super().__init__()
        from paddle.vision.models import MobileNetV2

        self.features = nn.Sequential(*list(MobileNetV2(num_classes=0).features)[: LAST + 1])
        for place in DILATED:
            for layer in self.features[place].sublayers():
                if isinstance(layer, nn.Conv2D) and layer.weight.shape[-1] == 3:
                    is_first = place == DILATED[0]
                    far = 1 if is_first else 2
                    layer._stride, layer._dilation, layer._updated_padding = [1, 1], [far, far], [far, far]

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        return features_at(x, self.features, (FINE, LAST))


SEGFORMERS = {
    "SegFormer-B0": ((32, 64, 160, 256), (2, 2, 2, 2), 256),
    "SegFormer-B1": ((64, 128, 320, 512), (2, 2, 2, 2), 256),
    "SegFormer-B2": ((64, 128, 320, 512), (3, 4, 6, 3), 768),
    "SegFormer-B3": ((64, 128, 320, 512), (3, 4, 18, 3), 768),
    "SegFormer-B4": ((64, 128, 320, 512), (3, 8, 27, 3), 768),
    "SegFormer-B5": ((64, 128, 320, 512), (3, 6, 40, 3), 768),
}
"""Channels and blocks of the stages, and the channels of the head."""


def _segformer(classes: int, name: str) -> nn.Layer:
    channels, depths, width = SEGFORMERS[name]
    return SegFormer(classes, MixTransformer(channels, depths), width)


BUILDERS: Mapping[str, Callable[[int], nn.Layer]] = {
    "PP-LiteSeg-T": lambda classes: PPLiteSeg(classes, "STDC1", (32, 64, 128), (32, 64, 64)),
    "PP-LiteSeg-B": lambda classes: PPLiteSeg(classes, "STDC2", (64, 96, 128), (64, 64, 64)),
    **{name: partial(_segformer, name=name) for name in SEGFORMERS},
    "OCRNet_HRNet-W18": lambda classes: OCRNet(classes, HRNet(18)),
    "OCRNet_HRNet-W48": lambda classes: OCRNet(classes, HRNet(48)),
    "DeepLabV3P_MobileNetV2": lambda classes: DeepLabV3Plus(classes, MobileNetV2Dilated()),
}


def build_segmenter(name: str, num_classes: int) -> nn.Layer:
    """A network that gives a list of logits (N, classes, H, W) of images (N, 3, H, W), the one that counts first."""
    return BUILDERS[name](num_classes)


def own_names(state: Mapping[str, np.ndarray], network: nn.Layer) -> dict[str, np.ndarray]:
    """Tensors of published weights under the names of `network`: of PaddleSeg's, or of a classifier as its backbone."""
    kept = {name: array for name, array in state.items() if not name.startswith(TWICE)}
    return of_backbone(kept, network.backbone)


def class_tensors(network: nn.Layer) -> dict[str, tuple[np.ndarray, int]]:
    """The tensors that hold rows for classes, and the axis of these."""
    rows = [name for name in network.state_dict() if CLASS_ROWS.match(name)]
    return {name: (np.array(network.state_dict()[name].numpy()), 0) for name in rows}
