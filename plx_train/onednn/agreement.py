"""Whether oneDNN's convolutions give what Paddle's own do, tried on a few shapes before a run relies on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import paddle
from paddle.nn import functional

from plx_train.onednn.convolution import Geometry
from plx_train.onednn.convolve import convolve

PLAIN = Geometry((2, 16, 9, 12), (24, 16, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1, True)
SHAPES = (
    PLAIN,
    replace(PLAIN, weight=(24, 16, 1, 1), padding=(0, 0, 0, 0), has_bias=False),
    replace(PLAIN, weight=(16, 1, 5, 5), padding=(2, 2, 2, 2), stride=(2, 1), groups=16),
    replace(PLAIN, weight=(24, 8, 3, 3), padding=(0, 1, 2, 1), dilation=(2, 1), stride=(1, 2), groups=2),
    replace(PLAIN, weight=(16, 8, 2, 2), padding=(0, 0, 0, 0), stride=(2, 2), transposed=True),
)
TOLERANCES = {"fp32": 1e-4, "bf16": 5e-2}
"""Largest difference of any number, as a share of the largest."""


def disagreement(precision: str) -> str | None:
    """In words, the first shape whose result or gradients differ from those of Paddle's kernels; None if none does.

    Raises:
        LibraryError: oneDNN can't compute one of them.
    """
    for shape in SHAPES:
        geometry = replace(shape, precision=precision if shape.groups == 1 else "fp32")
        tensors = _random_tensors(geometry)
        for name, ours, theirs in zip(
            ("result", "gradient for x", "gradient for the weight", "gradient for the bias"),
            _with_gradients(geometry, tensors, is_native=False),
            _with_gradients(geometry, tensors, is_native=True),
            strict=False,
        ):
            share = float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-6))
            if not share <= TOLERANCES[precision]:
                return f"the {name} of a convolution of {geometry.x} by {geometry.weight} is off by {share:.2g} of it"
    return None


def _random_tensors(geometry: Geometry) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = [geometry.x, geometry.weight, *([(geometry.y[1],)] if geometry.has_bias else [])]
    # Positive, so that sums don't cancel and a share of them says something.
    return [rng.uniform(0.5, 1.5, shape).astype(np.float32) for shape in shapes]


def _with_gradients(geometry: Geometry, arrays: list[np.ndarray], is_native: bool) -> list[np.ndarray]:
    tensors = [paddle.to_tensor(array, place="cpu", stop_gradient=False) for array in arrays]
    x, weight, bias = tensors[0], tensors[1], tensors[2] if geometry.has_bias else None
    y = _native(x, weight, bias, geometry) if is_native else convolve(x, weight, bias, geometry)
    y.sum().backward()
    return [y.numpy(), *(tensor.grad.numpy() for tensor in tensors)]


def _native(x: paddle.Tensor, weight: paddle.Tensor, bias: paddle.Tensor | None, geometry: Geometry) -> paddle.Tensor:
    top, left, bottom, right = geometry.padding
    how = {"stride": geometry.stride, "dilation": geometry.dilation, "groups": geometry.groups}
    function = functional.conv2d_transpose if geometry.transposed else functional.conv2d
    return function(x, weight, bias, padding=[top, bottom, left, right], **how)
