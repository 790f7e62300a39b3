"""Anomaly detection in images: wires network, data, fit, processing, threshold and metric for the core."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import paddle

from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import Members, State
from plx_train.contract.sample import Batch, Sample
from plx_train.metrics.defect_thresholds import choose_threshold
from plx_train.metrics.defects import DefectMetric
from plx_train.metrics.thresholds import MIN_OF_A_KIND
from plx_train.modules.image_anomaly.config import ImageAnomalyConfig
from plx_train.modules.image_anomaly.processor import PADDLEX_THRESHOLD, ImageAnomalyProcessor, score_of
from plx_train.nn.anomaly.fits import fit_gaussians, fit_memory, fit_whole
from plx_train.nn.anomaly.names import PATCH_CORE, STFPM
from plx_train.nn.anomaly.padim import PaDiM
from plx_train.nn.anomaly.patch_core import PatchCore
from plx_train.nn.anomaly.stfpm import STFPM as Student
from plx_train.nn.detection.backbones import of_backbone
from plx_train.vision.defects import DefectImage
from plx_train.vision.module import ImageModule, exported
from plx_train.vision.samples import ImageDataset, stack_eval

if TYPE_CHECKING:
    from paddle.static import InputSpec

    from plx_train.weights.fetch import WeightsSource

BATCH = 8
"""Images that go through the network together where nothing is trained."""
MOST = 50
"""Images that a spread is told by, where too few are held out."""
MADE = ("enlarge.", "join.")
"""How names of tensors begin that follow from the size alone."""
BACKBONE = "backbone."


class ImageAnomaly(ImageModule[ImageAnomalyProcessor]):
    """The room's trainable side.

    Args:
        is_planted: defects of validation were planted.
    """

    name, monitor = "image_anomaly", "image_auroc"
    sample_value = "how clearly it is told right; 0.5: at the threshold"
    overlay_legend = "red: found, green: true defects; the heat map's middle colour is the threshold"
    has_official = False
    has_calibration = True
    freezes_norm, frozen_part = True, BACKBONE
    eval_batch_size = BATCH

    def __init__(
        self, options: ImageAnomalyConfig, processor: ImageAnomalyProcessor, is_planted: bool, is_fine_tuning: bool
    ) -> None:
        self.options, self.processor, self.is_fine_tuning = options, processor, is_fine_tuning
        self.has_fit = options.network != STFPM
        self._is_planted = is_planted
        self.network = self._new_network()
        known = self.network.state_dict()
        self.optional_weights = [f"^{name}$" for name in known if not name.startswith(BACKBONE)]

    def _new_network(self) -> paddle.nn.Layer:
        options, (width, height) = self.options, self.processor.size
        if options.network == STFPM:
            return Student(options.backbone, (height, width), options.blur)
        kind, number = (PatchCore, options.memory) if options.network == PATCH_CORE else (PaDiM, options.channels)
        return kind(options.backbone, (height, width), options.strides, options.blur, number)

    def adapt_weights(self, state: State, source: WeightsSource) -> tuple[State, str | None]:
        """The backbone's weights of a classifier; of a run of this room all that it has learned."""
        found = of_backbone(state, self.network.backbone)
        return {name: array for name, array in found.items() if not name.startswith(MADE)}, None

    def dataset(self, samples: Sequence[DefectImage], split: str, cache_mb: int) -> ImageDataset[DefectImage]:
        """Images of one split; of ``train`` the good ones alone."""
        if split == "train":
            samples = [sample for sample in samples if sample.truth.is_good] or samples
        return ImageDataset(samples, self.processor, None, cache_mb * 2**20 if split == "train" else 0)

    def collate(self, samples: list[Sample]) -> Batch:
        """Training images, as they are evaluated."""
        return stack_eval(samples)

    def loss(self, outputs: list[paddle.Tensor], batch: Batch) -> dict[str, paddle.Tensor]:
        """Scalar ``loss``: the student's differences, of all strides alike."""
        return {"loss": sum(level.mean() for level in outputs)}

    def outputs_to_numpy(self, outputs: paddle.Tensor) -> list[np.ndarray]:
        """Scores per image, float32 (h, w)."""
        return list(outputs.astype("float32").numpy()[:, 0])

    def new_metric(self) -> DefectMetric:
        """An empty metric."""
        return DefectMetric()

    def export_network(self, processor: ImageAnomalyProcessor) -> tuple[paddle.nn.Layer, list[InputSpec]]:
        """The network with what scales its scores to PaddleX's threshold."""
        network = self._new_network()
        network.set_state_dict(self.network.state_dict())
        factor, (width, height) = PADDLEX_THRESHOLD / processor.threshold, processor.size
        return exported(network, lambda scores: scores * factor, height, width)

    def fit(self, train: Dataset, holdout: Dataset, members: Members) -> None:
        """Fits memory or Gaussians to good images."""
        assert isinstance(train, ImageDataset) and isinstance(holdout, ImageDataset)
        self.network.eval()
        good = [place for place, sample in enumerate(holdout.samples) if sample.truth.is_good]
        images, number = _batches(train, range(len(train))), len(train)
        if isinstance(self.network, PatchCore):
            means = fit_memory(self.network, images, number, self.options.candidates, self.progress)
        else:
            means = fit_gaussians(self.network, images, number, self.progress)
        # The scores of what was learned are too low, but those of a few others say nothing at all.
        are_few = len(good) < MIN_OF_A_KIND
        known = _batches(train, range(min(MOST, number))) if are_few else _batches(holdout, good)
        if self.options.whole:
            fit_whole(self.network, means, known, are_few)

    def calibrate(self, outputs: list[np.ndarray], samples: list[Sample]) -> ImageAnomalyProcessor:
        """The processor with the threshold that the rule takes from held-out images."""
        scores = np.asarray([score_of(output) for output in outputs], np.float64)
        shows = np.asarray([not sample.truth.is_good for sample in samples])
        found = choose_threshold(scores, shows, self.options.threshold, self.options.false_alarms)
        return replace(self.processor, threshold=found.value, rule=found.reason)

    def remarks(self, val: Dataset, evaluation: Evaluation) -> list[str]:
        """Where the threshold comes from, and what the figures can't say."""
        assert isinstance(evaluation.processor, ImageAnomalyProcessor)
        said = [f"threshold {evaluation.processor.threshold:.4g}: {evaluation.processor.rule}"]
        if self._is_planted:
            said.append("no defect is labelled: figures are of scratches and blots that were planted into good images")
        rows = self._by_kind(val, evaluation)
        said += [f"{kind}: no more than chance, image AUROC {row['image_auroc']:.3f}" for kind, row in rows.items()
                 if row["image_auroc"] <= 0.5]  # fmt: skip
        return said

    def details(self, val: Dataset, evaluation: Evaluation) -> dict[str, str]:
        """``defects.json``: figures of each kind of defect."""
        return {"defects.json": json.dumps(self._by_kind(val, evaluation), indent=1)}

    def _by_kind(self, val: Dataset, evaluation: Evaluation) -> dict[str, dict[str, float]]:
        assert isinstance(val, ImageDataset)
        metric = self.new_metric()
        for one in evaluation.samples:
            metric.update(one.prediction, Sample(None, None, val.samples[one.index].truth, one.name))
        return metric.by_kind()


def _batches(dataset: ImageDataset[DefectImage], places: Sequence[int]) -> Iterator[np.ndarray]:
    """Images float32 (N, 3, H, W), as they are evaluated."""
    unused = np.random.default_rng(0)
    for start in range(0, len(places), BATCH):
        yield np.stack([dataset.get(place, unused).x for place in places[start : start + BATCH]])
