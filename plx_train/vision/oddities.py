"""What is odd about how image files are stored, for the check: several pages, few of many bits."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plx_train.contract.check import Finding
from plx_train.vision.codecs import jpeg, png
from plx_train.vision.codecs.by_opencv import png_levels
from plx_train.vision.codecs.by_pillow import deep_levels, open_header, seek_page
from plx_train.vision.codecs.levels import used_bits_of
from plx_train.vision.frames import num_frames
from plx_train.vision.image import opened, read_bytes
from plx_train.vision.samples import LabelledImage

DARK = 1 << 14
"""Images of 16 bits below are at most a quarter bright."""


def several_pages(sample: LabelledImage[Any]) -> list[Finding]:
    """The finding of a labelled file that has pages which no label names.

    Raises:
        ImageError: the file can't be read.
    """
    count = num_frames(sample.image)
    if count == 1:
        return []
    path, _, line = sample.where.rpartition(":")
    reason = f"{sample.image.name} has {count} pages, and only the first is used: write each into a file of its own"
    return [Finding(path, int(line), "warning", "several-pages", reason)]


def largest_level(path: Path) -> int | None:
    """The largest level of an image of 16 bits; None of others.

    Raises:
        ImageError: it can't be read.
    """
    with opened(path) as file:
        beginning = file.read(len(png.BEGINNING) + 25)
    if beginning.startswith(jpeg.BEGINNING):
        return None
    if beginning.startswith(png.BEGINNING):
        header = png.read_header(beginning)
        if header.bits < 16:
            return None
        levels = png_levels(png.with_pixels(header, read_bytes(path).tobytes()), path)
        return int((levels if levels.ndim == 2 else levels[..., :3]).max())
    file = io.BytesIO(read_bytes(path).tobytes())
    frame = open_header(file, path)
    seek_page(frame, path)
    deep = deep_levels(frame, file)
    return None if deep is None else int(deep.max())


def bits_findings(file: str, largest: Sequence[int]) -> list[Finding]:
    """What to know of a split whose images of 16 bits have these `largest` levels, where some use fewer."""
    counts = Counter(used_bits_of(level) for level in largest)
    dark = sum(1 for level in largest if used_bits_of(level) == 16 and level < DARK)
    few = {bits: count for bits, count in sorted(counts.items()) if bits < 16}
    findings = []
    if few:
        shares = ", ".join(f"{count} use {bits} ({100 * count / len(largest):.0f} %)" for bits, count in few.items())
        reason = f"of {len(largest)} images of 16 bits {shares}: they are read by the range that they use"
        if len(counts) > 1:
            reason += ", so equal values are not equally bright in all of them: convert them by one factor to 8 bits"
        findings.append(Finding(file, 0, "warning", "few-bits", reason))
    if dark:
        share = f"{dark} of {len(largest)} images of 16 bits ({100 * dark / len(largest):.0f} %)"
        reason = f"{share} reach less than a quarter of their range and stay dark: convert them by one factor to 8 bits"
        findings.append(Finding(file, 0, "warning", "dark-range", reason))
    return findings
