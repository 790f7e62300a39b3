"""What detectors have in common whose queries find boxes."""

from __future__ import annotations

from dataclasses import dataclass

import paddle

from plx_train.nn.detection.denoising import Denoising
from plx_train.nn.detection.detector import Detector, Truths


@dataclass(frozen=True)
class Queries:
    """What the queries of a batch found, stage by stage.

    Attributes:
        logits: of the classes, (stages, N, Q, classes).
        boxes: x, y of the centre, width and height as shares of the image, (stages, N, Q, 4).
    """

    logits: paddle.Tensor
    boxes: paddle.Tensor


@dataclass(frozen=True)
class LearnedQueries:
    """What queries found in training.

    Attributes:
        found: with the encoder's own choice as the first stage.
        denoised: what became of noisy boxes; None where no image has any.
        denoising: how these were made.
    """

    found: Queries
    denoised: Queries | None
    denoising: Denoising | None


class QueryDetector(Detector):
    """Class logits (N, Q, classes) and boxes (N, Q, 4), x, y of the centre, width and height as shares of the image."""

    def forward(self, x: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        raise NotImplementedError

    def learn(self, x: paddle.Tensor, truths: Truths) -> LearnedQueries:
        """What all stages find, and make of noisy copies of the `truths`."""
        raise NotImplementedError
