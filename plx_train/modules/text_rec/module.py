"""Text recognition: wires network, data, loss, processing and metric for the core."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
from paddle.nn import functional as F
from paddle.static import InputSpec

from plx_train.contract import Batch
from plx_train.modules.text_rec.augment import TextRecAugment
from plx_train.modules.text_rec.config import TextRecConfig
from plx_train.modules.text_rec.data import TextRecDataset, collate, collate_eval
from plx_train.modules.text_rec.dictionary import dictionary_of
from plx_train.modules.text_rec.labels import LineLabel
from plx_train.modules.text_rec.loss import ctc_loss
from plx_train.modules.text_rec.metric import TextRecMetric
from plx_train.modules.text_rec.network import TextRecNetwork
from plx_train.modules.text_rec.overlay import draw_overlay
from plx_train.modules.text_rec.processor import HEIGHT, TextRecPrediction, TextRecProcessor
from plx_train.modules.text_rec.rehead import rehead

if TYPE_CHECKING:
    from plx_train.weights.fetch import WeightsSource


class TextRec:
    """The room's one class that the core knows."""

    name = "text_rec"
    monitor = "accuracy"
    sample_value = "similarity"
    has_calibration = False
    overlay_legend = (
        "under each crop first what was read (red: wrong), then the label (orange: missed); ␣ stands for a space"
    )
    optional_weights = ()

    def __init__(self, config: TextRecConfig, is_fine_tuning: bool) -> None:
        self.config = config
        self.is_fine_tuning = is_fine_tuning
        self.processor = TextRecProcessor(tuple(config.characters or ()), config.width)
        merged = is_fine_tuning if config.merged is None else config.merged
        self.network = self._new_network(merged)

    def _new_network(self, merged: bool) -> TextRecNetwork:
        config = self.config
        return TextRecNetwork(
            self.processor.num_classes, config.scale, config.neck_channels, config.neck_depth, merged=merged
        )

    def adapt_weights(
        self, state: dict[str, np.ndarray], source: WeightsSource
    ) -> tuple[dict[str, np.ndarray], str | None]:
        """`state` with the classifier of this run's dictionary, and what was kept, in words."""
        return rehead(state, source, self.processor.characters, self.network.state_dict())

    def dataset(self, crops: Sequence[LineLabel], split: str, cache_mb: int) -> TextRecDataset:
        """Crops of one split; ``train`` gives changed ones, the others plain ones."""
        options = dataclasses.asdict(self.config.augment)
        return TextRecDataset(crops, self.processor, TextRecAugment(**options) if split == "train" else None)

    def collate(self, samples: list[dict[str, Any]]) -> Batch:
        """Training crops as float32 arrays, with the classes of their texts."""
        return collate(samples, self.processor)

    def collate_eval(self, samples: list[dict[str, Any]]) -> Batch:
        """Crops padded to the widest."""
        return collate_eval(samples)

    def train_mode(self) -> None:
        """Training behaviour, batch statistics frozen where the config says so."""
        self.network.train()
        freeze = self.config.freeze_norm
        if self.is_fine_tuning if freeze is None else freeze:
            for layer in self.network.sublayers():
                if isinstance(layer, paddle.nn.BatchNorm2D):
                    layer.eval()

    def eval_mode(self) -> None:
        """Inference behaviour."""
        self.network.eval()

    def forward(self, batch: Batch) -> paddle.Tensor:
        """Logits, (N, T, classes)."""
        return self.network(batch["x"])

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``."""
        return ctc_loss(outputs.astype("float32"), batch)

    def outputs_to_numpy(self, outputs: paddle.Tensor) -> list[np.ndarray]:
        """Per crop the probabilities, (T, classes) float32."""
        return list(F.softmax(outputs.astype("float32"), axis=-1).numpy())

    def new_metric(self) -> TextRecMetric:
        """An empty metric."""
        return TextRecMetric()

    def calibrate(self, outputs: list[np.ndarray], samples: list[dict[str, Any]]) -> TextRecProcessor:
        """The processor as it is: nothing of it is chosen on held-out samples."""
        return self.processor

    def export_network(self) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The merged network that gives probabilities."""
        network = self._new_network(self.network.merged)
        network.set_state_dict(self.network.state_dict())
        if not network.merged:
            network.merge()
        network.eval()
        # The graph keeps the tensors' names, and with the official ones an exported folder can be trained on.
        for name, tensor in network.state_dict().items():
            tensor.name = name
        return _Probabilities(network), [InputSpec([None, 3, HEIGHT, None], "float32", name="x")]

    def overlay(self, image: np.ndarray, prediction: TextRecPrediction, sample: dict[str, Any] | None) -> np.ndarray:
        """The crop with the read and, if given, the true text under it, (h, w, 3) uint8 BGR."""
        return draw_overlay(image, prediction, sample["labels"] if sample else None)


class _Probabilities(paddle.nn.Layer):
    def __init__(self, network: TextRecNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.softmax(self.network(x), axis=-1)


def build(config: TextRecConfig, is_fine_tuning: bool) -> TextRec:
    """The module for `config`, whose dictionary was found; merged when fine-tuning, unless `config.merged` says."""
    return TextRec(config, is_fine_tuning)


def published(folder: Path) -> TextRec:
    """The module that the published weights in `folder` are of, with the characters that lie beside them."""
    return TextRec(TextRecConfig(characters=list(dictionary_of(folder))), is_fine_tuning=True)
