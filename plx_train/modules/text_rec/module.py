"""Text recognition: wires network, data, loss, processing and metric for the core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
from paddle.nn import functional as F

from plx_train.contract.module import State
from plx_train.contract.sample import Batch, Sample
from plx_train.ground.errors import ConfigError
from plx_train.modules.text_rec.augment import ChangedCrops
from plx_train.modules.text_rec.config import NO_GUIDE, TextRecConfig
from plx_train.modules.text_rec.data import collate
from plx_train.modules.text_rec.labels import LineLabel
from plx_train.modules.text_rec.loss import guided_loss
from plx_train.modules.text_rec.metric import TextRecMetric
from plx_train.modules.text_rec.network import GuideShape, TextRecNetwork
from plx_train.modules.text_rec.processor import HEIGHT, TextRecProcessor
from plx_train.modules.text_rec.rehead import rehead
from plx_train.nn.losses import ctc_loss
from plx_train.vision.module import ImageModule, exported
from plx_train.vision.samples import ImageDataset, pad_eval

if TYPE_CHECKING:
    from paddle.static import InputSpec

    from plx_train.weights.fetch import WeightsSource


class TextRec(ImageModule[TextRecProcessor]):
    """The room's trainable side; single-branch when fine-tuning, unless its options say otherwise."""

    name = "text_rec"
    monitor = "accuracy"
    sample_value = "similarity"
    overlay_legend = (
        "under each crop first what was read (red: wrong), then the label (orange: missed); ␣ stands for a space"
    )
    optional_weights = (r"^head\.(before_gtc|gtc_head)\.",)
    """Absent from exported weights by design: the guide is of use in training alone."""

    def __init__(self, options: TextRecConfig, processor: TextRecProcessor, is_fine_tuning: bool) -> None:
        self.options = options
        self.processor = processor
        self.is_fine_tuning = is_fine_tuning
        self.freezes_norm = is_fine_tuning if options.freeze_norm is None else options.freeze_norm
        self.has_guide = options.guide != NO_GUIDE
        self.is_guide_alone = not is_fine_tuning if options.guide_alone is None else options.guide_alone
        guide = GuideShape(options.guide_channels, options.guide_depth) if self.has_guide else None
        self.network = self._new_network(is_fine_tuning if options.merged is None else options.merged, guide)

    def _new_network(self, merged: bool, guide: GuideShape | None = None) -> TextRecNetwork:
        options = self.options
        return TextRecNetwork(
            self.processor.num_classes, options.scale, options.neck_channels, options.neck_depth, merged, guide
        )

    def adapt_weights(self, state: State, source: WeightsSource) -> tuple[State, str | None]:
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
                f"module.guide={self.options.guide} teaches the backbone alone, which optimizer.freeze leaves as it is:"
                " set optimizer.freeze=[], or module.guide=none"
            )

    def dataset(self, samples: Sequence[LineLabel], split: str, cache_mb: int) -> ImageDataset[LineLabel]:
        """Crops of one split; ``train`` gives changed ones, the others plain ones."""
        if split != "train":
            return ImageDataset(samples, self.processor)
        change = ChangedCrops(self.options.augment, self.processor)
        return ImageDataset(samples, self.processor, change, cache_mb * 2**20, self.processor.group)

    def collate(self, samples: list[Sample]) -> Batch:
        """Training crops as float32 arrays, with the classes of their texts, and for a guide their tokens."""
        return collate(samples, self.processor, self.options.guide_max_length if self.has_guide else None)

    def collate_eval(self, samples: list[Sample]) -> Batch:
        """Crops padded to the widest."""
        return pad_eval(samples)

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

    def target(self, truth: str, shape: tuple[int, int]) -> list[int]:
        """Classes of the text's characters."""
        return self.processor.encode(truth)

    def outputs_to_numpy(self, outputs: paddle.Tensor) -> list[np.ndarray]:
        """Probabilities per crop, (T, classes) float32."""
        return list(F.softmax(outputs.astype("float32"), axis=-1).numpy())

    def new_metric(self) -> TextRecMetric:
        """An empty metric."""
        return TextRecMetric()

    def export_network(self, processor: TextRecProcessor) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The merged network that gives probabilities."""
        network = self._new_network(self.network.merged)
        trained = self.network.state_dict()
        network.set_state_dict({name: trained[name] for name in network.state_dict()})
        if not network.merged:
            network.merge()
        return exported(network, F.softmax, HEIGHT, None)
