"""Semantic segmentation in seconds: bright discs and rectangles of two colours on dark noise."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from kit.rooms import TinyRoom

NAMES = ("_background_", "disc", "rectangle")
SIDE = 64


def make_shapes(root: Path) -> Path:
    """Pictures with a red disc and a blue rectangle each, and masks of them."""
    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    (root / "annotations").mkdir()
    for split, count in (("train", 16), ("val", 6)):
        lines = []
        for index in range(count):
            image = rng.integers(0, 60, (SIDE, SIDE, 3), np.uint8)
            mask = np.zeros((SIDE, SIDE), np.uint8)
            x, y = (int(place) for place in rng.integers(14, 22, 2))
            cv2.circle(mask, (x, y), 11, 1, -1)
            left, top = (int(place) for place in rng.integers(32, 38, 2))
            mask[top : top + 20, left : left + 22] = 2
            image[mask == 1, 2] += 180
            image[mask == 2, 0] += 180
            name = f"{split}_{index}"
            cv2.imwrite(str(root / f"images/{name}.png"), image)
            cv2.imwrite(str(root / f"annotations/{name}.png"), mask)
            lines.append(f"images/{name}.png annotations/{name}.png\n")
        (root / f"{split}.txt").write_text("".join(lines))
    (root / "label.txt").write_text("".join(f"{number} {name}\n" for number, name in enumerate(NAMES)))
    return root


def spoil(dataset: Path) -> str:
    """Gives the mask of the fourth picture another size."""
    path = dataset / "annotations/train_3.png"
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(path), mask[:-4])
    return r"train\.txt:4\b.*64 x 60.*64 x 64"


TINY = TinyRoom(
    make_dataset=make_shapes,
    overrides=(
        "module.size=[64,64]",
        "module.augment.scale=[1,1]",
        "module.augment.aspect=1",
        "module.augment.rare=0",
        "module.augment.flip=false",
        "module.augment.colour=0",
        "weights=null",
        "trainer.ema_decay=null",
        "optimizer.lr=2e-3",
        "trainer.batch_size=4",
        "trainer.epochs=2",
        "trainer.eval_every_epochs=1",
        "trainer.log_every_steps=1",
    ),
    by_heart=("optimizer.lr=5e-3",),
    drawn=(
        *("module.augment.scale=[0.7,1.4]", "module.augment.aspect=1.2", "module.augment.rare=0.5"),
        *("module.augment.flip=true", "module.augment.flip_vertical=true", "module.augment.turn=true"),
        *("module.augment.colour=0.3", "module.augment.blur=0.3"),
        *("module.loss.dice=0.5", "module.loss.lovasz=0.5", "module.loss.boundary=0.5"),
    ),
    spoil=spoil,
)
