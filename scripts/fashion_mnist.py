#!/usr/bin/env python3
"""Writes Fashion-MNIST as PNG files in PaddleX's ClsDataset layout, for dataset=fashion_mnist.

python scripts/fashion_mnist.py data/fashion_mnist                     # fetches Debian's package by apt-get download
python scripts/fashion_mnist.py data/fashion_mnist --idx /some/folder  # from the four .gz files of the data set
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np

PACKAGE = "dataset-fashion-mnist"
FOLDER = "usr/share/datasets/fashion-mnist"
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
SPLITS = {"train": "train", "val": "t10k"}
IMAGE_HEADER, LABEL_HEADER = 16, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("--idx", type=Path, help="folder with train-images-idx3-ubyte.gz and the others")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        source = given.idx or fetch(Path(temporary))
        for split, prefix in SPLITS.items():
            write(source, given.target, split, prefix)
    names = "".join(f"{number} {name}\n" for number, name in enumerate(CLASSES))
    (given.target / "label.txt").write_text(names, "utf-8")


def fetch(folder: Path) -> Path:
    """The package's data, unpacked into `folder`; nothing is installed."""
    subprocess.run(["apt-get", "download", "-q", PACKAGE], cwd=folder, check=True)
    subprocess.run(["dpkg-deb", "-x", *map(str, folder.glob("*.deb")), str(folder)], check=True)
    return folder / FOLDER


def write(source: Path, target: Path, split: str, prefix: str) -> None:
    """One split: images by the thousand in a folder, and its label file."""
    images = read(source / f"{prefix}-images-idx3-ubyte.gz", IMAGE_HEADER).reshape(-1, 28, 28)
    labels = read(source / f"{prefix}-labels-idx1-ubyte.gz", LABEL_HEADER)
    lines = []
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        name = f"images/{split}/{index // 1000:02d}/{index:05d}.png"
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(cv2.imencode(".png", image)[1].tobytes())
        lines.append(f"{name} {label}\n")
    (target / f"{split}.txt").write_text("".join(lines), "utf-8")


def read(path: Path, header: int) -> np.ndarray:
    """The bytes after the header of an idx file."""
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


if __name__ == "__main__":
    main()
