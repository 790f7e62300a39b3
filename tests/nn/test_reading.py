"""Several answers of a network are read at once, as they would be one by one."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from kit.fake_device import counted
from plx_train.nn.reading import read_together

SHAPES = ([(2, 3, 4), (2, 3, 1)], [(1,)], [(0, 4), (5,)], [(3, 0), (2, 2), ()])


@pytest.mark.parametrize("shapes", SHAPES)
def test_they_are_what_each_is_alone(shapes: list[tuple[int, ...]]) -> None:
    tensors = [paddle.rand(list(shape)) for shape in shapes]
    for tensor in tensors:
        tensor.stop_gradient = False

    found = read_together(*tensors)

    for read, tensor in zip(found, tensors, strict=True):
        assert read.dtype == np.float32
        assert read.shape == tuple(tensor.shape)
        assert np.array_equal(read, tensor.numpy())


def test_it_is_one_read() -> None:
    tensors = [paddle.rand([2, 3]), paddle.rand([4])]
    with counted() as traffic:
        read_together(*tensors)

    assert sum(traffic.reads.values()) == 1
    assert sum(traffic.copies.values()) == 0


def test_what_is_counted_is_counted() -> None:
    tensor = paddle.to_tensor(1.5)
    with counted() as traffic:
        asked = [float(tensor), tensor.item(), bool(tensor > 0), tensor.tolist(), np.asarray(tensor), int(tensor)]
        paddle.to_tensor([2.0])
        traffic.part = "later"
        tensor.numpy()

    assert asked == [1.5, 1.5, True, 1.5, np.asarray(1.5), 1]
    assert sum(traffic.of("before").values()) == 6
    assert traffic.of("later") == {"elsewhere": 1}
    assert traffic.of("before", "copies") == {"elsewhere": 1}
    tensor.numpy()
    assert sum(traffic.reads.values()) == 7
