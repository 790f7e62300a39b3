"""Text detection: wires network, data, loss, processing and metric for the core."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import paddle

from plx_train.contract.sample import Batch, Sample
from plx_train.contract.truth import Outline
from plx_train.modules.text_det.augment import TextDetAugment
from plx_train.modules.text_det.calibrate import calibrate
from plx_train.modules.text_det.config import TextDetConfig
from plx_train.modules.text_det.data import Crops
from plx_train.modules.text_det.labels import PageLabel
from plx_train.modules.text_det.loss import TextDetLoss
from plx_train.modules.text_det.metric import TextDetMetric
from plx_train.modules.text_det.network import TextDetNetwork
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.modules.text_det.targets import TextDetTargets
from plx_train.nn.losses import weighed
from plx_train.vision.module import ImageModule, exported
from plx_train.vision.samples import ImageDataset, planes

if TYPE_CHECKING:
    from paddle.static import InputSpec


class TextDet(ImageModule[TextDetProcessor]):
    """The room's trainable side; single-branch when fine-tuning, unless its options say otherwise."""

    name = "text_det"
    monitor = "hmean"
    overlay_legend = "green: found; red: found where there is nothing; orange: missed"
    optional_weights = (r"^head\.thresh\.",)
    """Absent from exported weights by design: inference has no threshold branch."""
    has_calibration = True

    def __init__(self, options: TextDetConfig, processor: TextDetProcessor, is_fine_tuning: bool) -> None:
        self.options, self.processor, self.is_fine_tuning = options, processor, is_fine_tuning
        self.freezes_norm = is_fine_tuning if options.freeze_norm is None else options.freeze_norm
        self.network = self._new_network(is_fine_tuning if options.merged is None else options.merged)
        self.network.with_threshold = options.loss.threshold_weight > 0
        self.criterion = TextDetLoss(**dataclasses.asdict(options.loss))

    def _new_network(self, merged: bool) -> TextDetNetwork:
        return TextDetNetwork(self.options.scale, self.options.neck_channels, merged=merged)

    def dataset(self, samples: Sequence[PageLabel], split: str, cache_mb: int) -> ImageDataset[PageLabel]:
        """Pages of one split; ``train`` gives augmented crops, the others whole pages."""
        if split != "train":
            return ImageDataset(samples, self.processor)
        height, width = self.options.crop_size
        change = Crops(TextDetAugment(self.options.augment, (height, width)), self.processor, self._targets())
        return ImageDataset(samples, self.processor, change, cache_mb * 2**20)

    def _targets(self) -> TextDetTargets:
        return TextDetTargets(self.options.shrink_ratio, self.options.min_text_size, self.network.with_threshold)

    def target(self, truth: tuple[Outline, ...], shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """The maps of a crop in which outlines were found."""
        ignored = np.asarray([each.is_ignored for each in truth], bool)
        return self._targets().make([np.asarray(each.points, np.float32) for each in truth], ignored, shape)

    def collate(self, samples: list[Sample]) -> Batch:
        """Training crops as float32 (N, 3, S, S), with their maps, float32 (N, S, S)."""
        return {
            "x": planes([sample.x for sample in samples], self.processor.normalise),
            "names": [sample.name for sample in samples],
            **{
                name: np.stack([sample.truth[name] for sample in samples], dtype=np.float32)
                for name in samples[0].truth
            },
        }

    def forward(self, batch: Batch) -> paddle.Tensor:
        """Probability maps, (N, 1 or 3, H, W)."""
        return self.network(batch["x"])["maps"]

    def loss(self, outputs: paddle.Tensor, batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalars ``loss`` and its parts."""
        return self.criterion(outputs.astype("float32"), weighed(batch, ("shrink_mask", "threshold_mask")))

    def outputs_to_numpy(self, outputs: paddle.Tensor) -> list[np.ndarray]:
        """Text probability per page, (H, W) float32."""
        return list(outputs[:, 0].astype("float32").numpy())

    def new_metric(self) -> TextDetMetric:
        """An empty metric."""
        return TextDetMetric()

    def calibrate(self, outputs: list[np.ndarray], samples: list[Sample]) -> TextDetProcessor:
        """The processor with thresholds and unclip ratio chosen on held-out pages."""
        if not self.options.calibrate:
            return self.processor
        shapes = [sample.context for sample in samples]
        return calibrate(outputs, shapes, [sample.truth for sample in samples], self.processor).processor

    def export_network(self, processor: TextDetProcessor) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The merged network that gives the probability map alone."""
        network = self._new_network(self.network.merged)
        network.set_state_dict(self.network.state_dict())
        if not network.merged:
            network.merge()
        return exported(network, lambda outputs: outputs["maps"], None, None)
