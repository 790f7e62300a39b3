"""Checks a text detection dataset: every line of its label files, and every image."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from plx_train.contract.check import Checked, CheckReport, Finding, Level
from plx_train.data.fingerprint import fingerprint, load_report, save_report
from plx_train.data.splits import document_of
from plx_train.ground.files import user_path
from plx_train.ground.spread import spread
from plx_train.modules.text_det.labels import PageLabel, read_lines
from plx_train.modules.text_det.layout import find_layout_faults
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.vision.image import ImageError, read_image, write_image
from plx_train.vision.polygons import areas_and_perimeters, strip_height

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.text_det.config import TextDetConfig

VERSION = 1
"""Of this check; reports of other versions are not reused."""
SMALL_TEXT = 8
"""Text thinner than this, in pixels at the size evaluation sees, is hard to find."""
SMALL_SHARE, SMALL_PAGE_SHARE = 0.25, 0.75
"""Shares of small text, in a split and on a page, from which on it is worth a warning."""
OUTSIDE_TOLERANCE = 2
"""Points so many pixels outside the image are rounding; farther ones belong to another image or size."""
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
TEXT_COLOUR, IGNORED_COLOUR = (60, 160, 20), (150, 150, 150)


@dataclass(frozen=True)
class _Split:
    """A label file that was read: its pages, their images' names relative to the root, and findings."""

    label_file: str
    pages: list[PageLabel]
    names: list[str]
    findings: list[Finding]


@dataclass(frozen=True)
class _Page:
    """What opening a page's image gave: its (height, width), or the fault; measures of its texts."""

    size: tuple[int, int] | None
    findings: list[Finding]
    heights: np.ndarray
    heights_at_evaluation: np.ndarray
    aspect_ratios: np.ndarray


def check(dataset: DatasetOptions, module: TextDetConfig) -> Checked:
    """Checks the dataset of a run."""
    processor = TextDetProcessor(limit_side_len=module.limit_side_len)
    return check_text_det(user_path(dataset.root), dataset.train, dataset.val, processor)


def check_text_det(
    root: Path, train_file: str, val_file: str, processor: TextDetProcessor, num_threads: int = 2
) -> Checked:
    """Checks every line and image of a dataset; nothing wrong with it is raised.

    The outcome for the same content and settings is kept between runs, so that images are opened once only.

    Args:
        root: the dataset's folder.
        train_file, val_file: label files, relative to `root`.
        processor: what evaluation does to a page.
        num_threads: that read and decode images.
    """
    faults = find_layout_faults(root, train_file, val_file)
    if faults:
        return Checked(CheckReport(str(root), tuple(faults), {}, ""), [], [])
    splits = {"train": _read(root, train_file), "val": _read(root, val_file)}
    names = [name for split in splits.values() for name in split.names]
    content = fingerprint(root, [train_file, val_file, *names], num_threads)
    sizes = {field: value for field, value in asdict(processor).items() if "limit" in field}
    key = {"check": "text_det", "version": VERSION, "fingerprint": content.value, "processor": sizes,
           "files": [train_file, val_file]}  # fmt: skip
    kept = load_report(key)
    if kept is not None:
        report = CheckReport.from_json(kept | {"root": str(root)})
    else:
        findings, statistics = _check_content(splits, content.hashes, processor, num_threads)
        report = CheckReport(str(root), findings, statistics, content.value)
        save_report(key, report.to_json())
    faulty = {f"{finding.path}:{finding.line}" for finding in report.errors}
    train, val = ([page for page in split.pages if page.where not in faulty] for split in splits.values())
    return Checked(report, train, val)


def draw_samples(pages: Sequence[PageLabel], folder: Path, num_pages: int = 6) -> list[Path]:
    """Writes pictures of a few pages, spread over the file, with labels: text green, ignored text grey."""
    chosen = spread(len(pages), num_pages)
    paths = []
    for index in chosen:
        page = pages[index]
        image = read_image(page.image)
        for colour, is_ignored in ((TEXT_COLOUR, False), (IGNORED_COLOUR, True)):
            outlines = [np.rint(item.points).astype(np.int32) for item in page.labels if item.ignore == is_ignored]
            cv2.polylines(image, outlines, True, colour, max(1, max(image.shape) // 1000), cv2.LINE_AA)
        path = folder / f"{page.image.stem}.jpg"
        write_image(path, image)
        paths.append(path)
    return paths


def _read(root: Path, label_file: str) -> _Split:
    pages, findings = read_lines(root / label_file, root)
    base = root.absolute()
    return _Split(label_file, pages, [page.image.relative_to(base).as_posix() for page in pages], findings)


def _check_content(
    splits: dict[str, _Split], hashes: dict[str, str | None], processor: TextDetProcessor, num_threads: int
) -> tuple[tuple[Finding, ...], dict[str, dict[str, Any]]]:
    """Findings by file and line, and statistics per split."""
    findings, statistics = [], {}
    for name, split in splits.items():
        with ThreadPoolExecutor(num_threads) as pool:
            opened = list(pool.map(lambda page: _open_page(page, processor), split.pages))
        statistics[name] = _statistics(split, opened)
        findings += split.findings + [finding for page in opened for finding in page.findings]
        findings += _duplicates(split, hashes) + _small_text(split, statistics[name])
    findings += _leaks(splits["train"], splits["val"], hashes)
    order = {split.label_file: position for position, split in enumerate(splits.values())}
    return tuple(sorted(findings, key=lambda item: (order.get(item.path, 0), item.line))), statistics


def _open_page(page: PageLabel, processor: TextDetProcessor) -> _Page:
    try:
        height, width = read_image(page.image).shape[:2]
    except ImageError as error:
        reason = f"{page.image.name}: {error.reason}"
        nothing = np.zeros(0)
        return _Page(None, [_finding(page, "error", error.code, reason)], nothing, nothing, nothing)
    learned = [label.points for label in page.labels if not label.ignore]
    areas, perimeters = areas_and_perimeters(learned)
    heights = strip_height(areas, perimeters)
    lengths = perimeters / 2 - heights
    input_height, input_width = processor.input_size((height, width))
    scaled = heights * min(input_height / height, input_width / width)
    findings = _points_outside(page, height, width)
    if len(scaled) and (scaled < SMALL_TEXT).mean() >= SMALL_PAGE_SHARE:
        reason = (
            f"{(scaled < SMALL_TEXT).sum()} of the page's {len(scaled)} texts are thinner than "
            f"{SMALL_TEXT} pixels at the size evaluation sees"
        )
        findings.append(_finding(page, "warning", "page-text-too-small", reason))
    return _Page((height, width), findings, heights, scaled, lengths / np.maximum(heights, 1e-6))


def _points_outside(page: PageLabel, height: int, width: int) -> list[Finding]:
    findings = []
    excess = [
        float(max(-label.points.min(), (label.points - np.asarray([width, height])).max())) for label in page.labels
    ]
    far = [
        (amount, label)
        for amount, label in zip(excess, page.labels, strict=True)
        if amount > OUTSIDE_TOLERANCE and not label.ignore
    ]
    num_near = sum(amount > 0 for amount in excess) - len(far)
    if far:
        amount, label = max(far, key=lambda pair: pair[0])
        reason = (
            f"{len(far)} polygons leave the image of {width} x {height} pixels, "
            f'that of "{label.text[:20]}" by {amount:.0f}: was the image resized or turned after labelling?'
        )
        findings.append(_finding(page, "error", "points-outside", reason))
    if num_near:
        reason = f"{num_near} polygons stick out of the image a little, or are ignored and leave it"
        findings.append(_finding(page, "warning", "points-outside", reason))
    return findings


def _duplicates(split: _Split, hashes: dict[str, str | None]) -> list[Finding]:
    """The same image more than once in one file."""
    findings: list[Finding] = []
    seen: dict[str, tuple[PageLabel, str]] = {}
    for page, name in zip(split.pages, split.names, strict=True):
        content = hashes[name]
        if content is None:
            continue
        first, first_name = seen.setdefault(content, (page, name))
        if first is page:
            continue
        if first_name == name:
            reason = f"the image {name} is in {first.where} already"
            if _same_labels(first, page):
                findings.append(_finding(page, "warning", "image-twice", reason))
            else:
                findings.append(_finding(page, "error", "image-twice", f"{reason}, with other labels"))
        else:
            reason = f"the image {name} is the same picture as {first_name} of {first.where}"
            findings.append(_finding(page, "warning", "same-picture", reason))
    return findings


def _same_labels(first: PageLabel, second: PageLabel) -> bool:
    return len(first.labels) == len(second.labels) and all(
        a.text == b.text and np.array_equal(a.points, b.points)
        for a, b in zip(first.labels, second.labels, strict=True)
    )


def _leaks(train: _Split, val: _Split, hashes: dict[str, str | None]) -> list[Finding]:
    """Images of the validation file that are trained on: its figures would be too good."""
    trained = {hashes[name]: page for page, name in zip(train.pages, train.names, strict=True) if hashes[name]}
    return [
        _finding(page, "error", "train-and-val", f"the image {name} is in {trained[hashes[name]].where} as well")
        for page, name in zip(val.pages, val.names, strict=True)
        if hashes[name] in trained
    ]


def _small_text(split: _Split, statistics: dict[str, Any]) -> list[Finding]:
    share, count = statistics["share_small"], statistics["texts"]
    if share < SMALL_SHARE:
        return []
    reason = (
        f"{share:.0%} of the {count} texts are thinner than {SMALL_TEXT} pixels at the size evaluation sees: "
        "raise module.limit_side_len, or cut large pages into parts"
    )
    return [Finding(split.label_file, 0, "warning", "text-too-small", reason)]


def _statistics(split: _Split, opened: list[_Page]) -> dict[str, Any]:
    sizes = np.asarray([page.size for page in opened if page.size], np.float64).reshape(-1, 2)
    heights = np.concatenate([np.zeros(0), *(page.heights for page in opened)])
    scaled = np.concatenate([np.zeros(0), *(page.heights_at_evaluation for page in opened)])
    counts = [sum(not label.ignore for label in page.labels) for page in split.pages]
    return {
        "pages": len(split.pages),
        "documents": len({document_of(name) for name in split.names}),
        "texts": sum(counts),
        "ignored": sum(label.ignore for page in split.pages for label in page.labels),
        "pages_without_text": counts.count(0),
        "texts_per_page": _percentiles(np.asarray(counts, np.float64)),
        "text_height": _percentiles(heights),
        "text_height_at_evaluation": _percentiles(scaled),
        "share_small": round(float((scaled < SMALL_TEXT).mean()), 4) if len(scaled) else 0.0,
        "aspect_ratio": _percentiles(np.concatenate([np.zeros(0), *(page.aspect_ratios for page in opened)])),
        "image_height": _percentiles(sizes[:, 0]),
        "image_width": _percentiles(sizes[:, 1]),
    }


def _percentiles(values: np.ndarray) -> dict[str, float]:
    """``{"min": …, "p1": …, …, "max": …}``; empty where there is no value."""
    if len(values) == 0:
        return {}
    inner = {f"p{share}": value for share, value in zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True)}
    return {name: round(float(value), 2) for name, value in {"min": values.min(), **inner, "max": values.max()}.items()}


def _finding(page: PageLabel, level: Level, code: str, reason: str) -> Finding:
    path, _, line = page.where.rpartition(":")
    return Finding(path, int(line), level, code, reason)
