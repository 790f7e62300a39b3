"""The trainable side of what sees an image as a whole and scores classes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle

from plx_train.contract.module import State
from plx_train.contract.sample import Batch, Sample
from plx_train.ground.errors import DataError
from plx_train.nn.classifiers import HEADS, build_classifier, head_of
from plx_train.nn.depths import deep_convolutions, seen_at
from plx_train.nn.rows import row_by_row
from plx_train.nn.torch_names import from_torch
from plx_train.vision.classifier import ProcessorC
from plx_train.vision.classifier_options import ClassifierOptions
from plx_train.vision.first_head import MOST_IMAGES, Head, set_head
from plx_train.vision.heads import classes_of, rehead
from plx_train.vision.module import ImageModule, exported
from plx_train.vision.samples import ImageDataset, LabelledImage, planes
from plx_train.vision.strong import Strength
from plx_train.vision.views import Views

if TYPE_CHECKING:
    from paddle.static import InputSpec

    from plx_train.weights.fetch import WeightsSource

EVALUATED_TOGETHER, EVALUATED_PIXELS = 16, 16 * 256**2
"""Images that are evaluated in one go, and pixels of them, at most."""


class ClassifierModule(ImageModule[ProcessorC]):
    """A network that gives a logit per class of an image, with its data.

    Attributes:
        has_first_head: its classifier began with what a logistic regression found.

    Args:
        target: makes of a sample's truth what is learned, float32 (classes,); picklable.
    """

    def __init__(
        self,
        options: ClassifierOptions,
        processor: ProcessorC,
        is_fine_tuning: bool,
        target: Callable[[Any], np.ndarray],
    ) -> None:
        self.options = options
        self.processor = processor
        self.is_fine_tuning = is_fine_tuning
        self.has_calibration = options.calibrate
        self.freezes_norm = bool(options.freeze_norm)
        self.strength = Strength(turns=True)
        self._knows_classes = False
        self.has_first_head = False
        width, height = processor.size
        self.eval_batch_size = max(1, min(EVALUATED_TOGETHER, EVALUATED_PIXELS // (width * height)))
        self.network = self._new_network()
        self._target = target

    def _new_network(self) -> paddle.nn.Layer:
        options = self.options
        return build_classifier(options.network, len(self.processor.labels), options.stem_stride, options.dropout)

    def begin(self, train: Sequence[LabelledImage[Any]]) -> str | None:
        """Gives a classifier of which the weights know no class what a logistic regression on their features finds."""
        if not (self.options.first_head and self.is_fine_tuning) or self._knows_classes:
            return None
        seen, truths = self._seen(train)
        head = self.first_head(seen, truths) if truths else None
        if head is None:
            return None
        set_head(head_of(self.network)[1], head)
        self.has_first_head = True
        return f"classifier: begins with a logistic regression on what the weights see in {len(truths)} images"

    @abstractmethod
    def first_head(self, seen: np.ndarray, truths: list[Any]) -> Head | None:
        """A classifier for features (N, channels) of samples with these truths; None where they say too little."""

    def _seen(self, samples: Sequence[LabelledImage[Any]]) -> tuple[np.ndarray, list[Any]]:
        """Features (N, channels) of images drawn from `samples`, those that can be read, and their truths."""
        order = np.random.default_rng(0).permutation(len(samples))[:MOST_IMAGES]
        dataset, unused = self.dataset([samples[place] for place in order], "val", 0), np.random.default_rng(0)
        self.eval_mode()
        features, truths = [np.zeros((0, 0), np.float32)], list[Any]()
        for first in range(0, len(dataset), self.eval_batch_size):
            read = list[Sample]()
            for index in range(first, min(first + self.eval_batch_size, len(dataset))):
                # The loop says what can't be read, or ends for it, as options ask.
                with suppress(DataError):
                    read.append(dataset.get(index, unused))
            if read:
                features.append(self.features(self.collate_eval(read))[-1])
                truths += [sample.truth for sample in read]
        return np.concatenate(features[1:] or features), truths

    @abstractmethod
    def scores(self, logits: paddle.Tensor) -> paddle.Tensor:
        """Probabilities of logits, (N, classes)."""

    def adapt_weights(self, state: State, source: WeightsSource) -> tuple[State, str | None]:
        """`state` with the classifier of this run's classes, and what was kept, in words."""
        known = classes_of(source.path)
        self._knows_classes = bool({*(known or ())} & {*self.processor.labels})
        return rehead(from_torch(state), known, self.processor.labels, self.network.state_dict(), HEADS)

    def weights_as_they_are(self, state: State, source: WeightsSource) -> tuple[State, str | None]:
        """`state` as it is, save where it says that its classes are others."""
        known = classes_of(source.path)
        is_alike = known is None or known == self.processor.labels
        return (from_torch(state), None) if is_alike else self.adapt_weights(state, source)

    def dataset(
        self, samples: Sequence[LabelledImage[Any]], split: str, cache_mb: int
    ) -> ImageDataset[LabelledImage[Any]]:
        """Images of one split; ``train`` gives changed ones, the others plain ones."""
        if split != "train":
            return ImageDataset(samples, self.processor)
        change = Views(self.options.augment, self.processor, self._target)
        return ImageDataset(samples, self.processor, change, cache_mb * 2**20)

    def collate(self, samples: list[Sample]) -> Batch:
        """Training images as float32 arrays, with their targets."""
        return {
            "x": planes([sample.x for sample in samples], self.processor.normalise),
            "target": np.stack([sample.truth for sample in samples]),
            "names": [sample.name for sample in samples],
        }

    def features(self, batch: Batch) -> list[np.ndarray]:
        """The means of maps at several depths, and what goes into the classifier, float32 (N, channels) of each."""
        return seen_at(self.network, [*deep_convolutions(self.network), head_of(self.network)[1]], batch["x"])

    def outputs_to_numpy(self, outputs: paddle.Tensor) -> list[np.ndarray]:
        """Probabilities per image, (classes,) float32."""
        return list(row_by_row(self.scores, outputs.astype("float32")).numpy())

    def export_network(self, processor: ProcessorC) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The network with what makes scores of its logits."""
        network = self._new_network()
        network.set_state_dict(self.network.state_dict())
        width, height = self.processor.size
        return exported(network, self.exported_scores(processor), height, width)

    def exported_scores(self, processor: ProcessorC) -> Callable[[paddle.Tensor], paddle.Tensor]:
        """What the graph does to logits; `scores` where post-processing does all else."""
        return self.scores
