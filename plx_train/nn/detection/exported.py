"""Detectors that give boxes in the pixels of the image as it was before it was resized."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F
from paddle.static import InputSpec

from plx_train.nn.detection.detector import Detector, PointDetector
from plx_train.nn.detection.points import boxes_at, mean_distances, points_of
from plx_train.nn.detection.query_detector import QueryDetector
from plx_train.nn.detection.select import select_boxes

MAX_QUERIES = 300
"""Boxes of an image that are given without regard to how much they cover each other."""


class FinishedDetector(nn.Layer):
    """Rows class, score, x1, y1, x2, y2 (M, 6) of all images, one after the other, and their numbers, int32 (N,).

    Its inputs come in the alphabetical order of their names, which are PaddleX's.

    Args:
        size: height and width of the network's input.
    """

    def __init__(self, network: Detector, size: tuple[int, int]) -> None:
        super().__init__()
        self.network, self.size = network, size
        network.prepare(*size)

    def inputs(self) -> list[InputSpec]:
        """What the graph takes."""
        raise NotImplementedError

    def _image(self) -> InputSpec:
        return InputSpec([None, 3, *self.size], "float32", name="image")


class FinishedPoints(FinishedDetector):
    """What points see, without boxes that better ones cover.

    Args:
        nms_threshold, max_boxes: see `select_boxes`.
    """

    network: PointDetector

    def __init__(self, network: PointDetector, size: tuple[int, int], nms_threshold: float, max_boxes: int) -> None:
        super().__init__(network, size)
        self.nms_threshold, self.max_boxes = nms_threshold, max_boxes
        self.register_buffer("points", paddle.to_tensor(points_of(size, network.strides)), persistable=False)

    def inputs(self) -> list[InputSpec]:
        """The image, and how much it was scaled, down and across."""
        return [self._image(), InputSpec([None, 2], "float32", name="scale_factor")]

    def forward(self, image: paddle.Tensor, scale_factor: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        scores, distances = self.network(image)
        boxes = boxes_at(self.points, mean_distances(distances, self.network.bins))
        across, down = scale_factor[:, 1:], scale_factor[:, :1]
        scale = paddle.concat([across, down, across, down], axis=1).unsqueeze(1)
        probabilities = F.sigmoid(scores).transpose([0, 2, 1])
        return select_boxes(boxes / scale, probabilities, self.nms_threshold, self.max_boxes)


class FinishedQueries(FinishedDetector):
    """What queries found, the surest of all queries and classes."""

    network: QueryDetector

    def __init__(self, network: QueryDetector, size: tuple[int, int]) -> None:
        super().__init__(network, size)

    def inputs(self) -> list[InputSpec]:
        """Height and width of the resized image, the image, and how much it was scaled, down and across."""
        pair = [InputSpec([None, 2], "float32", name=name) for name in ("im_shape", "scale_factor")]
        return [pair[0], self._image(), pair[1]]

    def forward(
        self, im_shape: paddle.Tensor, image: paddle.Tensor, scale_factor: paddle.Tensor
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        logits, boxes = self.network(image)
        num_queries, num_classes = logits.shape[1:]
        count = min(MAX_QUERIES, num_queries * num_classes)
        scores, places = paddle.topk(F.sigmoid(logits).flatten(1), count, axis=1)
        queries = (places // num_classes).unsqueeze(-1).tile([1, 1, 4])
        centre, sides = paddle.take_along_axis(boxes, queries, 1, broadcast=False).split(2, axis=-1)
        original = paddle.floor(im_shape / scale_factor + 0.5).flip([1]).tile([1, 2]).unsqueeze(1)
        corners = paddle.concat([centre - sides / 2, centre + sides / 2], axis=-1) * original
        classes = (places % num_classes).astype("float32")
        rows = paddle.concat([classes.unsqueeze(-1), scores.unsqueeze(-1), corners], axis=-1)
        return rows.reshape([-1, 6]), paddle.full_like(scale_factor[:, 0], count, "int32")
