"""Image classification in seconds: a quarter of PP-LCNet on noisy pictures of three colours."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from kit.rooms import TinyRoom

NAMES = ("red", "green", "blue")


def make_colours(root: Path) -> Path:
    """Noisy pictures of three colours, of a size of their own each."""
    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    for split, count in (("train", 30), ("val", 9)):
        lines = []
        for index in range(count):
            number = index % 3
            image = rng.integers(0, 120, (20 + index, 30, 3), np.uint8)
            image[:, :, 2 - number] += 120
            cv2.imwrite(str(root / f"images/{split}_{index}.png"), image)
            lines.append(f"images/{split}_{index}.png {number}\n")
        (root / f"{split}.txt").write_text("".join(lines))
    (root / "label.txt").write_text("".join(f"{number} {name}\n" for number, name in enumerate(NAMES)))
    return root


def spoil(dataset: Path) -> str:
    """Gives the fourth picture a class that ``label.txt`` does not have."""
    lines = (dataset / "train.txt").read_text().splitlines()
    lines[3] = lines[3].replace(" 0", " 7")
    (dataset / "train.txt").write_text("\n".join(lines) + "\n")
    return r"train\.txt:4\b.*7"


TINY = TinyRoom(
    make_dataset=make_colours,
    overrides=(
        "module.network=PP-LCNet_x0_25",
        "module.stem_stride=1",
        "module.size=[16,16]",
        "module.dropout=0.1",
        "module.augment.mixup=0.2",
        "module.augment.colour=0",
        "weights=null",
        "trainer.ema_decay=null",
        "optimizer.lr=3e-3",
        "trainer.batch_size=8",
        "trainer.epochs=2",
        "trainer.eval_every_epochs=1",
        "trainer.log_every_steps=1",
    ),
    by_heart=("module.augment.crop=[1,1]", "module.augment.mixup=0", "optimizer.lr=1e-2"),
    drawn=("module.augment.colour=0.3", "module.augment.erase_probability=0.5"),
    spoil=spoil,
)
