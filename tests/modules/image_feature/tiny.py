"""Image features in seconds: a quarter of PP-LCNet on patches of patterns, of which some are never trained on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from kit.rooms import TinyRoom

TRAINED, UNSEEN, IMAGES = 6, 4, 4


def make_patterns(root: Path) -> Path:
    """Noisy pictures of one pattern of colours each; gallery and query show other patterns than are trained on."""
    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    lines: dict[str, list[str]] = {"train": [], "gallery": [], "query": []}
    for number in range(TRAINED + UNSEEN):
        pattern = cv2.resize(rng.integers(0, 200, (3, 3, 3), np.uint8), (24, 24), interpolation=cv2.INTER_NEAREST)
        for place in range(IMAGES):
            name = f"images/{number}_{place}.png"
            cv2.imwrite(str(root / name), pattern + rng.integers(0, 56, pattern.shape, np.uint8))
            split = "train" if number < TRAINED else "query" if place % 2 else "gallery"
            lines[split].append(f"{name} {number}\n")
    for split, of_split in lines.items():
        (root / f"{split}.txt").write_text("".join(of_split))
    return root


def spoil(dataset: Path) -> str:
    """Takes the class off the fourth query."""
    lines = (dataset / "query.txt").read_text().splitlines()
    lines[3] = lines[3].rpartition(" ")[0]
    (dataset / "query.txt").write_text("\n".join(lines) + "\n")
    return r"query\.txt:4\b.*image path, a space and a class number"


TINY = TinyRoom(
    make_dataset=make_patterns,
    overrides=(
        "module.network=PP-LCNet_x0_25",
        "module.stem_stride=1",
        "module.size=[16,16]",
        "module.dimensions=32",
        "module.loss=arcface",
        "module.freeze_norm=false",
        "module.dropout=0.1",
        "module.augment.crop=[0.9,1]",
        "module.augment.colour=0",
        "weights=null",
        "trainer.ema_decay=null",
        "optimizer.lr=3e-3",
        "trainer.batch_size=8",
        "trainer.epochs=2",
        "trainer.eval_every_epochs=1",
        "trainer.log_every_steps=1",
    ),
    by_heart=("module.augment.crop=[1,1]", "optimizer.lr=5e-3"),
    drawn=("module.augment.colour=0.3", "module.augment.shift=2"),
    spoil=spoil,
)
