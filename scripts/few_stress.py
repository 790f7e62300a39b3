"""Datasets from whose pool it is hard to learn: unbalanced the other way round, foreign images in it, wrong labels.

A copy of the dataset's folder, of links where the disk has them, is given label files of its own; the user's stay as
they are, and the validation and test splits too.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from plx_train.ground.portions import Portion, parse_portion
from plx_train.vision.image import IMAGE_SUFFIXES, read_image

IMBALANCE, FOREIGN, WRONG = KINDS = ("imbalance", "foreign", "wrong")
Coco = dict[str, list[dict[str, object]]]
TIMES = 10.0
"""Labels of the commonest class to those of the rarest, and images of the pool the other way round."""
SHARE_FOREIGN, SHARE_WRONG = 0.3, 0.1
CROPPED = (0.2, 0.6)
"""Shares of a page's shorter side that foreign images show."""


def copied(root: Path, target: Path) -> Path:
    """All of the folder `root` in `target`."""
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        place = target / path.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            continue
        try:
            os.link(path, place)
        except OSError:
            shutil.copyfile(path, place.with_name(f"{place.name}.part")).replace(place)
    return target


def unbalanced(root: Path, train: str, part: str, seed: int) -> list[str]:
    """Options of a run whose labels are `TIMES` to 1 over the classes, and its pool 1 to `TIMES`.

    Which classes are common is drawn by `seed`; `part` says how many labels there are in all.
    """
    labelled, pool = (f"{kind}-{part.replace('/', '_').replace('%', 'pct')}-{seed}.txt" for kind in ("labels", "pool"))
    if not (root / pool).is_file():
        lines: dict[str, list[str]] = {}
        for line in (root / train).read_text("utf-8").splitlines():
            if "\t" in line or " " not in line:
                raise SystemExit(f"--stress imbalance needs lines 'image class', which {train} has not")
            lines.setdefault(line.rsplit(" ", 1)[1], []).append(line)
        rng = np.random.default_rng(seed)
        shares = TIMES ** -np.linspace(0, 1, len(lines))[rng.permutation(len(lines))]
        total = _total(parse_portion(part, "--labelled"), lines)
        given: list[str] = []
        rest: list[list[str]] = []
        for number, of_class in zip(_numbers(shares, total), lines.values(), strict=True):
            order = [of_class[place] for place in rng.permutation(len(of_class))]
            given, rest = [*given, *order[:number]], [*rest, order[number:]]
        most = min(len(left) * share for left, share in zip(rest, shares.tolist(), strict=True))
        drawn = [left[: max(int(most / share), 1)] for left, share in zip(rest, shares.tolist(), strict=True)]
        _write(root / labelled, given)
        _write(root / pool, [line for left in drawn for line in left])
    return [f"dataset.train={labelled}", f"dataset.pool={root / pool}"]


def _total(portion: Portion, lines: dict[str, list[str]]) -> int:
    return portion.number * len(lines) if portion.is_per_class else portion.of(sum(map(len, lines.values())))


def _numbers(shares: np.ndarray, total: int) -> list[int]:
    return [max(round(total * share), 1) for share in (shares / shares.sum()).tolist()]


def _write(path: Path, lines: Sequence[str]) -> None:
    """In one piece: a file that is there was written to its end."""
    temporary = path.with_suffix(".part")
    temporary.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    temporary.replace(path)


def with_foreign(pool: Path, images: Sequence[Path], pages: Path) -> Path:
    """A folder of images of which a share `SHARE_FOREIGN` shows other things: cut from `pages`, in sizes of theirs."""
    if pool.is_dir():
        return pool
    temporary = pool.with_name(f".{pool.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for number, path in enumerate(images):
        shutil.copyfile(path, temporary / f"{number}{path.suffix}")
    rng = np.random.default_rng(0)
    sources = sorted(path for path in pages.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    for number in range(round(SHARE_FOREIGN / (1 - SHARE_FOREIGN) * len(images))):
        height, width = read_image(images[int(rng.integers(len(images)))]).shape[:2]
        page = read_image(sources[rng.integers(len(sources))])
        scale = rng.uniform(*CROPPED) * min(page.shape[0] / height, page.shape[1] / width)
        size = (max(int(height * scale), 1), max(int(width * scale), 1))
        top, left = (int(rng.integers(whole - own + 1)) for whole, own in zip(page.shape, size, strict=False))
        part = page[top : top + size[0], left : left + size[1]]
        cv2.imwrite(
            str(temporary / f"foreign_{number}.png"), cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
        )
    return temporary.rename(pool)


def with_wrong(root: Path, train: str, seed: int) -> str:
    """Name of a label file beside `train` in which a share `SHARE_WRONG` of the labels is another's."""
    file = root / train
    wrong = file.with_name(f"{file.stem}-wrong-{seed}{file.suffix}")
    if not wrong.is_file():
        rng = np.random.default_rng(seed)
        if file.suffix == ".json":
            _write(wrong, [json.dumps(_wrong_boxes(json.loads(file.read_text("utf-8")), rng))])
        else:
            _write(wrong, _wrong_lines(file.read_text("utf-8").splitlines(), rng))
    return wrong.relative_to(root).as_posix()


def _wrong_lines(lines: list[str], rng: np.random.Generator) -> list[str]:
    """Lines of which some have the label of a line that is labelled otherwise."""
    parted = [line.split("\t", 1) if "\t" in line else line.rsplit(" ", 1) for line in lines]
    between, labels = ["\t" if "\t" in line else " " for line in lines], [label for _, label in parted]
    for place in rng.choice(len(lines), max(round(SHARE_WRONG * len(lines)), 1), replace=False):
        others = [label for _, label in parted if label != parted[place][1]]
        labels[place] = others[rng.integers(len(others))]
    return [f"{image}{mark}{label}" for (image, _), mark, label in zip(parted, between, labels, strict=True)]


def _wrong_boxes(content: Coco, rng: np.random.Generator) -> Coco:
    """A COCO file of which some boxes are of another category, or are gone where there is but one."""
    rows, ids = content["annotations"], [one["id"] for one in content["categories"]]
    chosen = {int(place) for place in rng.choice(len(rows), max(round(SHARE_WRONG * len(rows)), 1), replace=False)}
    if len(ids) == 1:
        return content | {"annotations": [row for place, row in enumerate(rows) if place not in chosen]}
    for place in chosen:
        others = [one for one in ids if one != rows[place]["category_id"]]
        rows[place]["category_id"] = others[rng.integers(len(others))]
    return {**content}
