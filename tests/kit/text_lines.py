"""Crops of short printed texts, as files in the layout of text recognition."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

TEXTS = ("ab", "b a", "cab", "abc abc", "c", "bb", "acb", "a c")


def draw_text(text: str, height: int = 24) -> np.ndarray:
    """`text` in black on white, uint8 (height, w, 3) BGR, as wide as it needs."""
    size, _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.7, 2)
    image = np.full((height, size[0] + 8, 3), 255, np.uint8)
    cv2.putText(image, text, (4, height - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    return image


def make_lines(root: Path, train: tuple[str, ...] = TEXTS, val: tuple[str, ...] = TEXTS[:3]) -> Path:
    """A dataset of drawn texts; crops of the two splits differ in a pixel's row."""
    (root / "images").mkdir(parents=True)
    for split, texts, height in (("train", train, 24), ("val", val, 25)):
        lines = []
        for index, text in enumerate(texts):
            name = f"images/{split}_{index:04d}.png"
            cv2.imwrite(str(root / name), draw_text(text, height))
            lines.append(f"{name}\t{text}\n")
        (root / f"{split}.txt").write_text("".join(lines), "utf-8")
    return root
