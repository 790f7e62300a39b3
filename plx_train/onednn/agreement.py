"""Whether oneDNN gives what Paddle's own kernels do, tried on a few shapes before a run relies on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import paddle
from paddle.nn import functional

from plx_train.onednn.convolution import Geometry, Sizes
from plx_train.onednn.convolve import convolve
from plx_train.onednn.elementwise import Enlargement, Hardswish
from plx_train.onednn.linear import Linear

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
GIVEN = ("x", "weight", "bias")
Function = Callable[..., paddle.Tensor]


@dataclass(frozen=True)
class Counterparts:
    """Two functions that should be one, of tensors of these shapes."""

    name: str
    ours: Function
    native: Function
    shapes: tuple[Sizes, ...]


def disagreement(precision: str) -> str | None:
    """The first result or gradient that differs from that of Paddle's kernels, in words; None if none does.

    Raises:
        LibraryError: oneDNN can't compute one of them.
    """
    for trial in _trials(precision):
        rng = np.random.default_rng(0)
        # Positive, so that sums don't cancel and a share of them says something.
        arrays = [rng.uniform(0.5, 1.5, shape).astype(np.float32) for shape in trial.shapes]
        ours, theirs = (_with_gradients(function, arrays) for function in (trial.ours, trial.native))
        names = ("result", *(f"gradient for the {name}" for name in GIVEN[: len(arrays)]))
        for name, own, other in zip(names, ours, theirs, strict=True):
            share = float(np.abs(own - other).max() / max(np.abs(other).max(), 1e-6))
            if not share <= TOLERANCES[precision]:
                return f"the {name} of {trial.name} is off by {share:.2g} of it"
    return None


def _trials(precision: str) -> Iterator[Counterparts]:
    for shape in SHAPES:
        geometry = replace(shape, precision=precision if shape.groups == 1 else "fp32")
        shapes = (shape.x, shape.weight, (shape.y[1],))
        name = f"a convolution of {shape.x} by {shape.weight}"
        ours, native = partial(_ours, geometry), partial(_native, geometry)
        yield Counterparts(name, ours, native, shapes if shape.has_bias else shapes[:2])
    yield Counterparts("hard swish", Hardswish.apply, functional.hardswish, ((3, 5, 7),))
    enlarged = partial(functional.interpolate, scale_factor=2)
    yield Counterparts("a product", Linear.apply, functional.linear, ((40, 200), (200, 300), (300,)))
    yield Counterparts("an enlargement", lambda x: Enlargement.apply(x, 2), enlarged, ((2, 3, 5, 7),))


def _with_gradients(function: Function, arrays: list[np.ndarray]) -> list[np.ndarray]:
    tensors = [paddle.to_tensor(array, place="cpu", stop_gradient=False) for array in arrays]
    y = function(*tensors)
    weights = np.random.default_rng(1).uniform(0.5, 1.5, y.shape).astype(np.float32)
    (y * paddle.to_tensor(weights, place="cpu")).sum().backward()
    return [y.numpy(), *(tensor.grad.numpy() for tensor in tensors)]


def _ours(
    geometry: Geometry, x: paddle.Tensor, weight: paddle.Tensor, bias: paddle.Tensor | None = None
) -> paddle.Tensor:
    return convolve(x, weight, bias, geometry)


def _native(
    geometry: Geometry, x: paddle.Tensor, weight: paddle.Tensor, bias: paddle.Tensor | None = None
) -> paddle.Tensor:
    top, left, bottom, right = geometry.padding
    how = {"stride": geometry.stride, "dilation": geometry.dilation, "groups": geometry.groups}
    function = functional.conv2d_transpose if geometry.transposed else functional.conv2d
    return function(x, weight, bias, padding=[top, bottom, left, right], **how)
