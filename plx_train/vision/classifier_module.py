"""The trainable side of what sees an image as a whole and scores classes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle

from plx_train.contract.module import State
from plx_train.contract.sample import Batch, Sample
from plx_train.nn.classifiers import HEADS, build_classifier, head_of
from plx_train.nn.torch_names import from_torch
from plx_train.vision.classifier import ProcessorC
from plx_train.vision.classifier_options import ClassifierOptions
from plx_train.vision.heads import classes_of, rehead
from plx_train.vision.module import ImageModule, exported
from plx_train.vision.samples import ImageDataset, LabelledImage, planes
from plx_train.vision.strong import Strength
from plx_train.vision.views import Views

if TYPE_CHECKING:
    from paddle.static import InputSpec

    from plx_train.weights.fetch import WeightsSource


class ClassifierModule(ImageModule[ProcessorC]):
    """A network that gives a logit per class of an image, with its data.

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
        self.network = self._new_network()
        self._target = target

    def _new_network(self) -> paddle.nn.Layer:
        options = self.options
        return build_classifier(options.network, len(self.processor.labels), options.stem_stride, options.dropout)

    @abstractmethod
    def scores(self, logits: paddle.Tensor) -> paddle.Tensor:
        """Probabilities of logits, (N, classes)."""

    def adapt_weights(self, state: State, source: WeightsSource) -> tuple[State, str | None]:
        """`state` with the classifier of this run's classes, and what was kept, in words."""
        known = classes_of(source.path)
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

    def features(self, batch: Batch) -> np.ndarray:
        """What goes into the classifier, float32 (N, channels)."""
        caught: list[paddle.Tensor] = []
        _, head = head_of(self.network)
        hook = head.register_forward_pre_hook(lambda layer, inputs: caught.append(inputs[0]))
        try:
            with paddle.no_grad():
                self.network(paddle.to_tensor(batch["x"]))
        finally:
            hook.remove()
        return np.asarray(caught[0].flatten(1).astype("float32").numpy())

    def outputs_to_numpy(self, outputs: paddle.Tensor) -> list[np.ndarray]:
        """Probabilities per image, (classes,) float32."""
        return list(self.scores(outputs.astype("float32")).numpy())

    def export_network(self, processor: ProcessorC) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The network with what makes scores of its logits."""
        network = self._new_network()
        network.set_state_dict(self.network.state_dict())
        width, height = self.processor.size
        return exported(network, self.exported_scores(processor), height, width)

    def exported_scores(self, processor: ProcessorC) -> Callable[[paddle.Tensor], paddle.Tensor]:
        """What the graph does to logits; `scores` where post-processing does all else."""
        return self.scores
