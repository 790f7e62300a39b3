"""A detector that gives boxes in the pixels of the image as it was before it was resized."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.detection.detector import Detector
from plx_train.nn.detection.points import boxes_at, mean_distances, points_of
from plx_train.nn.detection.select import select_boxes


class ExportedDetector(nn.Layer):
    """Rows class, score, x1, y1, x2, y2 (M, 6) of all images, and their numbers (N,).

    Args:
        size: height and width of the network's input.
        nms_threshold, max_boxes: see `select_boxes`.
    """

    def __init__(self, network: Detector, size: tuple[int, int], nms_threshold: float, max_boxes: int) -> None:
        super().__init__()
        self.network, self.nms_threshold, self.max_boxes = network, nms_threshold, max_boxes
        self.register_buffer("points", paddle.to_tensor(points_of(size, network.strides)), persistable=False)

    def forward(self, image: paddle.Tensor, scale_factor: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        scores, distances = self.network(image)
        boxes = boxes_at(self.points, mean_distances(distances, self.network.num_bins))
        across, down = scale_factor[:, 1:], scale_factor[:, :1]
        scale = paddle.concat([across, down, across, down], axis=1).unsqueeze(1)
        probabilities = F.sigmoid(scores).transpose([0, 2, 1])
        return select_boxes(boxes / scale, probabilities, self.nms_threshold, self.max_boxes)
