"""What a dataset of text recognition is looked at for: its crops, their texts, and its characters."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.modules.text_rec.dictionary import listed
from plx_train.modules.text_rec.labels import LineLabel
from plx_train.modules.text_rec.processor import TextRecProcessor, steps_needed, steps_of
from plx_train.vision.check import ImageCheck, ImageSplit, Look, num_documents, percentiles, sizes_of
from plx_train.vision.twins import finding

SMALL_HEIGHT = 10
"""Crops lower than this, in pixels, are enlarged more than fourfold."""
SMALL_SHARE = 0.25
UPRIGHT = 1.5
"""Crops so many times higher than wide, with more than one character, show text that runs down or was turned."""


@dataclass(frozen=True)
class TextRecCheck(ImageCheck[LineLabel]):
    """The room's part of the check.

    Attributes:
        processor: with the dictionary.
        max_unknown: share of texts with characters outside the dictionary above which that is an error.
    """

    processor: TextRecProcessor
    max_unknown: float
    room = "text_rec"
    truth = "text"
    tells_equal_pictures = False

    def settings(self) -> dict[str, Any]:
        """Dictionary, width and what is borne of unknown characters."""
        dictionary = hashlib.sha256("\n".join(self.processor.characters).encode()).hexdigest()
        return {"dictionary": dictionary, "width": self.processor.width, "max_unknown": self.max_unknown}

    def look(self, sample: LineLabel, image: np.ndarray) -> Look[LineLabel]:
        """Crops that stand upright, or are too narrow for their text."""
        height, width = image.shape[:2]
        name, length, findings = sample.image.name, len(sample.truth), []
        if height > UPRIGHT * width and length > 1:
            reason = f"{name}, of {length} characters, is higher than wide ({width} x {height}): turn it"
            findings.append(finding(sample, "warning", "upright", reason))
        needed = steps_needed(self.processor.encode(sample.truth))
        steps = steps_of(self.processor.input_width((height, width))[1])
        if needed > steps:
            reason = (
                f"{name} ({width} x {height}) is too narrow for its {length} characters: the network "
                f"takes {steps} steps along it, the text needs {needed}"
            )
            findings.append(finding(sample, "warning", "text-too-long", reason))
        return Look(sample, (height, width), findings)

    def of_split(self, split: ImageSplit[LineLabel], looks: Sequence[Look[LineLabel]]) -> list[Finding]:
        """Many low crops, and characters outside the dictionary."""
        heights = sizes_of(looks)[:, 0]
        share = float((heights < SMALL_HEIGHT).mean()) if len(heights) else 0.0
        findings = []
        if share >= SMALL_SHARE:
            reason = f"{share:.0%} of the crops are lower than {SMALL_HEIGHT} pixels: cut them from larger images"
            findings.append(Finding(split.file, 0, "warning", "crops-too-small", reason))
        return findings + self._unknown(split)

    def _unknown(self, split: ImageSplit[LineLabel]) -> list[Finding]:
        """Characters outside the dictionary, the most frequent first."""
        per_crop = [(crop, self.processor.unknown(crop.truth)) for crop in split.samples]
        affected = [crop for crop, characters in per_crop if characters]
        if not affected:
            return []
        counts = Counter(character for _, characters in per_crop for character in characters)
        share = len(affected) / len(split.samples)
        is_error = share > self.max_unknown
        what_then = "these texts are not trained on, and count as not read in validation"
        if is_error:
            what_then = (
                f"more than module.max_unknown_share={self.max_unknown:g} allows; set module.dict=auto, or name a "
                "dictionary that has them with module.dict=/path/to/dict.txt"
            )
        # Of the whole file, though it has a place: an error of the line would leave out that crop alone.
        reason = (
            f"{len(counts)} characters in {len(affected)} of {len(split.samples)} texts ({share:.1%}) are not in the "
            f"dictionary: {listed(counts.most_common())}; {what_then}; the first is in line "
            f"{affected[0].where.rpartition(':')[2]}"
        )
        return [Finding(split.file, 0, "error" if is_error else "warning", "unknown-characters", reason)]

    def statistics(
        self, split: ImageSplit[LineLabel], names: Sequence[str], looks: Sequence[Look[LineLabel]]
    ) -> dict[str, Any]:
        """Numbers of crops and characters, and sizes of both."""
        texts, sizes = [crop.truth for crop in split.samples], sizes_of(looks)
        return {
            "crops": len(split.samples),
            "documents": num_documents(names),
            "characters": sum(map(len, texts)),
            "different_characters": len({character for text in texts for character in text}),
            "not_in_dictionary": sum(len(self.processor.unknown(text)) for text in texts),
            "texts_with_space": sum(" " in text for text in texts),
            "text_length": percentiles([len(text) for text in texts]),
            "crop_height": percentiles(sizes[:, 0]),
            "crop_width": percentiles(sizes[:, 1]),
            "aspect_ratio": percentiles(sizes[:, 1] / np.maximum(sizes[:, 0], 1)),
        }
