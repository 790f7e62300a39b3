#!/usr/bin/env python
"""How long detection of one image takes here and in PaddleX, the same exported folder, in turn on the same cores.

    python scripts/det_speed.py --paddlex <python with paddlex> EXPORT [IMAGE …]

Each tool runs in a process of its own, which stays: PaddleX with its defaults, which are Paddle Inference, this package
by OpenVINO and by its other engines. Images go to one after the other, round after round, read from their files by
each. Ratios above 1 say how many times as long the other takes; those of the processors' time, all threads together,
say it on a busy machine.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from side_by_side import ROOT, Answer, Read, Readers, arguments, ask_in_turn, compared, serve, start

NUM_IMAGES = 12
PIXELS, SCORES = 0.5, 1e-3
"""Differences of a corner and of a score up to which boxes are the same: engines add up in other orders."""


def main() -> int:
    """Prints a table; the exit code is 1 if boxes differ from those of the first engine."""
    parser = arguments(__doc__, READERS)
    parser.add_argument("export", nargs="?", type=Path)
    parser.add_argument("images", nargs="*", type=Path)
    parser.add_argument("--paddlex")
    options = parser.parse_args()
    if options.worker:
        serve(READERS[options.worker](options.folder))
        return 0
    if options.export is None:
        parser.error("name the exported folder")
    images = options.images or sorted((ROOT / "datasets/layout/images").iterdir())[:NUM_IMAGES]
    pythons = {name: options.paddlex if name == "paddlex" else sys.executable for name in READERS}
    folder = str(options.export.absolute())
    workers = {name: start(__file__, name, python, folder) for name, python in pythons.items() if python}
    return report(ask_in_turn(workers, images, options.rounds))


def report(found: dict[str, list[list[Answer]]]) -> int:
    """Prints medians, ratios to the first engine, and how far the boxes agree with its."""
    own = next(iter(found.values()))
    count, differs = len(own[0]), False
    print(f"{'':20s}{'median ms':>10s}{'ratio':>7s}{'cpu ms':>8s}{'ratio':>7s}  images with the same boxes")
    for name, answers in found.items():
        clock, clock_ratio = compared(answers, own, lambda answer: 1000 * answer.seconds)
        cpu, cpu_ratio = compared(answers, own, lambda answer: 1000 * answer.cpu)
        alike = sum(same(one.found, other.found) for one, other in zip(answers[0], own[0], strict=True))
        differs |= alike < count
        print(f"{name:20s}{clock:10.1f}{clock_ratio:7.2f}{cpu:8.1f}{cpu_ratio:7.2f}  {alike} of {count}")
    boxes = sum(len(one.found) for one in own[0])
    print(f"{count} images, {boxes} boxes, {len(own) - 1} rounds in turn, {os.cpu_count()} cores")
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


def found_here(folder: str, engine: str) -> Read:
    """This package."""
    import plx_train

    predictor = plx_train.Predictor(folder, engine=engine)

    return lambda path: [[float(value) for value in row] for row in predictor.predict(path).rows]


def found_in_paddlex(folder: str) -> Read:
    """PaddleX with its defaults."""
    import yaml
    from paddlex import create_model

    settings = yaml.safe_load(Path(folder, "inference.yml").read_text("utf-8"))
    model = create_model(settings["Global"]["model_name"], model_dir=folder, device="cpu")

    def find(path: str) -> list[list[float]]:
        boxes = next(iter(model.predict(path)))["boxes"]
        return [[float(box["cls_id"]), float(box["score"]), *map(float, box["coordinate"])] for box in boxes]

    return find


READERS: Readers = {
    "plx_train, openvino": lambda folder: found_here(folder, "openvino"),
    "plx_train, onnx": lambda folder: found_here(folder, "onnx"),
    "plx_train, paddle": lambda folder: found_here(folder, "paddle"),
    "plx_train, auto": lambda folder: found_here(folder, "auto"),
    "paddlex": found_in_paddlex,
}

if __name__ == "__main__":
    sys.exit(main())
