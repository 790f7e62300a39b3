"""Reads of what a network answers, where targets depend on it: each waits for all that was asked of the device."""

from __future__ import annotations

import math

import numpy as np
import paddle


def read_together(*tensors: paddle.Tensor) -> list[np.ndarray]:
    """The numbers of float32 tensors, in one read."""
    with paddle.no_grad():
        numbers = paddle.concat([each.detach().flatten() for each in tensors]).numpy()
    shapes = [tuple(each.shape) for each in tensors]
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(numbers, ends[:-1]), shapes, strict=True)]
