#!/usr/bin/env python
"""How long detection of one image takes here and in PaddleX, the same exported folder, in turn on the same cores.

    python scripts/det_speed.py --paddlex <python with paddlex> EXPORT [IMAGE …]

Each tool runs in a process of its own, which stays, with its defaults: PaddleX by Paddle Inference, this package by
what ``engine=auto`` takes, and by ``engine=paddle``. Images go to one after the other, round after round, read from
their files by each. Ratios above 1 say how many times as long the other takes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ocr_speed import ROOT, measure, serve, start

NUM_IMAGES = 12
PIXELS, SCORES = 0.5, 1e-3
"""Differences of a corner and of a score up to which boxes are the same: engines add up in other orders."""


def main() -> int:
    """Prints a table; the exit code is 1 if boxes differ from PaddleX's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", nargs="?", type=Path)
    parser.add_argument("images", nargs="*", type=Path)
    parser.add_argument("--paddlex")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worker", choices=list(READERS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        serve(READERS[options.worker](options.folder))
        return 0
    images = options.images or sorted((ROOT / "datasets/layout/images").iterdir())[:NUM_IMAGES]
    pythons = {name: options.paddlex if name == "paddlex" else sys.executable for name in READERS}
    folder = str(options.export.absolute())
    workers = {name: start(name, python, folder, __file__) for name, python in pythons.items() if python}
    times, texts = measure(workers, [image.absolute() for image in images], options.rounds)
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    boxes = {name: [[json.loads(box) for box in image] for image in found] for name, found in texts.items()}
    return report(times, boxes)


def report(times: dict[str, list[float]], boxes: dict[str, list[Any]]) -> int:
    """Prints medians, ratios and how far the boxes agree."""
    print(f"{'':18s}{'median ms':>10s}{'slowest':>9s}{'ratio':>7s}  images with boxes as here")
    first, differs = next(iter(times)), False
    for name, seconds in times.items():
        ratio = statistics.median(other / own for other, own in zip(seconds, times[first], strict=True))
        alike = sum(same(one, other) for one, other in zip(boxes[name], boxes[first], strict=True))
        differs |= alike < len(boxes[name])
        print(f"{name:18s}{1000 * statistics.median(seconds):10.1f}{1000 * max(seconds):9.1f}{ratio:7.2f}  "
              f"{alike} of {len(boxes[name])}")  # fmt: skip
    count = len(boxes[first])
    print(f"{count} images, {sum(map(len, boxes[first]))} boxes, {len(times[first]) // count} rounds in turn, "
          f"{os.cpu_count()} cores")  # fmt: skip
    return int(differs)


def same(one: list[Any], other: list[Any]) -> bool:
    """Whether two images have the same boxes, rows of class, score and corners."""
    if len(one) != len(other):
        return False
    rest = list(other)
    for row in one:
        match = next((each for each in rest if near(row, each)), None)
        if match is None:
            return False
        rest.remove(match)
    return True


def near(one: list[float], other: list[float]) -> bool:
    """Whether two rows are the same box."""
    corners = zip(one[2:], other[2:], strict=True)
    return one[0] == other[0] and abs(one[1] - other[1]) <= SCORES and all(abs(x - y) <= PIXELS for x, y in corners)


def found_here(folder: str, engine: str) -> Callable[[str], list[str]]:
    """This package."""
    import plx_train

    predictor = plx_train.Predictor(folder, engine=engine)

    def find(path: str) -> list[str]:
        found = predictor.predict(path)
        return [json.dumps([float(value) for value in row]) for row in found.rows]

    return find


def found_in_paddlex(folder: str) -> Callable[[str], list[str]]:
    """PaddleX with its defaults."""
    import yaml
    from paddlex import create_model

    settings = yaml.safe_load(Path(folder, "inference.yml").read_text("utf-8"))
    model = create_model(settings["Global"]["model_name"], model_dir=folder, device="cpu")

    def find(path: str) -> list[str]:
        boxes = next(iter(model.predict(path)))["boxes"]
        return [
            json.dumps([float(box["cls_id"]), float(box["score"]), *map(float, box["coordinate"])]) for box in boxes
        ]

    return find


READERS: dict[str, Callable[[str], Callable[[str], list[str]]]] = {
    "plx_train": lambda folder: found_here(folder, "auto"),
    "plx_train, paddle": lambda folder: found_here(folder, "paddle"),
    "paddlex": found_in_paddlex,
}

if __name__ == "__main__":
    sys.exit(main())
