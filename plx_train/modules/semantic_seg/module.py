"""Semantic segmentation: wires network, data, loss, processing and metric for the core."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
from paddle.nn import functional as F

from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import State
from plx_train.contract.sample import Batch, Sample
from plx_train.contract.truth import Outline
from plx_train.metrics.segmentation import SegmentationMetric, pixel_counts, segment_files
from plx_train.modules.semantic_seg.config import SemanticSegConfig
from plx_train.modules.semantic_seg.processor import SemanticSegProcessor
from plx_train.nn.segmentation.losses import LossParts, segmentation_loss
from plx_train.nn.segmentation.networks import build_segmenter, class_tensors, own_names
from plx_train.vision.box_heads import rehead
from plx_train.vision.heads import classes_of
from plx_train.vision.labels.masks import Mask, MaskedImage
from plx_train.vision.mask_views import MaskViews
from plx_train.vision.masks import UNCOUNTED
from plx_train.vision.module import ImageModule, exported
from plx_train.vision.samples import ImageDataset, planes
from plx_train.vision.tiled_processor import as_batch, few_at_a_time, images_in

if TYPE_CHECKING:
    from paddle.static import InputSpec

    from plx_train.weights.fetch import WeightsSource


class SemanticSeg(ImageModule[SemanticSegProcessor]):
    """The room's trainable side."""

    name, monitor, sample_value = "semantic_seg", "mIoU", "mean intersection over union"
    overlay_legend = "classes in their colours; red: wrong"
    frozen_part = "backbone."
    optional_weights = (r"^(?!backbone\.)",)
    has_official = False

    def __init__(self, options: SemanticSegConfig, processor: SemanticSegProcessor, is_fine_tuning: bool) -> None:
        self.options, self.processor, self.is_fine_tuning = options, processor, is_fine_tuning
        self.freezes_norm = options.freeze_norm
        self.network = build_segmenter(options.network, len(processor.labels))
        given = options.loss
        self._parts = LossParts(given.hard, given.kept, given.dice, given.lovasz, given.boundary, given.auxiliary)

    def adapt_weights(self, state: State, source: WeightsSource) -> tuple[State, str | None]:
        """`state` under the network's names, with rows for this run's classes, and what was kept of them in words."""
        state = own_names(state, self.network)
        known = source.classes or classes_of(source.path) or ()
        target = class_tensors(self.network)
        if not target.keys() & state.keys():
            return state, "the backbone alone"
        return rehead(state, known, self.processor.labels, target)

    def dataset(self, samples: Sequence[MaskedImage], split: str, cache_mb: int) -> ImageDataset[MaskedImage]:
        """Images of one split; ``train`` gives changed ones, the others plain ones."""
        if split != "train":
            return ImageDataset(samples, self.processor)
        change = MaskViews(self.options.augment, self.processor.size, self.processor.tile is None)
        return ImageDataset(samples, self.processor, change, cache_mb * 2**20)

    def target(self, truth: Sequence[Outline], shape: tuple[int, int]) -> np.ndarray:
        """Numbers of classes uint8 (h, w) of what is marked pixel by pixel."""
        numbers = [UNCOUNTED if each.is_ignored else self.processor.labels.index(each.label) for each in truth]
        marked = ((number, each.runs) for number, each in zip(numbers, truth, strict=True) if each.runs is not None)
        return Mask(outlines=tuple(marked)).of(shape)

    def collate(self, samples: list[Sample]) -> Batch:
        """Training images as float32 (N, 3, h, w), the classes of their pixels as int64 (N, h, w)."""
        return {
            "x": planes([sample.x for sample in samples], self.processor.normalise),
            "target": np.stack([sample.truth for sample in samples]).astype(np.int64),
            "names": [sample.name for sample in samples],
        }

    def collate_eval(self, samples: list[Sample]) -> Batch:
        """What the graph takes; of an image in windows that of all of them."""
        inputs = zip(*(as_batch(sample.x) for sample in samples), strict=True)
        return {"x": tuple(map(np.concatenate, inputs)), "names": [sample.name for sample in samples]}

    def forward(self, batch: Batch) -> Any:
        """Maps of logits, in training; else classes and how far they are ahead, of a few images and the next few."""
        x = batch["x"]
        if not isinstance(x, tuple):
            return self.network(x)
        return [_decided(self.network(x[0][place])[0]) for place in few_at_a_time(tuple(images_in(x).shape))]

    def loss(self, outputs: Any, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalars ``loss`` and its parts."""
        return segmentation_loss(outputs, batch["target"], self._parts, batch.get("weight"))

    def outputs_to_numpy(self, outputs: Any) -> list[np.ndarray]:
        """The class of each pixel and how far it is ahead, float32 (2, h, w) of each image; see the processor."""
        return self.processor.outputs_of(list(chain.from_iterable(each.numpy() for each in outputs)))

    def new_metric(self) -> SegmentationMetric:
        """An empty metric."""
        return SegmentationMetric(len(self.processor.labels))

    def details(self, val: Dataset, evaluation: Evaluation) -> dict[str, str]:
        """Figures of each class, and what was taken for what."""
        assert isinstance(val, ImageDataset)
        labels, counts = self.processor.labels, np.zeros((len(self.processor.labels),) * 2, np.int64)
        for score in evaluation.samples:
            found = score.prediction.classes
            counts += pixel_counts(val.samples[score.index].truth.of(found.shape), found, len(labels))
        return segment_files(counts, labels)

    def export_network(self, processor: SemanticSegProcessor) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The network with the choice of the likeliest class, int32 (N, h, w); of windows at any size."""
        network = build_segmenter(self.options.network, len(processor.labels))
        network.set_state_dict(self.network.state_dict())
        width, height = processor.size if processor.tile is None else (None, None)
        return exported(network, _likeliest, height, width)


def _likeliest(maps: list[paddle.Tensor]) -> paddle.Tensor:
    return paddle.argmax(maps[0], axis=1).astype("int32")


def _decided(logits: paddle.Tensor) -> paddle.Tensor:
    """The likeliest class of each pixel, and by how much its probability is above the next one's, (N, 2, H, W)."""
    probabilities = F.softmax(logits.astype("float32"), axis=1)
    classes = paddle.argmax(logits, axis=1, keepdim=True)
    numbers = paddle.arange(logits.shape[1], dtype=classes.dtype).reshape([1, -1, 1, 1])
    others = paddle.where(numbers == classes, paddle.full([1], -1.0), probabilities)
    ahead = probabilities.max(axis=1, keepdim=True) - others.max(axis=1, keepdim=True).clip(min=0)
    return paddle.concat([classes.astype("float32"), ahead], axis=1)
