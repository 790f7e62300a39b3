"""Drawn pages, and tiny runs of text detection on them, for tests to which any run will do."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from kit.runs import arguments_of, train_room

train = partial(train_room, "text_det")
arguments = partial(arguments_of, "text_det")


def make_pages(root: Path, num_train: int = 6, num_val: int = 2) -> Path:
    """Pages of 96 x 160 with two words each; names say three documents."""
    (root / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    files = {"train.txt": range(num_train), "val.txt": range(num_train, num_train + num_val)}
    for name, indices in files.items():
        lines = []
        for index in indices:
            image = np.full((96, 160, 3), 255, np.uint8)
            labels = []
            for row in (30, 70):
                x = int(rng.integers(5, 60))
                cv2.putText(image, "word", (x, row), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2)
                points = [[x, row - 20], [x + 70, row - 20], [x + 70, row + 4], [x, row + 4]]
                labels.append({"transcription": "word", "points": points})
            file = f"images/doc{index % 3}_{index:04d}.png"
            cv2.imwrite(str(root / file), image)
            lines.append(f"{file}\t{json.dumps(labels)}\n")
        (root / name).write_text("".join(lines))
    return root
