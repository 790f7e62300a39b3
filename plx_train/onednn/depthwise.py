"""The weight gradient of depthwise convolutions with wide kernels, some columns of the kernel at a time.

oneDNN has a quick kernel for it up to three columns, and above falls back to one that takes thirty times as long. The
columns of a kernel know nothing of each other, so a wide one is computed as several narrow ones, each on the part of
x that its columns see. The zeros that x is padded with have to be there: narrow kernels allow fewer of them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from plx_train.onednn.convolution import ConvolutionPrimitives, Geometry
from plx_train.onednn.library import DST, SRC
from plx_train.onednn.primitive import ThreadState, copying, plain_layout, primitive_of

MOST_COLUMNS = 3
BYTES = 4


def is_wide(geometry: Geometry) -> bool:
    """Whether the gradient is better taken in parts."""
    channels = geometry.x[1]
    is_depthwise = geometry.groups == channels == geometry.y[1] and channels > 1
    return (
        is_depthwise and not geometry.transposed and geometry.weight[3] > MOST_COLUMNS and geometry.dilation == (1, 1)
    )


def padded_shape(geometry: Geometry) -> list[int]:
    """Shape of the zeros that hold x with the columns that it is padded with."""
    _, left, _, right = geometry.padding
    images, channels, height, width = geometry.x
    return [images, channels, height, width + left + right]


class WideGradient:
    """Writes the weight gradient of one wide geometry.

    Attributes:
        padded_shape: of a tensor of zeros that each call needs.
    """

    def __init__(self, geometry: Geometry, state: ThreadState) -> None:
        top, left, bottom, _ = geometry.padding
        rows, columns = geometry.weight[2:]
        self.padded_shape = padded_shape(geometry)
        images, channels, height, padded = self.padded_shape
        strides = (channels * height * padded, height * padded, padded, 1)
        plain, inside = plain_layout(geometry.x), plain_layout(geometry.x, strides)
        copy = partial(copying, plain.handle, inside.handle)
        self.pad = primitive_of(state, copy, {SRC: plain}, {DST: inside})
        self.offset = left * BYTES
        self.parts: list[tuple[int, ConvolutionPrimitives]] = []
        for part in np.array_split(np.arange(columns), -(-columns // MOST_COLUMNS)):
            seen = (geometry.y[3] - 1) * geometry.stride[1] + len(part)
            narrow = replace(
                geometry,
                x=(images, channels, height, seen),
                weight=(channels, 1, rows, len(part)),
                padding=(top, 0, bottom, 0),
                has_bias=geometry.has_bias and part[0] == 0,
            )
            plan = ConvolutionPrimitives(narrow, state)
            plan.plain["x"] = plain_layout(narrow.x, strides)
            kernel = rows * columns
            plan.plain["weight"] = plain_layout((channels, 1, 1, rows, len(part)), (kernel,) * 3 + (columns, 1))
            self.parts.append((int(part[0]) * BYTES, plan))

    def __call__(self, dy: int, x: int, zeros: int, dweight: int, dbias: int | None) -> None:
        """Gradient of the weights, as `ConvolutionPrimitives.backward_weights` gives it.

        Args:
            zeros: address of a tensor of `padded_shape`, which is written into.
        """
        self.pad(x, zeros + self.offset)
        previous = None
        for offset, plan in self.parts:
            bias = dbias if plan.geometry.has_bias else None
            previous = plan.backward_weights(dy, zeros + offset, dweight + offset, bias, previous)
