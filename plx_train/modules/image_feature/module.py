"""Image features: wires network, data, loss, processing and metric for the core."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import paddle

from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import State
from plx_train.contract.sample import Batch, Sample
from plx_train.metrics.pairs import PairMetric, best_pair_threshold
from plx_train.metrics.retrieval import RetrievalMetric, best_threshold
from plx_train.modules.image_feature.config import ImageFeatureConfig
from plx_train.modules.image_feature.labels import class_number
from plx_train.modules.image_feature.processor import ImageFeatureProcessor
from plx_train.nn.classifiers import HEADS
from plx_train.nn.feature_losses import arc_face, contrast, triplet
from plx_train.nn.feature_network import FeatureNetwork, unit
from plx_train.nn.torch_names import from_torch
from plx_train.vision.heads import classes_of, rehead
from plx_train.vision.module import ImageModule, exported
from plx_train.vision.paired_views import PairedViews
from plx_train.vision.samples import ImageDataset, planes
from plx_train.vision.things import ThingImage
from plx_train.vision.views import Views

if TYPE_CHECKING:
    from paddle.static import InputSpec

    from plx_train.weights.fetch import WeightsSource

FEW_LABELLED = 200
"""Labelled images below which batch norms keep the statistics of the weights, unless options say otherwise."""
PAIRED = ("contrast", "triplet")
"""Losses that compare two images of a class."""
BACKBONE, HEAD = "backbone.", "head.weight"
HEAD_ONLY = re.compile("^head\\.weight$")


class ImageFeature(ImageModule[ImageFeatureProcessor]):
    """The room's trainable side."""

    name, monitor = "image_feature", "recall1"
    sample_value = "cosine of the nearest image of its class less that of others"
    overlay_legend = "under each image its class"
    eval_batch_size = 16

    def __init__(self, options: ImageFeatureConfig, processor: ImageFeatureProcessor, is_fine_tuning: bool) -> None:
        self.options, self.processor, self.is_fine_tuning = options, processor, is_fine_tuning
        self.has_calibration = options.calibrate
        self.freezes_norm = bool(options.freeze_norm)
        if options.pairs:
            self.monitor, self.sample_value = "accuracy", "how far its worst pair is on the right side of the threshold"
        self.network = self._new_network(0 if options.loss in PAIRED else len(processor.labels))

    def _new_network(self, num_classes: int) -> FeatureNetwork:
        options = self.options
        return FeatureNetwork(options.network, options.dimensions, num_classes, options.stem_stride, options.dropout)

    def expect(self, num_labelled: int) -> None:
        """Keeps the statistics of the weights where few labelled images would make them their own."""
        if self.options.freeze_norm is None:
            self.freezes_norm = self.is_fine_tuning and num_labelled < FEW_LABELLED

    def adapt_weights(self, state: State, source: WeightsSource) -> tuple[State, str | None]:
        """`state` with a head for this run's classes, and what was kept, in words; a classifier's as the backbone."""
        own = self.network.state_dict()
        if not any(name.startswith(BACKBONE) for name in state):
            # Of a classifier, what tells its classes is no feature.
            state = {f"{BACKBONE}{name}": array for name, array in from_torch(state).items() if not HEADS.match(name)}
        new = {name: own[name].numpy() for name in own if _is_head(name) and name not in state}
        state = new | {name: array for name, array in state.items() if name in own or not _is_head(name)}
        known = classes_of(source.path) if HEAD not in new else None
        return rehead(state, known, self.processor.labels, own, HEAD_ONLY) if known else (state, None)

    def dataset(self, samples: Sequence[ThingImage], split: str, cache_mb: int) -> ImageDataset[ThingImage]:
        """Images of one split; ``train`` gives changed ones, in pairs where a loss compares them."""
        if split != "train":
            return ImageDataset(samples, self.processor)
        views = Views(self.options.augment, self.processor, class_number)
        is_paired = self.options.loss in PAIRED
        change = PairedViews.of(views, [sample.truth.number for sample in samples]) if is_paired else views
        return ImageDataset(samples, self.processor, change, cache_mb * 2**20)

    def collate(self, samples: list[Sample]) -> Batch:
        """Training images as float32 arrays, both of a pair one after the other, with the numbers of their classes."""
        views = [sample.x if isinstance(sample.x, list) else [sample.x] for sample in samples]
        return {
            "x": planes([view for some in views for view in some], self.processor.normalise),
            "target": np.repeat(np.stack([sample.truth for sample in samples]), len(views[0])),
            "names": [sample.name for sample in samples],
        }

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``."""
        features, classes, options = outputs.astype("float32"), batch["target"], self.options
        if options.loss in PAIRED:
            near = unit(features)
            if options.loss == "contrast":
                return {"loss": contrast(near @ near.T, classes, options.scale)}
            return {"loss": triplet(near, classes, options.margin, options.mining)}
        margin = options.margin if options.loss == "arcface" else 0.0
        return {"loss": arc_face(self.network.cosines(features), classes, margin, options.scale)}

    def features(self, batch: Batch) -> list[np.ndarray]:
        """The features, of length 1."""
        with paddle.no_grad():
            return [np.stack(self.outputs_to_numpy(self.network(paddle.to_tensor(batch["x"]))))]

    def outputs_to_numpy(self, outputs: paddle.Tensor) -> list[np.ndarray]:
        """Features per image, float32 (dimensions,), of length 1."""
        return list(unit(outputs.astype("float32")).numpy())

    def new_metric(self) -> RetrievalMetric | PairMetric:
        """An empty metric."""
        return PairMetric() if self.options.pairs else RetrievalMetric()

    def export_network(self, processor: ImageFeatureProcessor) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The network without its head; features are of length 1."""
        network = self._new_network(0)
        network.set_state_dict({name: each for name, each in self.network.state_dict().items() if name != HEAD})
        width, height = self.processor.size
        return exported(network, unit, height, width)

    def calibrate(self, outputs: list[np.ndarray], samples: list[Sample]) -> ImageFeatureProcessor:
        """The processor with the threshold that tells held-out images of known classes from others best."""
        classes, choose = [sample.truth.number for sample in samples], best_threshold
        if self.options.pairs:
            choose = best_pair_threshold
        return replace(self.processor, threshold=choose(np.stack(outputs), classes, self.processor.threshold))

    def details(self, val: Dataset, evaluation: Evaluation) -> dict[str, str]:
        """``queries.csv``: the nearest known image of each query; or ``pairs.csv``: the cosine of each pair."""
        assert isinstance(val, ImageDataset)
        metric = self.new_metric()
        for score in evaluation.samples:
            metric.add(score.prediction, val.samples[score.index].truth)
        return metric.table([val.samples[score.index].image.name for score in evaluation.samples])


def _is_head(name: str) -> bool:
    """Whether a tensor is of the head, or of what gives the feature."""
    return name == HEAD or bool(HEADS.match(name.removeprefix(BACKBONE)))
