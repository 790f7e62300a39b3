"""Outlines that leave their image: rounding, or another image's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.vision.samples import LabelledImage
from plx_train.vision.twins import finding

TOLERANCE = 2
"""Points so many pixels outside the image are rounding; farther ones belong to another image or size."""


def outside_findings(
    sample: LabelledImage[Any],
    size: tuple[int, int],
    outlines: Sequence[np.ndarray],
    names: Sequence[str],
    ignore: Sequence[bool],
) -> list[Finding]:
    """What is odd about outlines (P, 2) in pixels of an image of `size` (height, width).

    Args:
        names: what to call each.
        ignore: those that count neither way.
    """
    height, width = size
    excess = [float(max(-points.min(), (points - np.asarray([width, height])).max())) for points in outlines]
    far = [
        (amount, name)
        for amount, name, is_ignored in zip(excess, names, ignore, strict=True)
        if amount > TOLERANCE and not is_ignored
    ]
    num_near = sum(amount > 0 for amount in excess) - len(far)
    findings = []
    if far:
        amount, name = max(far, key=lambda pair: pair[0])
        reason = (
            f"{len(far)} polygons leave the image of {width} x {height} pixels, "
            f'that of "{name[:20]}" by {amount:.0f}: was the image resized or turned after labelling?'
        )
        findings.append(finding(sample, "error", "points-outside", reason))
    if num_near:
        reason = f"{num_near} polygons stick out of the image a little, or are ignored and leave it"
        findings.append(finding(sample, "warning", "points-outside", reason))
    return findings
