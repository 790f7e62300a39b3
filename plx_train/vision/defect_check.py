"""What is looked for in a dataset of good pictures and defects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.data.defect_lines import GOOD, UNNAMED
from plx_train.data.splits import CheckedDocuments, holdout_split
from plx_train.vision.check import NUM_THREADS, ImageCheck, ImageData, ImageSplit, Look, percentiles, sizes_of
from plx_train.vision.defects import MARKED, DefectImage
from plx_train.vision.image import ImageError
from plx_train.vision.planted import planted
from plx_train.vision.twins import finding


@dataclass(frozen=True)
class DefectCheck(ImageCheck[DefectImage]):
    """What is looked for beside what all rooms of images look for."""

    room: str
    truth: str = "kind of defect"

    def look(self, sample: DefectImage, image: np.ndarray) -> Look[DefectImage]:
        """Whether the mask can be read, is as large as its image, and says what the label says."""
        size, truth = (image.shape[0], image.shape[1]), sample.truth
        try:
            mask = truth.pixels()
        except ImageError as error:
            code = "mask-missing" if truth.mask and not truth.mask.exists() else error.code
            name = truth.mask.name if truth.mask else ""
            return Look(sample, size, [finding(sample, "error", code, f"the mask {name}: {error.reason}")])
        if mask is None:
            return Look(sample, size)
        if mask.shape != size:
            sizes = "{} x {}, its image {} x {}".format(*mask.shape[::-1], *size[::-1])
            return Look(sample, size, [finding(sample, "error", "mask-size", f"the mask is of {sizes} pixels")])
        share = float((mask == MARKED).mean())
        if bool(share) is truth.is_good and truth.kind:
            says = (
                "marks a defect, but the image is labelled good"
                if share
                else f"is black, but the image shows {truth.kind}"
            )
            return Look(sample, size, [finding(sample, "error", "mask-or-kind", f"the mask {says}")])
        return Look(sample, size, [], {"marked": [share]} if share else {})

    def same_truth(self, first: Any, second: Any) -> bool:
        """Whether two samples of one picture say the same, as far as that is known without their masks."""
        return not first.kind or not second.kind or first.kind == second.kind

    def statistics(
        self, split: ImageSplit[DefectImage], names: Sequence[str], looks: Sequence[Look[DefectImage]]
    ) -> dict[str, Any]:
        """Numbers of images by kind, and what share of them their defects take."""
        kinds = Counter(sample.truth.kind for sample in split.samples if sample.truth.kind)
        sizes = sizes_of(looks)
        shares = [100 * look.values["marked"][0] for look in looks if "marked" in look.values]
        return {
            "images": len(split.samples),
            **{f"images_{kind}": number for kind, number in sorted(kinds.items())},
            "width": percentiles(sizes[:, 1]),
            "height": percentiles(sizes[:, 0]),
            "percent_marked": percentiles(shares),
        }


@dataclass(frozen=True)
class CheckedPictures(CheckedDocuments[DefectImage]):
    """The report, and samples whose kinds are known.

    Attributes:
        is_planted: nobody labelled a defect to judge by, so that some were planted into good pictures.
    """

    is_planted: bool = False

    def hold_out(
        self, train: list[DefectImage], share: float, seed: int
    ) -> tuple[list[DefectImage], list[DefectImage]]:
        """Good pictures to learn, and those held out with all that show a defect, of which none is learned."""
        good = [sample for sample in train if sample.truth.is_good]
        kept, held = holdout_split([sample.document for sample in good], share, seed)
        defects = [sample for sample in train if not sample.truth.is_good]
        return [good[place] for place in kept], [*(good[place] for place in held), *defects]


def check_kinds(data: ImageData[DefectImage], checked: CheckedDocuments[DefectImage]) -> CheckedPictures:
    """What the check left, with the kinds that masks say, and with defects to judge by where there are none."""
    train, val = (_resolved(samples) for samples in (checked.train, checked.val))
    findings: list[Finding] = []
    is_read = not any(found.level == "error" for found in checked.report.findings)
    for file, samples in ((data.train.file, train), (data.val.file, val)):
        if is_read and samples and not any(sample.truth.is_good for sample in samples):
            reason = f"none of its {len(samples)} images is good: without good ones nothing can be learned, or judged"
            findings.append(Finding(file, 0, "error", "no-good-image", reason))
    is_planted = bool(val) and all(sample.truth.is_good for sample in val)
    if is_planted:
        val = [*val, *map(planted, val)]
        reason = f"no image with a defect is labelled: {len(val) // 2} were planted into the good ones, to judge by"
        findings.append(Finding(data.val.file, 0, "warning", "defects-planted", reason))
    report = replace(checked.report, findings=(*checked.report.findings, *findings))
    return CheckedPictures(report, train, val, is_planted)


def _resolved(samples: Sequence[DefectImage]) -> list[DefectImage]:
    """The samples, of which each has a kind."""
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        return list(pool.map(_with_kind, samples))


def _with_kind(sample: DefectImage) -> DefectImage:
    if sample.truth.kind:
        return sample
    mask = sample.truth.pixels()
    kind = UNNAMED if mask is not None and (mask == MARKED).any() else GOOD
    truth: Any = replace(sample.truth, kind=kind)
    return replace(sample, truth=truth)
