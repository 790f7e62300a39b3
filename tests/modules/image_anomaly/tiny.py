"""Anomaly detection in seconds: a random teacher, whose student learns stripes and is shown blots on them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from kit.rooms import TinyRoom

SIDE = 64


def striped(rng: np.random.Generator) -> np.ndarray:
    """A good picture: stripes, moved at random."""
    phase = rng.uniform(0, 6)
    levels = 120 + 60 * np.sin(np.arange(SIDE) / 2 + phase)
    noise = rng.normal(0, 4, (SIDE, SIDE, 3))
    return np.clip(levels[None, :, None] + noise, 0, 255).astype(np.uint8)


def blotted(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A picture with a blot, and the mask of that, of 255."""
    image, mask = striped(rng), np.zeros((SIDE, SIDE), np.uint8)
    x, y = rng.integers(18, SIDE - 18, 2)
    cv2.circle(mask, (int(x), int(y)), 11, 255, -1)
    image[mask > 0] = rng.integers(0, 255, (int((mask > 0).sum()), 3))
    return image, mask


def make_stripes(root: Path) -> Path:
    """Label files as PaddleX has them: an image and its mask, of good pictures too."""
    rng = np.random.default_rng(0)
    for name in ("images", "annotations"):
        (root / name).mkdir(parents=True)
    for split, count in (("train", 24), ("val", 10)):
        lines = []
        for index in range(count):
            is_good = index % 2 == 0 if split == "val" or index < 8 else True
            image, mask = (striped(rng), np.zeros((SIDE, SIDE), np.uint8)) if is_good else blotted(rng)
            cv2.imwrite(str(root / f"images/{split}_{index}.png"), image)
            cv2.imwrite(str(root / f"annotations/{split}_{index}.png"), mask)
            lines.append(f"images/{split}_{index}.png annotations/{split}_{index}.png\n")
        (root / f"{split}.txt").write_text("".join(lines))
    return root


def spoil(dataset: Path) -> str:
    """Cuts a mask."""
    mask = cv2.imread(str(dataset / "annotations/train_3.png"))
    cv2.imwrite(str(dataset / "annotations/train_3.png"), mask[:50])
    return r"train\.txt:4\b.*64 x 50.*64 x 64"


TINY = TinyRoom(
    make_dataset=make_stripes,
    overrides=(
        "module.network=STFPM",
        "module.backbone=MobileNetV2",
        "module.size=[64,64]",
        "module.blur=2",
        "weights=null",
        "trainer.ema_decay=null",
        "optimizer.lr=3e-3",
        "trainer.batch_size=8",
        "trainer.epochs=2",
        "trainer.eval_every_epochs=1",
        "trainer.log_every_steps=1",
    ),
    spoil=spoil,
)
