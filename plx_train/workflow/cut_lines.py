"""Pictures of single texts, cut out of annotated pages for rooms that read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from operator import itemgetter
from pathlib import Path

import numpy as np

from plx_train.contract.check import Finding
from plx_train.contract.truth import IGNORED_TEXTS, Outline, Truth
from plx_train.data.formats.dataset_format import Annotation, Annotations, AsWritten
from plx_train.data.formats.lines import plain_text
from plx_train.data.formats.page_lines import text_outlines
from plx_train.data.label_file import separator_hint
from plx_train.pipelines.crops import crop_line
from plx_train.vision.image import ImageError, read_image, write_image
from plx_train.vision.room import MAX_STEM
from plx_train.workflow.gather import Gathered

CROPS = "images"
NOT_READ = (*IGNORED_TEXTS, "")
"""Texts that mark what can't be read."""
NUM_THREADS = 2

Cut = tuple[list[Annotation], list[Finding]]


def cut_where_needed(gathered: Gathered, folder: Path) -> tuple[Annotations, list[Finding]]:
    """The annotations; where single texts are wanted and pages are there, of pictures cut into `folder`.

    A text is cut as pipelines cut what a detector found, so that a recogniser learns from what it will see.
    """
    found, correcting = gathered.found, gathered.correcting
    if gathered.truth is not Truth.TEXT or found.truth is not Truth.TEXTS:
        return found, correcting.findings() if correcting else []
    cut, findings = Annotations(Truth.TEXT), []
    stems = _stems([one.image for samples in found.splits.values() for one in samples])
    for split, samples in found.splits.items():
        pages = [(one, next(stems)) for one in samples]
        with ThreadPoolExecutor(NUM_THREADS) as pool:
            outcomes = list(pool.map(lambda page: _cut_page(page[0], gathered, folder, page[1]), pages))
        cut.splits[split] = [line for lines, _ in outcomes for line in lines]
        findings += [finding for _, told in outcomes for finding in told]
    if correcting:
        correcting.take_in(cut, ())
        findings += correcting.findings()
    return cut, findings


def _stems(images: Sequence[str]) -> Iterator[str]:
    """A name for the texts of each annotation, which keeps apart what folder, suffix and another annotation do."""
    taken: set[str] = set()
    stems = {}
    for place, image in sorted(enumerate(images), key=itemgetter(1)):
        whole = re.sub(r"[^\w.-]", "_", image.rpartition(".")[0] or image)
        stem = plain = whole.encode()[:MAX_STEM].decode("utf-8", "ignore")
        number = 1
        while stem.lower() in taken:
            number += 1
            stem = f"{plain}-{number}"
        taken.add(stem.lower())
        stems[place] = stem
    return (stems[place] for place in range(len(images)))


def _cut_page(page: Annotation, gathered: Gathered, folder: Path, stem: str) -> Cut:
    page, findings = _read(page)
    outlines = list(_readable(page))
    if not outlines:
        return [], findings
    try:
        image = read_image(gathered.root / page.image, background=gathered.background)
    except ImageError as error:
        return [], [*findings, Finding(page.file, page.line, "error", error.code, f"{page.image}: {error.reason}")]
    lines = []
    for place, outline in outlines:
        if _is_outside(outline, image.shape):
            reason = f"the text {outline.label[:20]!r} lies outside of {page.image}, and is left out"
            findings.append(Finding(page.file, page.line, "error", "points-outside", reason))
            continue
        crop = crop_line(image, np.asarray(outline.points, np.float32))
        if crop.size == 0:
            reason = f"the text {outline.label[:20]!r} of {page.image} has no area, and is left out"
            findings.append(Finding(page.file, page.line, "warning", "empty-polygon", reason))
            continue
        name = f"{CROPS}/{stem}_{place:03d}.png"
        write_image(folder / name, crop)
        lines.append(Annotation(name, plain_text(outline.label), page.file, page.line))
    return lines, findings


def _read(page: Annotation) -> tuple[Annotation, list[Finding]]:
    """A page whose label was left unread, with its outlines, and what is wrong with them."""
    if not isinstance(page.truth, AsWritten):
        return page, []
    told = Annotations(Truth.TEXTS)
    if page.truth.is_whole:
        hint = separator_hint(page.truth.text)
        told.add(page.file, page.line, "no-tab", f"there is no tab between image path and labels{hint}")
        return replace(page, truth=()), told.findings
    outlines = tuple(text_outlines(page.truth.text, page.file, page.line, told))
    return replace(page, truth=outlines), told.findings


def _is_outside(outline: Outline, shape: Sequence[int]) -> bool:
    """Whether nothing of an outline lies in an image of (height, width)."""
    corners = np.asarray(outline.points, np.float32)
    return bool((corners.max(axis=0) < 0).any() or (corners.min(axis=0) >= (shape[1], shape[0])).any())


def _readable(page: Annotation) -> Iterator[tuple[int, Outline]]:
    """Number and outline of the texts that can be learned."""
    outlines = page.truth if isinstance(page.truth, tuple) else ()
    for place, each in enumerate(outlines):
        if isinstance(each, Outline) and not each.is_ignored and plain_text(each.label) not in NOT_READ:
            yield place, each
