"""Text detection: wires network, data, loss, processing and metric for the core."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from paddle.static import InputSpec

from plx_train.contract.module import Module
from plx_train.contract.sample import Batch
from plx_train.modules.text_det.augment import TextDetAugment
from plx_train.modules.text_det.calibrate import calibrate
from plx_train.modules.text_det.config import TextDetConfig
from plx_train.modules.text_det.data import TextDetDataset, collate, collate_eval
from plx_train.modules.text_det.labels import PageLabel
from plx_train.modules.text_det.loss import TextDetLoss
from plx_train.modules.text_det.metric import TextDetMetric
from plx_train.modules.text_det.network import TextDetNetwork
from plx_train.modules.text_det.overlay import draw_overlay
from plx_train.modules.text_det.prediction import TextDetPrediction
from plx_train.modules.text_det.processor import TextDetProcessor


class TextDet(Module):
    """The room's one class that the core knows."""

    name = "text_det"
    monitor = TextDetConfig.monitor
    overlay_legend = "green: found; red: found where there is nothing; orange: missed"
    optional_weights = (r"^head\.thresh\.",)
    """Absent from exported weights by design: inference has no threshold branch."""

    def __init__(self, config: TextDetConfig, is_fine_tuning: bool) -> None:
        self.config = config
        self.is_fine_tuning = is_fine_tuning
        self.processor = build_processor(config)
        merged = is_fine_tuning if config.merged is None else config.merged
        self.network = TextDetNetwork(config.scale, config.neck_channels, merged=merged)
        self.network.with_threshold = config.loss.threshold_weight > 0
        self.criterion = TextDetLoss(**dataclasses.asdict(config.loss))

    def dataset(self, pages: Sequence[PageLabel], split: str, cache_mb: int) -> TextDetDataset:
        """Pages of one split; ``train`` gives augmented crops, the others whole pages."""
        is_training = split == "train"
        return TextDetDataset(
            pages,
            self.processor,
            augment=build_augment(self.config) if is_training else None,
            shrink_ratio=self.config.shrink_ratio,
            min_text_size=self.config.min_text_size,
            with_threshold=self.network.with_threshold,
            cache_bytes=cache_mb * 2**20 if is_training else 0,
        )

    def collate(self, samples: list[dict[str, Any]]) -> Batch:
        """Training crops as float32 arrays."""
        return collate(samples, self.processor)

    def collate_eval(self, samples: list[dict[str, Any]]) -> Batch:
        """Pages of one size."""
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
        """Probability maps, (N, 1 or 3, H, W)."""
        return self.network(batch["x"])["maps"]

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalars ``loss`` and its parts."""
        return self.criterion(outputs.astype("float32"), batch)

    def outputs_to_numpy(self, outputs: paddle.Tensor) -> list[np.ndarray]:
        """Per page the text probability, (H, W) float32."""
        return list(outputs[:, 0].astype("float32").numpy())

    def new_metric(self) -> TextDetMetric:
        """An empty metric."""
        return TextDetMetric()

    def calibrate(self, outputs: list[np.ndarray], samples: list[dict[str, Any]]) -> TextDetProcessor:
        """The processor with thresholds and unclip ratio chosen on held-out pages."""
        if not self.config.calibrate:
            return self.processor
        shapes = [sample["shape"] for sample in samples]
        return calibrate(outputs, shapes, [sample["labels"] for sample in samples], self.processor).processor

    def export_network(self) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The merged network that gives the probability map alone."""
        network = TextDetNetwork(self.config.scale, self.config.neck_channels, merged=self.network.merged)
        network.set_state_dict(self.network.state_dict())
        if not network.merged:
            network.merge()
        network.eval()
        # The graph keeps the tensors' names, and with the official ones an exported folder can be trained on.
        for name, tensor in network.state_dict().items():
            tensor.name = name
        return _ProbabilityMap(network), [InputSpec([None, 3, None, None], "float32", name="x")]

    def overlay(self, image: np.ndarray, prediction: TextDetPrediction, sample: dict[str, Any] | None) -> np.ndarray:
        """The page with found, missed and false boxes drawn on it, (H, W, 3) uint8 BGR."""
        return draw_overlay(image, prediction, sample["labels"] if sample else None)


class _ProbabilityMap(paddle.nn.Layer):
    def __init__(self, network: TextDetNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.network(x)["maps"]


def build(config: TextDetConfig, is_fine_tuning: bool) -> TextDet:
    """The module for `config`; merged single-branch form when fine-tuning, unless `config.merged` says otherwise."""
    return TextDet(config, is_fine_tuning)


def published(folder: Path) -> TextDet:
    """The module that the published weights in `folder` are of."""
    return TextDet(TextDetConfig(), is_fine_tuning=True)


def build_processor(config: TextDetConfig) -> TextDetProcessor:
    """The processing that `config` asks for, before any calibration."""
    return TextDetProcessor(
        limit_side_len=config.limit_side_len,
        thresh=config.thresh,
        box_thresh=config.box_thresh,
        unclip_ratio=config.unclip_ratio,
        max_candidates=config.max_candidates,
    )


def build_augment(config: TextDetConfig) -> TextDetAugment:
    """The random changes of training crops that `config` asks for."""
    options = dataclasses.asdict(config.augment)
    height, width = config.crop_size
    return TextDetAugment(crop_size=(height, width), **(options | {"scale": tuple(options["scale"])}))
