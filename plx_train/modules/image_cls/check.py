"""Checks an image classification dataset: every line of its label files, every image, and its classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.data.findings import Checked, CheckReport, Finding, Level
from plx_train.data.fingerprint import fingerprint, load_report, save_report
from plx_train.ground.errors import ConfigError, DataError
from plx_train.ground.files import user_path
from plx_train.ground.spread import spread
from plx_train.modules.image_cls.labels import (
    QUARTER,
    ClsLabel,
    read_classes,
    read_images,
    read_samples,
    turned_samples,
)
from plx_train.modules.image_cls.overlay import GREY, draw_lines
from plx_train.modules.image_cls.rehead import classes_of
from plx_train.vision.image import ImageError, read_image, write_image

if TYPE_CHECKING:
    from plx_train.config.options import DatasetOptions
    from plx_train.modules.image_cls.config import ImageClsConfig

VERSION = 1
"""Of this check; reports of other versions are not reused."""
IMBALANCE = 20
"""The largest class is so many times the smallest when the check speaks of it."""


@dataclass(frozen=True)
class _Split:
    """A label file that was read: its samples, their images' names relative to the root, and findings."""

    label_file: str
    samples: list[ClsLabel]
    names: list[str]
    findings: list[Finding]


def resolve(dataset: DatasetOptions, module: ImageClsConfig, weights: str | None, is_trained: bool) -> ImageClsConfig:
    """The module's options with the names of the classes, and their weights where these are asked for.

    Args:
        weights: what the network's weights are read from; None from scratch.
        is_trained: they are of a finished model, whose classes are its own.

    Raises:
        UserError: there are no classes.
    """
    if module.class_weights not in ("none", "balanced"):
        raise ConfigError(f"module.class_weights must be none or balanced, not {module.class_weights!r}")
    if is_trained and weights is not None:
        found = classes_of(Path(weights))
        if not found:
            raise DataError(f"{weights} does not say which classes it knows")
        return replace(module, classes=list(found), weight_of_class=None)
    if module.rotations:
        return replace(module, classes=list(_rotation_names(module)), weight_of_class=None)
    root = user_path(dataset.root)
    classes, _ = read_classes(root / module.label_file, root)
    train = read_samples(root / dataset.train, root, classes)[0] if (root / dataset.train).is_file() else []
    if classes is None:
        classes = [str(number) for number in range(max((sample.labels for sample in train), default=0) + 1)]
    weights_of = _balanced(train, len(classes)) if module.class_weights == "balanced" else None
    return replace(module, classes=classes or ["0"], weight_of_class=weights_of)


def _balanced(samples: Sequence[ClsLabel], num_classes: int) -> list[float]:
    """Weights with which the classes count alike, and samples 1 on average."""
    counts = Counter(sample.labels for sample in samples)
    present = max(len(counts), 1)
    return [len(samples) / (present * counts[number]) if counts[number] else 0.0 for number in range(num_classes)]


def _rotation_names(module: ImageClsConfig) -> list[str]:
    rotations = module.rotations or []
    names = module.rotation_names or [str(degrees) for degrees in rotations]
    if any(degrees % QUARTER or not 0 <= degrees < 360 for degrees in rotations) or len(set(rotations)) < 2:
        raise ConfigError(f"module.rotations must be two or more of 0, 90, 180 and 270, not {rotations}")
    if len(names) != len(rotations):
        raise ConfigError(f"module.rotation_names has {len(names)} names for {len(rotations)} rotations")
    return names


def check(dataset: DatasetOptions, module: ImageClsConfig) -> Checked:
    """Checks the dataset of a run, whose module options were resolved."""
    root = user_path(dataset.root)
    return check_image_cls(root, dataset.train, dataset.val, module)


def check_image_cls(
    root: Path, train_file: str, val_file: str, module: ImageClsConfig, num_threads: int = 2
) -> Checked:
    """Checks every line and image of a dataset; nothing wrong with it is raised.

    The outcome for the same content is kept between runs, so that images are opened once only.

    Args:
        root: the dataset's folder.
        train_file, val_file: label files, relative to `root`.
        module: with the classes.
        num_threads: that read and decode images.
    """
    faults = _layout_faults(root, train_file, val_file)
    if faults:
        return Checked(CheckReport(str(root), tuple(faults), {}, ""), [], [])
    classes, class_file = (None, None) if module.rotations else read_classes(root / module.label_file, root)
    splits = {"train": _read(root, train_file, module, classes), "val": _read(root, val_file, module, classes)}
    extra = [module.label_file] if classes is not None else []
    names = [name for split in splits.values() for name in split.names]
    content = fingerprint(root, [train_file, val_file, *extra, *names], num_threads)
    key = {"check": "image_cls", "version": VERSION, "fingerprint": content.value, "files": [train_file, val_file],
           "rotations": module.rotations, "classes": module.classes, "label_file": module.label_file}  # fmt: skip
    kept = load_report(key)
    if kept is not None:
        report = CheckReport.from_json(kept | {"root": str(root)})
    else:
        findings = list(class_file.findings) if class_file else []
        findings += _check_content(splits, content.hashes, bool(module.rotations), module.classes or [], num_threads)
        order = {name: place for place, name in enumerate([module.label_file, train_file, val_file])}
        findings.sort(key=lambda finding: (order.get(finding.path, 0), finding.line))
        statistics = {name: _statistics(split, module) for name, split in splits.items()}
        report = CheckReport(str(root), tuple(findings), statistics, content.value)
        save_report(key, report.to_json())
    faulty = {f"{finding.path}:{finding.line}" for finding in report.errors}
    train, val = ([sample for sample in split.samples if sample.where not in faulty] for split in splits.values())
    if module.rotations:
        names = module.classes or []
        train, val = (turned_samples(images, module.rotations, names) for images in (train, val))
    return Checked(report, train, val)


def draw_samples(samples: Sequence[ClsLabel], folder: Path, num_images: int = 12) -> list[Path]:
    """Writes pictures of a few samples, spread over the file, with their classes under them."""
    chosen = spread(len(samples), num_images)
    paths = []
    for index in chosen:
        sample = samples[index]
        path = folder / f"{index}_{sample.image.stem}.jpg"
        write_image(path, draw_lines(sample.read(), [(f"{sample.labels}: {sample.class_name}", GREY)]))
        paths.append(path)
    return paths


def _layout_faults(root: Path, train_file: str, val_file: str) -> list[Finding]:
    expected = f"expected is {root}/ with images/*.jpg, label.txt, {train_file} and {val_file}"
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        reason = f"the dataset's folder {what}: {expected}; set dataset.root"
        return [Finding(str(root), 0, "error", "root-missing", reason)]
    if train_file == val_file:
        reason = f"dataset.train and dataset.val are both {train_file}: validation needs images of its own"
        return [Finding(train_file, 0, "error", "same-label-file", reason)]
    return [
        Finding(name, 0, "error", "label-file-missing", f"there is no {name} in {root}: {expected}")
        for name in (train_file, val_file)
        if not (root / name).is_file()
    ]


def _read(root: Path, label_file: str, module: ImageClsConfig, classes: Sequence[str] | None) -> _Split:
    path = root / label_file
    samples, file = read_images(path, root) if module.rotations else read_samples(path, root, classes or module.classes)
    base = root.absolute()
    names = [sample.image.relative_to(base).as_posix() for sample in samples]
    return _Split(label_file, samples, names, file.findings)


def _check_content(
    splits: dict[str, _Split], hashes: dict[str, str | None], turns: bool, classes: Sequence[str], num_threads: int
) -> list[Finding]:
    findings: list[Finding] = []
    for split in splits.values():
        with ThreadPoolExecutor(num_threads) as pool:
            opened = list(pool.map(_open, split.samples))
        findings += split.findings + [finding for finding in opened if finding] + _duplicates(split, hashes)
    findings += _leaks(splits["train"], splits["val"], hashes)
    return findings if turns else findings + _class_findings(splits, classes)


def _open(sample: ClsLabel) -> Finding | None:
    """What is wrong with the image."""
    try:
        read_image(sample.image)
    except ImageError as error:
        return _finding(sample, "error", error.code, f"{sample.image.name}: {error.reason}")
    return None


def _duplicates(split: _Split, hashes: dict[str, str | None]) -> list[Finding]:
    """The same picture more than once in one file."""
    findings: list[Finding] = []
    seen: dict[str, ClsLabel] = {}
    for sample, name in zip(split.samples, split.names, strict=True):
        content = hashes[name]
        first = seen.setdefault(content, sample) if content else sample
        if first is sample:
            continue
        if first.labels != sample.labels:
            reason = f"{name} is the same picture as {first.image.name} of {first.where}, but of another class"
            findings.append(_finding(sample, "error", "two-classes", reason))
        else:
            findings.append(_finding(sample, "warning", "image-twice", f"{name} is in {first.where} already"))
    return findings


def _leaks(train: _Split, val: _Split, hashes: dict[str, str | None]) -> list[Finding]:
    """Pictures of the validation file that are trained on: its figures would be too good."""
    trained = {hashes[name]: sample for sample, name in zip(train.samples, train.names, strict=True) if hashes[name]}
    findings = []
    for sample, name in zip(val.samples, val.names, strict=True):
        twin = trained.get(hashes[name])
        if twin is not None:
            # Small pictures can be equal by chance; the same file can't be one.
            level: Level = "error" if twin.image == sample.image else "warning"
            findings.append(_finding(sample, level, "train-and-val", f"the picture {name} is in {twin.where} as well"))
    return findings


def _class_findings(splits: dict[str, _Split], classes: Sequence[str]) -> list[Finding]:
    train = Counter(sample.labels for sample in splits["train"].samples)
    val = Counter(sample.labels for sample in splits["val"].samples)
    findings = []
    unseen = [number for number in sorted(val) if not train[number]]
    if unseen:
        listed = ", ".join(classes[number] for number in unseen[:10] if number < len(classes))
        reason = f"{len(unseen)} classes are in validation but never trained on: {listed}"
        findings.append(Finding(splits["val"].label_file, 0, "warning", "class-not-trained", reason))
    empty = [name for number, name in enumerate(classes) if not train[number]]
    if empty and train:
        reason = f"{len(empty)} of {len(classes)} classes have no training image: {', '.join(empty[:10])}"
        findings.append(Finding(splits["train"].label_file, 0, "warning", "class-empty", reason))
    if len(train) > 1 and max(train.values()) >= IMBALANCE * min(train.values()):
        reason = (
            f"the largest class has {max(train.values())} images and the smallest {min(train.values())}: "
            "consider module.class_weights=balanced"
        )
        findings.append(Finding(splits["train"].label_file, 0, "warning", "imbalance", reason))
    return findings


def _statistics(split: _Split, module: ImageClsConfig) -> dict[str, Any]:
    counts = Counter(sample.labels for sample in split.samples)
    if module.rotations:
        return {"images": len(split.samples), "samples": len(split.samples) * len(module.rotations)}
    values = np.asarray(sorted(counts.values()) or [0])
    spread = {"min": int(values[0]), "p50": float(np.median(values)), "max": int(values[-1])}
    return {"images": len(split.samples), "classes": len(counts), "images_per_class": spread}


def _finding(sample: ClsLabel, level: Level, code: str, reason: str) -> Finding:
    path, _, line = sample.where.rpartition(":")
    return Finding(path, int(line), level, code, reason)
