"""Every network of the product, and layers that PaddleX's official models are made of, saved as Paddle saves graphs.

As a command, ``FLAGS_enable_pir_api=0 python -m kit.every_network FOLDER`` saves those in the older format that Paddle
still can, and names their files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import paddle
import paddle.nn.functional as F
from paddle import nn
from paddle.static import InputSpec
from paddle.vision import ops

from plx_train.modules.text_det.network import TextDetNetwork
from plx_train.modules.text_rec.network import TextRecNetwork
from plx_train.nn.classifiers import build_classifier
from plx_train.nn.series import registry
from plx_train.nn.series.fusion import Fusion
from plx_train.nn.series.shape import SeriesShape
from plx_train.nn.series.sizes import CLASSIFIERS, FORECASTERS, RECONSTRUCTORS, WITH_COVARIATES

IMAGE = InputSpec([None, 3, 64, 64], "float32", "x")
ROWS = InputSpec([None, 30, 3], "float32", "x")
MASK = InputSpec([None, 30], "float32", "mask")
ONE_OF_A_FAMILY = ("EfficientNet-Lite0", "PP-LCNet_x0_25", "MobileNetV2_x0_25", "MobileNetV3_small_x0_35",
                   "MobileNetV3_large_x0_35", "ResNet18", "ResNet50")  # fmt: skip
Layers = Iterator[tuple[str, nn.Layer, list[InputSpec]]]


def own_networks() -> Layers:
    """Name, network and inputs of those that rooms build."""
    for name in ONE_OF_A_FAMILY:
        yield name, build_classifier(name, 3), [IMAGE]
    yield "text_det", TextDetNetwork(0.35, 24, merged=True), [IMAGE]
    yield "text_rec", TextRecNetwork(7, 0.35, 16, merged=True), [InputSpec([None, 3, 48, None], "float32", "x")]
    for name in FORECASTERS:
        yield name, registry.build_forecaster(name, SeriesShape(30, 7, 3, quantiles=3), (5, 12)), [ROWS]
    for name in WITH_COVARIATES:
        shape = SeriesShape(30, 7, 3, past_covariates=2, future_covariates=4, static=1)
        sizes = {"targets": [30, 3], "past": [30, 2], "future": [37, 4], "static": [1]}
        inputs = [InputSpec([None, *size], "float32", key) for key, size in sizes.items()]
        yield f"{name} with covariates", registry.build_forecaster(name, shape, (5, 12)), inputs
    members = [registry.build_forecaster(name, SeriesShape(30, 7, 3), (5,)) for name in ("DLinear", "NLinear")]
    for is_median in (True, False):
        yield f"Fusion {is_median}", Fusion(members, is_median), [ROWS]
    for name in RECONSTRUCTORS:
        yield name, registry.build_reconstructor(name, 30, 3, (5, 12)), [ROWS]
    for name in CLASSIFIERS:
        yield f"{name} classifier", registry.build_classifier(name, (30, 3), 5, (5, 12)), [ROWS, MASK]


def official_layers() -> Layers:
    """Layers of networks that PaddleX ships, each alone."""
    for name, function in OFFICIAL.items():
        yield name, Calls(function), [IMAGE]
    yield "LSTM and GRU", nn.LSTM(3, 4), [ROWS]
    yield "GRU", nn.GRU(3, 4, direction="bidirect"), [ROWS]
    yield "attention", nn.TransformerEncoderLayer(3, 1, 6), [ROWS]
    yield "decoder", Greedy(), [ROWS]
    yield "deformable", Deformable(), [IMAGE]
    yield "norms", nn.Sequential(nn.GroupNorm(3, 3), nn.InstanceNorm2D(3), nn.Conv2DTranspose(3, 2, 2)), [IMAGE]
    yield "activations", nn.Sequential(*(kind() for kind in ACTIVATIONS)), [IMAGE]


ACTIVATIONS = (nn.GELU, nn.Hardswish, nn.Hardsigmoid, nn.LeakyReLU, nn.Mish, nn.PReLU, nn.ReLU6, nn.SELU, nn.ELU,
               nn.Sigmoid, nn.Silu, nn.Softmax, nn.Softplus, nn.Swish, nn.Tanh, nn.Hardtanh)  # fmt: skip


class Calls(nn.Layer):
    """A layer that calls a function."""

    def __init__(self, function: Callable[[paddle.Tensor], Any]) -> None:
        super().__init__()
        self.function = function
        self.scale = self.create_parameter([1])

    def forward(self, x: paddle.Tensor) -> Any:
        """What the function gives."""
        return self.function(x * self.scale)


class Greedy(nn.Layer):
    """A decoder that goes on until all have ended, as those of tables and formulas do: a loop, a branch, a list."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.words, self.head = nn.GRUCell(3, 4), nn.Embedding(5, 3), nn.Linear(4, 5)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Words (B, steps)."""
        state, word = paddle.zeros([x.shape[0], 4]), paddle.zeros([x.shape[0]], "int64")
        step, found = paddle.zeros([], "int64"), []
        while step < 6:
            output, state = self.cell(self.words(word) + x[:, 0], state)
            word = self.head(output).argmax(-1)
            found.append(word)
            step = step + 6 if paddle.all(word == 4) else step + 1
        return paddle.stack(found, 1)


class Deformable(nn.Layer):
    """A deformable convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.offset, self.mask = nn.Conv2D(3, 18, 3, padding=1), nn.Conv2D(3, 9, 3, padding=1)
        self.conv = ops.DeformConv2D(3, 4, 3, padding=1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """A map of the input's size."""
        return self.conv(x, self.offset(x), F.sigmoid(self.mask(x)))


def _boxes(x: paddle.Tensor) -> paddle.Tensor:
    return paddle.concat([x[:, 0, :8, :2], x[:, 0, :8, :2] + 8], -1).reshape([-1, 4])


def _set(x: paddle.Tensor) -> paddle.Tensor:
    x = x + 0
    x[:, 0] = 1.0
    x[:, 1] = x[:, 2]
    return x


OFFICIAL: dict[str, Callable[[paddle.Tensor], Any]] = {
    **{
        f"resized {mode}": lambda x, mode=mode: F.interpolate(x, scale_factor=2, mode=mode)
        for mode in ("nearest", "bilinear", "bicubic")
    },
    "resized to the other": lambda x: F.interpolate(x, size=paddle.shape(x)[2:] * 2, mode="bilinear"),
    "pools": lambda x: F.adaptive_avg_pool2d(x, 3).sum() + F.max_pool2d(x, 2, return_mask=True)[0].sum(),
    "grid": lambda x: F.grid_sample(x, F.affine_grid(paddle.ones([1, 2, 3]), [1, 3, 8, 8])),
    "regions": lambda x: ops.roi_align(x, _boxes(x), paddle.full([1], 8, "int32"), 4),
    "suppression": lambda x: ops.nms(_boxes(x), 0.3),
    "matrix suppression": lambda x: ops.matrix_nms(_boxes(x)[None], x[:1, :2, 0, :8], 0.1, 0.1, 20, 10),
    "yolo boxes": lambda x: ops.yolo_box(
        x.reshape([-1, 12, 32, 32]), paddle.full([1, 2], 64, "int32"), [10, 13], 7, 0.1, 32
    ),
    "prior boxes": lambda x: ops.prior_box(x, x, [4.0]),
    "coded boxes": lambda x: ops.box_coder(_boxes(x), [0.1, 0.1, 0.2, 0.2], _boxes(x)),
    "chosen": lambda x: [*paddle.topk(x.flatten(1), 5), paddle.nonzero(x > 0).unbind(1)[0]],
    "gathered": lambda x: paddle.gather_nd(x, paddle.nonzero(x > 0)) + paddle.masked_select(x, x > 0),
    "taken": lambda x: (
        paddle.take_along_axis(x, paddle.argsort(x, -1), -1) + paddle.index_select(x, paddle.arange(3), 1)
    ),
    "scattered": lambda x: (
        paddle.scatter(x[0], paddle.arange(2), x[0, :2])
        + paddle.put_along_axis(x[0], paddle.zeros([3, 1, 1], "int64"), 0.0, 0)
    ),
    "set": _set,
    "spectrum": lambda x: paddle.abs(paddle.fft.rfft(x)).sum() + paddle.fft.irfft(paddle.fft.rfft(x)).sum(),
    "products": lambda x: paddle.einsum("bchw,bkhw->bck", x, x) + paddle.bmm(x[:, 0], x[:, 1]).sum(),
    "windows": lambda x: (
        F.unfold(x, 3).sum() + paddle.roll(x, 2, 1).sum() + F.pixel_shuffle(x.tile([1, 4, 1, 1]), 2).sum()
    ),
    "sums": lambda x: paddle.cumsum(x, -1) + x.std() + x.var() + x.norm() + paddle.logsumexp(x) + x.prod() + x.amax(),
    "logic": lambda x: (
        paddle.where((x > 0) & ~(x < 1) | (x == 2), x, -x).clip(0, 1).floor()
        + paddle.sign(x)
        + paddle.isnan(x).astype("float32")
    ),
    "masks": lambda x: (
        paddle.tril(x)
        + paddle.triu(x)
        + paddle.ones_like(x)
        + F.one_hot(x[:, 0, 0].astype("int64").clip(0, 3), 64).sum()
    ),
    "shapes": lambda x: (
        [*x.flatten(1).unsqueeze(0).squeeze(0).expand([2, -1]).split(2, 1), x.transpose([0, 2, 3, 1])[:, ::2].flip(1)]
    ),
    "numbers": lambda x: paddle.exp(x).log1p().sqrt().rsqrt().pow(2).sin().cos().erf().round() // 1 % 2,
    "padded": lambda x: F.pad(x, [1, 1, 1, 1], mode="reflect") + paddle.meshgrid(x[0, 0, 0], x[0, 0, 0])[0].sum(),
    "normal": lambda x: F.normalize(x) + F.cosine_similarity(x, x).sum() + F.log_softmax(x) + F.dropout(x),
    "random": lambda x: x + paddle.rand([64]) + paddle.randn([64]) + paddle.linspace(0, 1, 64),
    "distances": lambda x: paddle.cdist(x[0, 0], x[0, 1]) + paddle.linalg.inv(x[0, 0] + paddle.eye(64)),
    "attention": lambda x: F.scaled_dot_product_attention(*[x.transpose([0, 2, 1, 3])] * 3),
}


def saved(folder: Path, name: str, layer: nn.Layer, inputs: list[InputSpec]) -> Path:
    """The graph of `layer` below `folder`, in the format that Paddle was started for."""
    place = folder / name.replace(" ", "_")
    layer.eval()
    # Inner names of two saves in one process are told apart by counting.
    with paddle.utils.unique_name.guard():
        paddle.jit.save(layer, str(place / "inference"), input_spec=inputs)
    return next(path for path in place.iterdir() if path.suffix in (".json", ".pdmodel"))


if __name__ == "__main__":
    for network in (*own_networks(), *official_layers()):
        # Of much of its own, Paddle 3 saves no older format any more.
        with suppress(Exception):
            print("saved", saved(Path(sys.argv[1]), *network))
