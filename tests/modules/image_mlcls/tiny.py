"""Multi-label classification in seconds: a quarter of PP-LCNet on which of three colours is in a picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from kit.rooms import TinyRoom

NAMES = ("red", "green", "blue")


def make_bands(root: Path) -> Path:
    """Noisy pictures with a band for each colour that is there."""
    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    for split, count in (("train", 32), ("val", 10)):
        lines = []
        for index in range(count):
            held = [(index >> place) & 1 for place in range(3)]
            image = rng.integers(0, 60, (24, 24, 3), np.uint8)
            for place in np.flatnonzero(held):
                image[8 * place : 8 * place + 8, :, 2 - place] += 180
            cv2.imwrite(str(root / f"images/{split}_{index}.png"), image)
            lines.append(f"images/{split}_{index}.png\t{','.join(map(str, held))}\n")
        (root / f"{split}.txt").write_text("".join(lines))
    (root / "label.txt").write_text("".join(f"{number} {name}\n" for number, name in enumerate(NAMES)))
    return root


def spoil(dataset: Path) -> str:
    """Takes a label off the fourth picture."""
    lines = (dataset / "train.txt").read_text().splitlines()
    lines[3] = lines[3].rpartition(",")[0]
    (dataset / "train.txt").write_text("\n".join(lines) + "\n")
    return r"train\.txt:4\b.*2 labels.*3"


TINY = TinyRoom(
    make_dataset=make_bands,
    overrides=(
        "module.network=PP-LCNet_x0_25",
        "module.stem_stride=1",
        "module.size=[16,16]",
        "module.dropout=0.1",
        "module.augment.crop=[0.9,1]",
        "module.augment.colour=0",
        "module.augment.shift=0",
        "weights=null",
        "trainer.ema_decay=null",
        "optimizer.lr=3e-3",
        "trainer.batch_size=8",
        "trainer.epochs=2",
        "trainer.eval_every_epochs=1",
        "trainer.log_every_steps=1",
    ),
    by_heart=("module.augment.crop=[1,1]", "optimizer.lr=5e-3"),
    drawn=("module.augment.colour=0.3", "module.augment.mixup=0.2"),
    spoil=spoil,
)
