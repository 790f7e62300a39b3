"""Checks a text recognition dataset: every line of its label files, every image, and its characters."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.check import Checked, CheckReport, Finding, Level
from plx_train.data.fingerprint import fingerprint, load_report, save_report
from plx_train.data.splits import document_of
from plx_train.ground.files import user_path
from plx_train.ground.spread import spread
from plx_train.modules.text_rec.dictionary import FROM_WEIGHTS, dictionary_for, listed
from plx_train.modules.text_rec.labels import LineLabel, read_lines
from plx_train.modules.text_rec.overlay import BLACK, draw_lines
from plx_train.modules.text_rec.processor import TextRecProcessor, steps_needed, steps_of
from plx_train.vision.image import ImageError, read_image, write_image

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.modules.text_rec.config import TextRecConfig

VERSION = 1
"""Of this check; reports of other versions are not reused."""
SMALL_HEIGHT = 10
"""Crops lower than this, in pixels, are enlarged more than fourfold."""
SMALL_SHARE = 0.25
UPRIGHT = 1.5
"""Crops so many times higher than wide, with more than one character, show text that runs down or was turned."""
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)


@dataclass(frozen=True)
class _Split:
    """A label file that was read: its crops, their images' names relative to the root, and findings."""

    label_file: str
    crops: list[LineLabel]
    names: list[str]
    findings: list[Finding]


def resolve(dataset: DatasetOptions, module: TextRecConfig, weights: str | None, is_trained: bool) -> TextRecConfig:
    """The module's options with the dictionary's characters.

    Args:
        weights: what the network's weights are read from; None from scratch.
        is_trained: they are of a finished model, whose dictionary is its own whatever the options say.

    Raises:
        UserError: there is no such dictionary, or no such guide.
    """
    choice = FROM_WEIGHTS if is_trained else module.dict
    path = None
    if choice == FROM_WEIGHTS and weights is not None:
        from plx_train.weights.fetch import find_weights

        path = find_weights(weights).path
    root = user_path(dataset.root)
    files = (root / name for name in (dataset.train, dataset.val))
    texts = (crop.labels for file in files if file.is_file() for crop in read_lines(file, root)[0])
    return replace(module, characters=list(dictionary_for(choice, path, texts)))


def check(dataset: DatasetOptions, module: TextRecConfig) -> Checked:
    """Checks the dataset of a run, whose module options were resolved."""
    processor = TextRecProcessor(tuple(module.characters or ()), module.width)
    root = user_path(dataset.root)
    return check_text_rec(root, dataset.train, dataset.val, processor, module.max_unknown_share)


def check_text_rec(
    root: Path, train_file: str, val_file: str, processor: TextRecProcessor, max_unknown: float, num_threads: int = 2
) -> Checked:
    """Checks every line and image of a dataset; nothing wrong with it is raised.

    The outcome for the same content and settings is kept between runs, so that images are opened once only.

    Args:
        root: the dataset's folder.
        train_file, val_file: label files, relative to `root`.
        processor: with the dictionary.
        max_unknown: share of texts with characters outside the dictionary above which that is an error.
        num_threads: that read and decode images.
    """
    faults = _layout_faults(root, train_file, val_file)
    if faults:
        return Checked(CheckReport(str(root), tuple(faults), {}, ""), [], [])
    splits = {"train": _read(root, train_file), "val": _read(root, val_file)}
    names = [name for split in splits.values() for name in split.names]
    content = fingerprint(root, [train_file, val_file, *names], num_threads)
    dictionary = hashlib.sha256("\n".join(processor.characters).encode()).hexdigest()
    key = {"check": "text_rec", "version": VERSION, "fingerprint": content.value, "dictionary": dictionary,
           "width": processor.width, "max_unknown": max_unknown, "files": [train_file, val_file]}  # fmt: skip
    kept = load_report(key)
    if kept is not None:
        report = CheckReport.from_json(kept | {"root": str(root)})
    else:
        findings, statistics = _check_content(splits, content.hashes, processor, max_unknown, num_threads)
        report = CheckReport(str(root), findings, statistics, content.value)
        save_report(key, report.to_json())
    faulty = {f"{finding.path}:{finding.line}" for finding in report.errors}
    train, val = ([crop for crop in split.crops if crop.where not in faulty] for split in splits.values())
    # What is not in the dictionary can't be learned, but evaluation has to count it as not read.
    return Checked(report, [crop for crop in train if not processor.unknown(crop.labels)], val)


def draw_samples(crops: Sequence[LineLabel], folder: Path, num_crops: int = 12) -> list[Path]:
    """Writes pictures of a few crops, spread over the file, with their texts under them."""
    chosen = spread(len(crops), num_crops)
    paths = []
    for index in chosen:
        path = folder / f"{crops[index].image.stem}.jpg"
        write_image(path, draw_lines(read_image(crops[index].image), [[(crops[index].labels, BLACK)]]))
        paths.append(path)
    return paths


def _layout_faults(root: Path, train_file: str, val_file: str) -> list[Finding]:
    expected = f"expected is {root}/ with images/*.jpg, {train_file} and {val_file}"
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        reason = f"the dataset's folder {what}: {expected}; set dataset.root"
        return [Finding(str(root), 0, "error", "root-missing", reason)]
    if train_file == val_file:
        reason = f"dataset.train and dataset.val are both {train_file}: validation needs crops of its own"
        return [Finding(train_file, 0, "error", "same-label-file", reason)]
    missing = [name for name in (train_file, val_file) if not (root / name).is_file()]
    others = sorted(path.name for path in root.glob("*.txt"))[:5]
    hint = f"label files there are {', '.join(others)}, name them with dataset.train and dataset.val; "
    remedy = hint * bool(others) + expected
    return [
        Finding(name, 0, "error", "label-file-missing", f"there is no {name} in {root}: {remedy}") for name in missing
    ]


def _read(root: Path, label_file: str) -> _Split:
    crops, findings = read_lines(root / label_file, root)
    base = root.absolute()
    return _Split(label_file, crops, [crop.image.relative_to(base).as_posix() for crop in crops], findings)


def _check_content(
    splits: dict[str, _Split],
    hashes: dict[str, str | None],
    processor: TextRecProcessor,
    max_unknown: float,
    num_threads: int,
) -> tuple[tuple[Finding, ...], dict[str, dict[str, Any]]]:
    """Findings by file and line, and statistics per split."""
    findings, statistics = [], {}
    for name, split in splits.items():
        with ThreadPoolExecutor(num_threads) as pool:
            opened = list(pool.map(lambda crop: _open(crop, processor), split.crops))
        sizes = np.asarray([size for size, _ in opened if size], np.float64).reshape(-1, 2)
        statistics[name] = _statistics(split, sizes, processor)
        findings += split.findings + [finding for _, found in opened for finding in found]
        findings += _duplicates(split, hashes) + _small(split, sizes) + _unknown(split, processor, max_unknown)
    findings += _leaks(splits["train"], splits["val"], hashes)
    order = {split.label_file: position for position, split in enumerate(splits.values())}
    return tuple(sorted(findings, key=lambda item: (order.get(item.path, 0), item.line))), statistics


def _open(crop: LineLabel, processor: TextRecProcessor) -> tuple[tuple[int, int] | None, list[Finding]]:
    """The crop's (height, width), None where it can't be read; and what is wrong with it."""
    try:
        height, width = read_image(crop.image).shape[:2]
    except ImageError as error:
        return None, [_finding(crop, "error", error.code, f"{crop.image.name}: {error.reason}")]
    findings = []
    if height > UPRIGHT * width and len(crop.labels) > 1:
        reason = (
            f"{crop.image.name}, of {len(crop.labels)} characters, is higher than wide ({width} x {height}): turn it"
        )
        findings.append(_finding(crop, "warning", "upright", reason))
    needed = steps_needed(processor.encode(crop.labels))
    steps = steps_of(processor.input_width((height, width))[1])
    if needed > steps:
        reason = (
            f"{crop.image.name} ({width} x {height}) is too narrow for its {len(crop.labels)} characters: the network "
            f"takes {steps} steps along it, the text needs {needed}"
        )
        findings.append(_finding(crop, "warning", "text-too-long", reason))
    return (height, width), findings


def _unknown(split: _Split, processor: TextRecProcessor, max_share: float) -> list[Finding]:
    """Characters outside the dictionary, the most frequent first, at the line where the first of them is."""
    per_crop = [(crop, processor.unknown(crop.labels)) for crop in split.crops]
    affected = [crop for crop, characters in per_crop if characters]
    if not affected:
        return []
    counts = Counter(character for _, characters in per_crop for character in characters)
    share = len(affected) / len(split.crops)
    is_error = share > max_share
    what_then = "these texts are not trained on, and count as not read in validation"
    if is_error:
        what_then = (
            f"more than module.max_unknown_share={max_share:g} allows; set module.dict=auto, or name a dictionary "
            "that has them with module.dict=/path/to/dict.txt"
        )
    reason = (
        f"{len(counts)} characters in {len(affected)} of {len(split.crops)} texts ({share:.1%}) are not in the "
        f"dictionary: {listed(counts.most_common())}; {what_then}"
    )
    # Of the whole file, though it has a place: an error of the line would leave out that crop alone.
    where = f"{reason}; the first is in line {affected[0].where.rpartition(':')[2]}"
    return [Finding(split.label_file, 0, "error" if is_error else "warning", "unknown-characters", where)]


def _duplicates(split: _Split, hashes: dict[str, str | None]) -> list[Finding]:
    """The same image more than once in one file."""
    findings: list[Finding] = []
    seen: dict[str, LineLabel] = {}
    for crop, name in zip(split.crops, split.names, strict=True):
        content = hashes[name]
        first = seen.setdefault(content, crop) if content else crop
        if first is crop:
            continue
        if first.labels != crop.labels:
            reason = f"{name} is the same picture as {first.image.name} of {first.where}, but with another text"
            findings.append(_finding(crop, "error", "two-texts", reason))
        elif first.image == crop.image:
            findings.append(_finding(crop, "warning", "image-twice", f"{name} is in {first.where} already"))
    return findings


def _leaks(train: _Split, val: _Split, hashes: dict[str, str | None]) -> list[Finding]:
    """Images of the validation file that are trained on: its figures would be too good."""
    trained = {hashes[name]: crop for crop, name in zip(train.crops, train.names, strict=True) if hashes[name]}
    findings = []
    for crop, name in zip(val.crops, val.names, strict=True):
        twin = trained.get(hashes[name])
        if twin is not None:
            # Short words printed alike can give equal crops by chance; the same file can't be one.
            level: Level = "error" if twin.image == crop.image else "warning"
            findings.append(_finding(crop, level, "train-and-val", f"the picture {name} is in {twin.where} as well"))
    return findings


def _small(split: _Split, sizes: np.ndarray) -> list[Finding]:
    share = float((sizes[:, 0] < SMALL_HEIGHT).mean()) if len(sizes) else 0.0
    if share < SMALL_SHARE:
        return []
    reason = f"{share:.0%} of the crops are lower than {SMALL_HEIGHT} pixels: cut them from larger images"
    return [Finding(split.label_file, 0, "warning", "crops-too-small", reason)]


def _statistics(split: _Split, sizes: np.ndarray, processor: TextRecProcessor) -> dict[str, Any]:
    texts = [crop.labels for crop in split.crops]
    unknown = [character for text in texts for character in processor.unknown(text)]
    return {
        "crops": len(split.crops),
        "documents": len({document_of(name) for name in split.names}),
        "characters": sum(map(len, texts)),
        "different_characters": len({character for text in texts for character in text}),
        "not_in_dictionary": len(unknown),
        "texts_with_space": sum(" " in text for text in texts),
        "text_length": _percentiles(np.asarray([len(text) for text in texts], np.float64)),
        "crop_height": _percentiles(sizes[:, 0]),
        "crop_width": _percentiles(sizes[:, 1]),
        "aspect_ratio": _percentiles(sizes[:, 1] / np.maximum(sizes[:, 0], 1)),
    }


def _percentiles(values: np.ndarray) -> dict[str, float]:
    """``{"min": …, "p1": …, …, "max": …}``; empty where there is no value."""
    if len(values) == 0:
        return {}
    inner = {f"p{share}": value for share, value in zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True)}
    return {name: round(float(value), 2) for name, value in {"min": values.min(), **inner, "max": values.max()}.items()}


def _finding(crop: LineLabel, level: Level, code: str, reason: str) -> Finding:
    path, _, line = crop.where.rpartition(":")
    return Finding(path, int(line), level, code, reason)
