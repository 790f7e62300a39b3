#!/usr/bin/env python3
"""Draws pictures of several clothes each, in PaddleX's MLClsDataset layout, for module=image_mlcls.

python scripts/draw_wardrobe.py datasets/wardrobe

Each picture has one to four of the embedded clothes in a grid of two by two, moved a little, so what is on it is
known exactly. Clothes of training and validation are others, as they are in their source.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

CLOTHES = Path(__file__).resolve().parents[1] / "datasets" / "clothes"
SPLITS = ("train", "val")
SIDE, CELL, CLOTH = 72, 36, 28
"""Pixels of a picture, of a cell of its grid and of what lies in it."""
CELLS = 4
QUALITY = 92


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("--train", type=int, default=600, help="pictures to train on")
    parser.add_argument("--val", type=int, default=200, help="pictures to validate on")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    (given.target / "images").mkdir(parents=True, exist_ok=True)
    names = (CLOTHES / "label.txt").read_text("utf-8")
    (given.target / "label.txt").write_text(names, "utf-8")
    for place, split in enumerate(SPLITS):
        rng = np.random.default_rng([given.seed, place])
        write(given.target, split, getattr(given, split), len(names.splitlines()), rng)


def write(target: Path, split: str, count: int, num_classes: int, rng: np.random.Generator) -> None:
    """One split: its pictures and its label file."""
    lines = (CLOTHES / f"{split}.txt").read_text("utf-8").splitlines()
    clothes = [(CLOTHES / name, int(number)) for name, number in (line.split() for line in lines)]
    rows = []
    for number in range(count):
        chosen = [clothes[index] for index in rng.choice(len(clothes), int(rng.integers(1, CELLS + 1)), replace=False)]
        name = f"images/{split}_{number:04d}.jpg"
        encoded = cv2.imencode(".jpg", picture([path for path, _ in chosen], rng), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        (target / name).write_bytes(encoded[1].tobytes())
        held = {label for _, label in chosen}
        rows.append(f"{name}\t{','.join(str(int(label in held)) for label in range(num_classes))}\n")
    (target / f"{split}.txt").write_text("".join(rows), "utf-8")


def picture(paths: list[Path], rng: np.random.Generator) -> np.ndarray:
    """Clothes on black, each somewhere in a cell of its own, uint8 (72, 72)."""
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    for cell, path in zip(rng.permutation(CELLS), paths, strict=False):
        top, left = (CELL * part + int(rng.integers(CELL - CLOTH + 1)) for part in divmod(int(cell), 2))
        canvas[top : top + CLOTH, left : left + CLOTH] = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return canvas


if __name__ == "__main__":
    main()
