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

from plx_train.contract.module import Module
from plx_train.contract.sample import Batch
from plx_train.ground.errors import ConfigError
from plx_train.modules.text_rec.augment import TextRecAugment
from plx_train.modules.text_rec.config import NO_GUIDE, TextRecConfig
from plx_train.modules.text_rec.data import TextRecDataset, collate, collate_eval
from plx_train.modules.text_rec.dictionary import dictionary_of
from plx_train.modules.text_rec.labels import LineLabel
from plx_train.modules.text_rec.loss import ctc_loss, guided_loss
from plx_train.modules.text_rec.metric import TextRecMetric
from plx_train.modules.text_rec.network import GuideShape, TextRecNetwork
from plx_train.modules.text_rec.overlay import draw_overlay
from plx_train.modules.text_rec.processor import HEIGHT, TextRecPrediction, TextRecProcessor
from plx_train.modules.text_rec.rehead import rehead

if TYPE_CHECKING:
    from plx_train.weights.fetch import WeightsSource


class TextRec(Module):
    """The room's one class that the core knows."""

    name = "text_rec"
    monitor = TextRecConfig.monitor
    sample_value = "similarity"
    has_calibration = False
    overlay_legend = (
        "under each crop first what was read (red: wrong), then the label (orange: missed); ␣ stands for a space"
    )
    optional_weights = (r"^head\.(before_gtc|gtc_head)\.",)
    """Absent from exported weights by design: the guide is of use in training alone."""

    def __init__(self, config: TextRecConfig, is_fine_tuning: bool) -> None:
        self.config = config
        self.is_fine_tuning = is_fine_tuning
        self.processor = TextRecProcessor(tuple(config.characters or ()), config.width)
        merged = is_fine_tuning if config.merged is None else config.merged
        self.has_guide = config.guide != NO_GUIDE
        self.is_guide_alone = not is_fine_tuning if config.guide_alone is None else config.guide_alone
        guide = GuideShape(config.guide_channels, config.guide_depth) if self.has_guide else None
        self.network = self._new_network(merged, guide)

    def _new_network(self, merged: bool, guide: GuideShape | None = None) -> TextRecNetwork:
        config = self.config
        return TextRecNetwork(
            self.processor.num_classes, config.scale, config.neck_channels, config.neck_depth, merged, guide
        )

    def adapt_weights(
        self, state: dict[str, np.ndarray], source: WeightsSource
    ) -> tuple[dict[str, np.ndarray], str | None]:
        """`state` with the classifier of this run's dictionary, and what was kept, in words."""
        return rehead(state, source, self.processor.characters, self.network.state_dict())

    def check_frozen(self, trainable: Sequence[str]) -> None:
        """Refuses a guide that could teach nothing: its gradient reaches the backbone alone.

        Args:
            trainable: names of the parameters that a run changes.

        Raises:
            ConfigError: none of them is the backbone's.
        """
        if self.has_guide and not any(name.startswith("backbone.") for name in trainable):
            raise ConfigError(
                f"module.guide={self.config.guide} teaches the backbone alone, which optimizer.freeze leaves as it is: "
                "set optimizer.freeze=[], or module.guide=none"
            )

    def dataset(self, crops: Sequence[LineLabel], split: str, cache_mb: int) -> TextRecDataset:
        """Crops of one split; ``train`` gives changed ones, the others plain ones."""
        if split != "train":
            return TextRecDataset(crops, self.processor)
        augment = TextRecAugment(**dataclasses.asdict(self.config.augment))
        return TextRecDataset(crops, self.processor, augment, cache_mb * 2**20)

    def collate(self, samples: list[dict[str, Any]]) -> Batch:
        """Training crops as float32 arrays, with the classes of their texts, and for a guide their tokens."""
        return collate(samples, self.processor, self.config.guide_max_length if self.has_guide else None)

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

    def forward(self, batch: Batch) -> Any:
        """Logits (N, T, classes); where the batch has tokens for a guide, with the guide's (N, S - 1, tokens) after."""
        if "guide_tokens" not in batch:
            return self.network(batch["x"])
        return self.network.guided(batch["x"], batch["guide_tokens"][:, :-1], self.is_guide_alone)

    def loss(self, outputs: Any, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``, and its parts where there is a guide."""
        if "guide_tokens" not in batch:
            return ctc_loss(outputs.astype("float32"), batch)
        logits, guide_logits = outputs
        return guided_loss(logits.astype("float32"), guide_logits.astype("float32"), batch)

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
        trained = self.network.state_dict()
        network.set_state_dict({name: trained[name] for name in network.state_dict()})
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
