"""Image classification: wires network, data, loss, processing and metric for the core."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
from paddle.nn import functional as F
from paddle.static import InputSpec

from plx_train.contract.module import Batch, Dataset, Module
from plx_train.metrics.classes import class_files
from plx_train.metrics.temperature import fit_temperature
from plx_train.modules.image_cls.augment import ImageClsAugment
from plx_train.modules.image_cls.config import ImageClsConfig
from plx_train.modules.image_cls.data import ImageClsDataset, collate, collate_eval
from plx_train.modules.image_cls.labels import ClsLabel
from plx_train.modules.image_cls.loss import classification_loss
from plx_train.modules.image_cls.metric import ImageClsMetric
from plx_train.modules.image_cls.network import HEADS, build_network
from plx_train.modules.image_cls.overlay import draw_overlay
from plx_train.modules.image_cls.processor import ImageClsPrediction, ImageClsProcessor
from plx_train.modules.image_cls.rehead import classes_of, rehead
from plx_train.nn.efficientnet_lite import from_torch

if TYPE_CHECKING:
    from plx_train.contract.evaluation import Evaluation
    from plx_train.weights.fetch import WeightsSource


class ImageCls(Module):
    """The room's one class that the core knows."""

    name = "image_cls"
    monitor = ImageClsConfig.monitor
    sample_value = "score of the true class"
    overlay_legend = (
        "under each image its likeliest classes and their scores; green: the right one, red: a wrong answer"
    )

    def __init__(self, config: ImageClsConfig, is_fine_tuning: bool) -> None:
        self.config = config
        self.is_fine_tuning = is_fine_tuning
        self.has_calibration = config.calibrate
        self.processor = build_processor(config)
        self.network = self._new_network()

    def _new_network(self) -> paddle.nn.Layer:
        config = self.config
        return build_network(config.network, len(self.processor.labels), config.stem_stride, config.dropout)

    def adapt_weights(
        self, state: dict[str, np.ndarray], source: WeightsSource
    ) -> tuple[dict[str, np.ndarray], str | None]:
        """`state` with the classifier of this run's classes, and what was kept, in words."""
        known = classes_of(source.path)
        return rehead(from_torch(state), known, self.processor.labels, self.network.state_dict(), HEADS)

    def dataset(self, samples: Sequence[ClsLabel], split: str, cache_mb: int) -> ImageClsDataset:
        """Images of one split; ``train`` gives changed ones, the others plain ones."""
        if split != "train":
            return ImageClsDataset(samples, self.processor)
        options = dataclasses.asdict(self.config.augment)
        augment = ImageClsAugment(**(options | {"crop": tuple(options["crop"])}))
        return ImageClsDataset(samples, self.processor, augment, cache_mb * 2**20)

    def collate(self, samples: list[dict[str, Any]]) -> Batch:
        """Training images as float32 arrays, with the share of each class in them."""
        return collate(samples, self.processor)

    def collate_eval(self, samples: list[dict[str, Any]]) -> Batch:
        """Images of one size."""
        return collate_eval(samples)

    def train_mode(self) -> None:
        """Training behaviour, batch statistics frozen where the config says so."""
        self.network.train()
        if self.config.freeze_norm:
            for layer in self.network.sublayers():
                if isinstance(layer, paddle.nn.BatchNorm2D):
                    layer.eval()

    def eval_mode(self) -> None:
        """Inference behaviour."""
        self.network.eval()

    def forward(self, batch: Batch) -> paddle.Tensor:
        """Logits, (N, classes)."""
        return self.network(batch["x"])

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``."""
        config = self.config
        return classification_loss(
            outputs.astype("float32"), batch["target"], config.label_smoothing, config.weight_of_class
        )

    def outputs_to_numpy(self, outputs: paddle.Tensor) -> list[np.ndarray]:
        """Per image the probabilities, (classes,) float32."""
        return list(F.softmax(outputs.astype("float32"), axis=-1).numpy())

    def new_metric(self) -> ImageClsMetric:
        """An empty metric."""
        return ImageClsMetric()

    def calibrate(self, outputs: list[np.ndarray], samples: list[dict[str, Any]]) -> ImageClsProcessor:
        """The processor with the temperature chosen on held-out images."""
        temperature = fit_temperature(outputs, [sample["labels"] for sample in samples])
        return dataclasses.replace(self.processor, temperature=temperature)

    def details(self, val: Dataset, evaluation: Evaluation) -> dict[str, str]:
        """Files about an evaluation, content by name: figures per class, and the confusion matrix."""
        assert isinstance(val, ImageClsDataset)
        true = [val.samples[score.index].labels for score in evaluation.samples]
        predicted = [int(score.prediction.classes[0]) for score in evaluation.samples]
        return class_files(true, predicted, self.processor.labels)

    def export_network(self) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The network with softmax."""
        network = self._new_network()
        network.set_state_dict(self.network.state_dict())
        network.eval()
        # The graph keeps the tensors' names, and with the network's own an exported folder can be trained on.
        for name, tensor in network.state_dict().items():
            tensor.name = name
        width, height = self.processor.size
        return _Probabilities(network), [InputSpec([None, 3, height, width], "float32", name="x")]

    def overlay(self, image: np.ndarray, prediction: ImageClsPrediction, sample: dict[str, Any] | None) -> np.ndarray:
        """The image with its likeliest classes under it, (h, w, 3) uint8 BGR."""
        return draw_overlay(image, prediction, sample["labels"] if sample else None)


class _Probabilities(paddle.nn.Layer):
    def __init__(self, network: paddle.nn.Layer) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.softmax(self.network(x), axis=-1)


def build(config: ImageClsConfig, is_fine_tuning: bool) -> ImageCls:
    """The module for `config`, whose classes were found."""
    return ImageCls(config, is_fine_tuning)


def build_processor(config: ImageClsConfig) -> ImageClsProcessor:
    """The processing that `config` asks for, before any calibration."""
    width, height = config.size
    return ImageClsProcessor(
        labels=tuple(config.classes or ()),
        resize_short=config.resize_short,
        size=(width, height),
        interpolation=config.interpolation,
        mean=tuple(config.mean),
        std=tuple(config.std),
    )
