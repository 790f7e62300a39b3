"""Text recognition, as the core knows it without its network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.truth import Truth
from plx_train.data.splits import CheckedDocuments
from plx_train.metrics.label_doubts import text_doubts
from plx_train.modules.text_rec.check import TextRecCheck
from plx_train.modules.text_rec.config import TextRecConfig
from plx_train.modules.text_rec.dictionary import FROM_LABELS, dictionary_findings, dictionary_for, dictionary_of
from plx_train.modules.text_rec.labels import LineLabel, read_lines
from plx_train.modules.text_rec.metric import TextRecMetric
from plx_train.modules.text_rec.overlay import draw_lines, draw_overlay
from plx_train.modules.text_rec.processor import TextRecPrediction, TextRecProcessor
from plx_train.vision.check import ImageData
from plx_train.vision.draw import BLACK
from plx_train.vision.room import ImageRoom

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.text_rec.module import TextRec


class TextRecRoom(ImageRoom[TextRecConfig, LineLabel, TextRecProcessor]):
    """Reads a line of text."""

    contract = 1
    name = "text_rec"
    options = TextRecConfig
    kind = Truth.TEXT
    processor = TextRecProcessor
    metric = TextRecMetric
    monitor = "accuracy"
    pool_schedule = "rounds"
    doubts = staticmethod(text_doubts)
    retired_options = frozenset({"characters"})
    noun = "crops"
    no_truth = ""

    def read_file(
        self, path: Path, root: Path, options: TextRecConfig, classes: Sequence[str] | None
    ) -> tuple[list[LineLabel], list[Finding]]:
        """The crops of a label file with their texts."""
        return read_lines(path, root)

    def fit(
        self, data: ImageData[LineLabel], dataset: DatasetOptions, options: TextRecConfig, weights: str | None
    ) -> TextRecProcessor | None:
        """The processing with the dictionary that the options ask for: the weights', the labels' or a file's.

        Raises:
            UserError: there is no such dictionary.
        """
        texts = [crop.truth for split in (data.train, data.val) for crop in split.samples]
        if data.faults or (options.dict == FROM_LABELS and not texts):
            return None
        return TextRecProcessor(dictionary_for(options.dict, weights, texts), options.width)

    def processor_of_weights(
        self, data: ImageData[LineLabel] | None, dataset: DatasetOptions, options: TextRecConfig, weights: str
    ) -> TextRecProcessor | None:
        """The processing with the weights' own dictionary, or that of a file."""
        return TextRecProcessor(dictionary_for(options.dict, weights, ()), options.width)

    def rules(self, processor: TextRecProcessor, options: TextRecConfig) -> TextRecCheck:
        """What is looked for in a dataset."""
        return TextRecCheck(processor, options.max_unknown_share)

    def check(
        self,
        data: ImageData[LineLabel],
        processor: TextRecProcessor | None,
        dataset: DatasetOptions,
        options: TextRecConfig,
    ) -> CheckedDocuments[LineLabel]:
        """Everything that is wrong or odd in a dataset, and the samples without errors that can be learned."""
        checked = super().check(data, processor, dataset, options)
        if processor is None:
            return checked
        odd = dictionary_findings(options.dict, processor.characters)
        report = replace(checked.report, findings=(*checked.report.findings, *odd))
        # What is not in the dictionary can't be learned, but evaluation has to count it as not read.
        train = [crop for crop in checked.train if not processor.unknown(crop.truth)]
        return replace(checked, report=report, train=train)

    def pseudo_label(self, processor: TextRecProcessor, prediction: TextRecPrediction) -> PseudoLabel:
        """The text that was read, as sure as all its characters together are."""
        text = prediction.text
        return PseudoLabel(text, prediction.score ** max(len(text), 1), can_be_learned=bool(text.strip()))

    def draw_sample(self, sample: LineLabel) -> np.ndarray:
        """The crop with its text under it."""
        return draw_lines(sample.read(), [[(sample.truth, BLACK)]])

    def overlay(
        self, processor: TextRecProcessor, original: np.ndarray, prediction: TextRecPrediction, truth: Any = None
    ) -> np.ndarray:
        """The crop with the read and, if given, the true text under it."""
        return draw_overlay(original, prediction, truth)

    def build(
        self, options: TextRecConfig, processor: TextRecProcessor, checked: object, is_fine_tuning: bool
    ) -> TextRec:
        """The module."""
        from plx_train.modules.text_rec.module import TextRec

        return TextRec(options, processor, is_fine_tuning)

    def pretrained(self, options: TextRecConfig) -> str | None:
        """Weights that ``weights=auto`` stands for."""
        return options.pretrained

    def published(self, folder: Path) -> tuple[TextRecConfig, TextRecProcessor]:
        """Options and processor of the published weights, with the characters that lie beside them.

        Raises:
            WeightsError: none lie there.
        """
        return TextRecConfig(), TextRecProcessor(dictionary_of(folder), TextRecConfig().width)
