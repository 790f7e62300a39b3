#!/usr/bin/env python3
"""Draws tables with and without ruled lines in PaddleX's ClsDataset layout, for module=table_cls.

python scripts/draw_tables.py data/tables

The texts of the cells are those of the embedded manuals, in validation other ones than in training. All else is drawn:
a model that is right about these has yet to be right about yours. Wired tables have a line around every cell,
some of them faint; wireless ones have none, or rules above and below the header and at the end, or shaded rows.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

TEXTS = Path(__file__).resolve().parents[1] / "datasets" / "pages_text"
CLASSES = ("wired_table", "wireless_table")
SPLITS = ("train", "val")
STYLES = ("bare", "rules", "shaded")
"""Of tables without lines around their cells."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("--train", type=int, default=240, help="tables to train on, half of them wired")
    parser.add_argument("--val", type=int, default=160, help="tables to validate on")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    (given.target / "images").mkdir(parents=True, exist_ok=True)
    names = "".join(f"{number} {name}\n" for number, name in enumerate(CLASSES))
    (given.target / "label.txt").write_text(names, "utf-8")
    for place, split in enumerate(SPLITS):
        write(given.target, split, getattr(given, split), np.random.default_rng([given.seed, place]))


def write(target: Path, split: str, count: int, rng: np.random.Generator) -> None:
    """One split: tables, wired and wireless in turn, and its label file."""
    lines = (TEXTS / f"{split}.txt").read_text("utf-8").splitlines()
    # The font that comes with the package knows no others.
    words = [word for line in lines for word in line.partition("\t")[2].split() if word.isascii()]
    labels = []
    for number in range(count):
        is_wireless = number % len(CLASSES)
        name = f"images/{split}_{number:04d}.jpg"
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 95))]
        picture = scanned(table(words, bool(is_wireless), rng), rng)
        (target / name).write_bytes(cv2.imencode(".jpg", picture, quality)[1].tobytes())
        labels.append(f"{name} {is_wireless}\n")
    (target / f"{split}.txt").write_text("".join(labels), "utf-8")


def table(words: list[str], is_wireless: bool, rng: np.random.Generator) -> np.ndarray:
    """A table, upright and sharp: uint8 (H, W, 3)."""
    size, rows = int(rng.integers(11, 20)), int(rng.integers(3, 13))
    widths = rng.integers(4, 13, int(rng.integers(2, 7))) * size
    height = int(size * rng.uniform(1.5, 2.4))
    left, top = (int(edge) for edge in rng.integers(6, 40, 2))
    right, bottom = left + int(widths.sum()), top + rows * height
    paper = int(rng.integers(225, 256))
    image = Image.new("RGB", (right + left, bottom + top), (paper,) * 3)
    draw = ImageDraw.Draw(image)
    columns = [left, *(left + int(edge) for edge in widths.cumsum())]
    lines = [top + row * height for row in range(rows + 1)]
    style = str(rng.choice(STYLES)) if is_wireless else "wired"
    rule(draw, columns, lines, style, rng)
    ink = (int(rng.integers(0, 90)),) * 3
    for row in range(rows):
        for column, width in zip(columns, widths, strict=False):
            text = cell(words, int(width), size, rng)
            draw.text((column + 4, lines[row] + (height - size) // 2 - 1), text, ink, ImageFont.load_default(size))
    return np.asarray(image)


def rule(draw: ImageDraw.ImageDraw, columns: list[int], lines: list[int], style: str, rng: np.random.Generator) -> None:
    """Lines and shades of a table whose columns and rows begin and end there."""
    colour, width = (int(rng.integers(0, 190)),) * 3, int(rng.integers(1, 4))
    left, right, top, bottom = columns[0], columns[-1], lines[0], lines[-1]
    if style == "shaded":
        for upper, lower in list(pairwise(lines))[::2]:
            draw.rectangle((left, upper, right, lower), (int(rng.integers(205, 225)),) * 3)
    if style in ("wired", "rules"):
        for y in lines if style == "wired" else (top, lines[1], bottom):
            draw.line((left, y, right, y), colour, width)
    if style == "wired":
        for x in columns:
            draw.line((x, top, x, bottom), colour, width)


def cell(words: list[str], width: int, size: int, rng: np.random.Generator) -> str:
    """Words that fit into `width` pixels; numbers or nothing now and then."""
    kind = rng.random()
    if kind < 0.1:
        return ""
    if kind < 0.4:
        return f"{rng.uniform(0, 2000):.{rng.integers(0, 3)}f}"
    start = int(rng.integers(len(words) - 8))
    text = " ".join(words[start : start + int(rng.integers(1, 5))])
    return text[: max(int(width / (0.62 * size)) - 1, 1)]


def scanned(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture slightly turned, blurred and noisy."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.normal(0, 0.8)), 1.0)
    turned = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    blurred = cv2.GaussianBlur(turned, (0, 0), float(rng.uniform(0.3, 1.0)))
    noisy = blurred + rng.normal(0, rng.uniform(0, 8), blurred.shape[:2])[..., None]
    return np.clip(noisy, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
