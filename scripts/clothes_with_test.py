#!/usr/bin/env python
"""Writes the embedded clothes with a test split beside: 2,000 pictures of Fashion-MNIST's that `clothes` does not hold.

python scripts/fashion_mnist.py data/fashion_mnist
python scripts/clothes_with_test.py data/fashion_mnist data/clothes
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from plx_train.ground.places import datasets_dir

NUM_TEST = 2000


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    source, target = map(Path, sys.argv[1:])
    shutil.copytree(datasets_dir() / "clothes", target, dirs_exist_ok=True)
    held = {int(number) for number in re.findall(r"val_(\d+)\.png", (target / "val.txt").read_text("utf-8"))}
    lines = (source / "val.txt").read_text("utf-8").splitlines()
    chosen = [line.split() for place, line in enumerate(lines) if place not in held][:NUM_TEST]
    written = []
    for image, number in chosen:
        name = f"images/test_{Path(image).name}"
        shutil.copyfile(source / image, target / name)
        written.append(f"{name} {number}\n")
    (target / "test.txt").write_text("".join(written), "utf-8")


if __name__ == "__main__":
    main()
