"""What the modules of all rooms of images share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle

from plx_train.contract.module import Module, ProcessorT
from plx_train.contract.sample import Batch, Sample
from plx_train.ground.errors import UserError
from plx_train.nn.exported import name_tensors
from plx_train.vision.samples import stack_eval
from plx_train.vision.strong import Strength
from plx_train.vision.tiled_processor import few_at_a_time, images_in

if TYPE_CHECKING:
    from paddle.static import InputSpec


class ImageModule(Module[ProcessorT]):
    """A module whose network takes images, float32 (N, 3, H, W).

    Attributes:
        freezes_norm: batch norms keep their statistics in training.
        frozen_part: how the names of the layers begin whose batch norms do.
        strength: of the views that are learned from unlabelled images.
    """

    freezes_norm: bool = False
    frozen_part: str = ""
    strength: Strength = Strength(hole=0.0)

    def collate_eval(self, samples: list[Sample]) -> Batch:
        """Images of one size."""
        return stack_eval(samples)

    def train_mode(self) -> None:
        """Training behaviour, batch statistics frozen where that is wanted."""
        self.network.train()
        if self.freezes_norm:
            for name, layer in self.network.named_sublayers():
                if isinstance(layer, paddle.nn.BatchNorm2D) and name.startswith(self.frozen_part):
                    layer.eval()

    def forward(self, batch: Batch) -> Any:
        """The network's outputs."""
        return self.network(batch["x"])

    def features(self, batch: Batch) -> list[np.ndarray]:
        """The means of the maps that the network's backbone gives, float32 (N, channels) of each of its stages.

        Args:
            batch: of images of one size; the tiles of one image count together.

        Raises:
            UserError: the network has no backbone.
        """
        backbone = getattr(self.network, "backbone", None)
        if backbone is None:
            raise UserError(f"the network of module={self.name} has no backbone whose features tell what images show")
        images, number = batch["x"], len(batch["names"])
        images = images_in(images) if isinstance(images, tuple) else images
        found = [_means(backbone, images[place]) for place in few_at_a_time(tuple(images.shape))]
        stages = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return [one.reshape(number, len(images) // number, -1).mean(axis=1) for one in stages]


def _means(backbone: paddle.nn.Layer, images: np.ndarray) -> list[np.ndarray]:
    with paddle.no_grad():
        maps = backbone(paddle.to_tensor(images))
    stages = maps if isinstance(maps, list | tuple) else [maps]
    return [np.asarray(one.mean(axis=(2, 3)).astype("float32").numpy()) for one in stages]


class FinishedNetwork(paddle.nn.Layer):
    """A network with what the exported graph does to its outputs.

    Args:
        finish: takes what `network` gives.
    """

    def __init__(self, network: paddle.nn.Layer, finish: Callable[[Any], paddle.Tensor]) -> None:
        super().__init__()
        self.network = network
        self.finish = finish

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.finish(self.network(x))


class MovedLogits(paddle.nn.Layer):
    """What makes scores of logits that were moved: `scores` of the logits without `shift`, (classes,)."""

    def __init__(self, scores: Callable[[paddle.Tensor], paddle.Tensor], shift: np.ndarray) -> None:
        super().__init__()
        self.scores = scores
        self.register_buffer("shift", paddle.to_tensor(shift.astype(np.float32)))

    def forward(self, logits: paddle.Tensor) -> paddle.Tensor:
        return self.scores(logits - self.shift)


def exported(
    network: paddle.nn.Layer, finish: Callable[[Any], paddle.Tensor], height: int | None, width: int | None
) -> tuple[paddle.nn.Layer, list[InputSpec]]:
    """A copy of the trained network as it is exported: the layer and its input ``x`` (N, 3, height, width).

    Args:
        network: with the trained weights; is changed.
        height, width: of the input; None where any will do.
    """
    from paddle.static import InputSpec

    name_tensors(network)
    return FinishedNetwork(network, finish), [InputSpec([None, 3, height, width], "float32", name="x")]
