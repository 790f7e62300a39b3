#!/usr/bin/env python3
"""Writes a dataset of anomaly detection: electroluminescence pictures of solar cells, of which good ones are learned.

    pip download --no-deps elpv-dataset==1.0.0.post1 && unzip elpv_dataset-*.whl
    python scripts/solar_cells.py elpv_dataset/data data/cells 1

600 cells without a defect to learn, 300 others and 300 with one for certain to tell apart, drawn by the seed that the
third argument gives, in the folders of MVTec AD.
"""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path

GOOD, DEFECTIVE = 0.0, 1.0
NUM_LEARNED, NUM_TOLD = 600, 300


def write(source: Path, target: Path, seed: int) -> dict[str, int]:
    """Copies pictures into `target`; how many each folder has."""
    cells: dict[float, list[str]] = {}
    for line in (source / "labels.csv").read_text("utf-8").splitlines():
        name, probability, _ = line.split()
        cells.setdefault(float(probability), []).append(name)
    draw = random.Random(seed)
    good, defective = (draw.sample(sorted(cells[kind]), len(cells[kind])) for kind in (GOOD, DEFECTIVE))
    parts = {
        "train/good": good[:NUM_LEARNED],
        "test/good": good[NUM_LEARNED : NUM_LEARNED + NUM_TOLD],
        "test/defective": defective[:NUM_TOLD],
    }
    for folder, names in parts.items():
        (target / folder).mkdir(parents=True)
        for name in names:
            shutil.copyfile(source / name, target / folder / Path(name).name)
    return {folder: len(names) for folder, names in parts.items()}


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    print(write(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
