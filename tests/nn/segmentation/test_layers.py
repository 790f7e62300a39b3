"""Maps at another size, by products of matrices as by Paddle's own operation."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from paddle.nn import functional as F

from plx_train.nn.segmentation.layers import resized
from plx_train.nn.segmentation.names import NETWORKS
from plx_train.nn.segmentation.networks import build_segmenter


@pytest.mark.parametrize(
    ("given", "wanted"), [((4, 6), (32, 48)), ((1, 1), (5, 7)), ((4, 4), (3, 5)), ((7, 5), (7, 5))]
)
def test_maps_are_those_of_interpolation(given: tuple[int, int], wanted: tuple[int, int]) -> None:
    paddle.seed(1)
    x = paddle.randn([2, 3, *given])
    expected = F.interpolate(x, wanted, mode="bilinear", align_corners=False)
    assert np.allclose(resized(x, paddle.zeros([1, 1, *wanted])), expected, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_give_maps_of_the_images_size(name: str) -> None:
    network = build_segmenter(name, 4)
    network.eval()
    (found,) = network(paddle.randn([1, 3, 64, 96]))
    assert found.shape == [1, 4, 64, 96]
