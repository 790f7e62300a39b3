"""What a dataset of text detection is looked at for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.modules.text_det.labels import PageLabel, TextLabel
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.vision.check import ImageCheck, ImageSplit, Look, measures, num_documents, percentiles, sizes_of
from plx_train.vision.outside import outside_findings
from plx_train.vision.polygons import areas_and_perimeters, strip_height
from plx_train.vision.twins import finding

SMALL_TEXT = 8
"""Text thinner than this, in pixels at the size evaluation sees, is hard to find."""
SMALL_SHARE, SMALL_PAGE_SHARE = 0.25, 0.75
"""Shares of small text, in a split and on a page, from which on it is worth a warning."""


@dataclass(frozen=True)
class TextDetCheck(ImageCheck[PageLabel]):
    """The room's part of the check.

    Attributes:
        processor: what evaluation does to a page.
    """

    processor: TextDetProcessor
    room = "text_det"
    truth = "labelling"

    def settings(self) -> dict[str, Any]:
        """The size at which evaluation sees a page."""
        return {name: value for name, value in asdict(self.processor).items() if "limit" in name}

    def same_truth(self, first: tuple[TextLabel, ...], second: tuple[TextLabel, ...]) -> bool:
        """Whether two pages hold the same texts in the same places."""
        return len(first) == len(second) and all(
            a.text == b.text and np.array_equal(a.points, b.points) for a, b in zip(first, second, strict=True)
        )

    def look(self, sample: PageLabel, image: np.ndarray) -> Look[PageLabel]:
        """Texts that leave the page or are too small on it; measures of all."""
        height, width = image.shape[:2]
        texts = sample.truth
        areas, perimeters = areas_and_perimeters([text.points for text in texts if not text.ignore])
        heights = strip_height(areas, perimeters)
        lengths = perimeters / 2 - heights
        input_height, input_width = self.processor.input_size((height, width))
        scaled = heights * min(input_height / height, input_width / width)
        outlines, names = [text.points for text in texts], [text.text for text in texts]
        findings = outside_findings(sample, (height, width), outlines, names, [text.ignore for text in texts])
        if len(scaled) and (scaled < SMALL_TEXT).mean() >= SMALL_PAGE_SHARE:
            reason = (
                f"{(scaled < SMALL_TEXT).sum()} of the page's {len(scaled)} texts are thinner than "
                f"{SMALL_TEXT} pixels at the size evaluation sees"
            )
            findings.append(finding(sample, "warning", "page-text-too-small", reason))
        aspect_ratios = lengths / np.maximum(heights, 1e-6)
        return Look(
            sample, (height, width), findings, {"heights": heights, "scaled": scaled, "aspect_ratios": aspect_ratios}
        )

    def of_split(self, split: ImageSplit[PageLabel], looks: Sequence[Look[PageLabel]]) -> list[Finding]:
        """Much small text."""
        share, count = _share_small(looks), sum(_counts(split))
        if share < SMALL_SHARE:
            return []
        reason = (
            f"{share:.0%} of the {count} texts are thinner than {SMALL_TEXT} pixels at the size evaluation sees: "
            "raise module.limit_side_len, or cut large pages into parts"
        )
        return [Finding(split.file, 0, "warning", "text-too-small", reason)]

    def statistics(
        self, split: ImageSplit[PageLabel], names: Sequence[str], looks: Sequence[Look[PageLabel]]
    ) -> dict[str, Any]:
        """Numbers of pages and texts, and sizes of both."""
        counts, sizes = _counts(split), sizes_of(looks)
        return {
            "pages": len(split.samples),
            "documents": num_documents(names),
            "texts": sum(counts),
            "ignored": sum(text.ignore for page in split.samples for text in page.truth),
            "pages_without_text": counts.count(0),
            "texts_per_page": percentiles(counts),
            "text_height": percentiles(measures(looks, "heights")),
            "text_height_at_evaluation": percentiles(measures(looks, "scaled")),
            "share_small": _share_small(looks),
            "aspect_ratio": percentiles(measures(looks, "aspect_ratios")),
            "image_height": percentiles(sizes[:, 0]),
            "image_width": percentiles(sizes[:, 1]),
        }


def _counts(split: ImageSplit[PageLabel]) -> list[int]:
    """Texts that count, page by page."""
    return [sum(not text.ignore for text in page.truth) for page in split.samples]


def _share_small(looks: Sequence[Look[PageLabel]]) -> float:
    scaled = measures(looks, "scaled")
    return round(float((scaled < SMALL_TEXT).mean()), 4) if len(scaled) else 0.0
