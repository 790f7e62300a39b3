#!/usr/bin/env python
"""How long detection of one image takes here and in PaddleX, the same exported folder, in turn on the same cores.

    python scripts/det_speed.py --paddlex <python with paddlex> EXPORT [IMAGE …]

Each tool runs in a process of its own, which stays: PaddleX with its defaults, which are Paddle Inference, this package
by OpenVINO and by its other engines. Images go to one after the other, round after round, read from their files by
each. Ratios above 1 say how many times as long the other takes; those of the processors' time, all threads together,
say it on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ocr_speed import ROOT, start

Answer = dict[str, Any]
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
    found = measure(workers, [image.absolute() for image in images], options.rounds)
    for worker in workers.values():
        with suppress(BrokenPipeError):
            worker.stdin.close()
        worker.wait()
    return report(found, len(images))


def measure(workers: dict[str, subprocess.Popen[str]], images: list[Path], rounds: int) -> dict[str, list[Answer]]:
    """Answers by tool, the first round's among them; a tool that is not installed is left out."""
    found: dict[str, list[Answer]] = {name: [] for name in workers}
    for _ in range(1 + rounds):
        for image in images:
            for name in list(found):
                worker = workers[name]
                with suppress(BrokenPipeError):
                    worker.stdin.write(f"{image}\n")
                    worker.stdin.flush()
                told = worker.stdout.readline()
                if told:
                    found[name].append(json.loads(told))
                else:
                    print(f"{name} does not run here", file=sys.stderr)
                    del found[name]
    return found


def report(found: dict[str, list[Answer]], count: int) -> int:
    """Prints medians, ratios to the first tool, and how far the boxes agree with its."""
    own = next(iter(found.values()))
    differs = False
    print(f"{'':18s}{'median ms':>10s}{'ratio':>7s}{'cpu ms':>8s}{'ratio':>7s}  images with boxes as here")
    for name, answers in found.items():
        columns = []
        for key in ("seconds", "cpu"):
            values = [one[key] for one in answers[count:]]
            ratios = [one[key] / other[key] for one, other in zip(answers[count:], own[count:], strict=True)]
            columns += [1000 * statistics.median(values), statistics.median(ratios)]
        alike = sum(same(one["boxes"], other["boxes"]) for one, other in zip(answers[:count], own[:count], strict=True))
        differs |= alike < count
        print("{:18s}{:10.1f}{:7.2f}{:8.1f}{:7.2f}  {} of {}".format(name, *columns, alike, count))
    boxes = sum(len(one["boxes"]) for one in own[:count])
    print(f"{count} images, {boxes} boxes, {len(own) // count - 1} rounds in turn, {os.cpu_count()} cores")
    return int(differs)


def serve(find: Callable[[str], list[list[float]]]) -> None:
    """Answers each line of standard input, a path, with the boxes in it and the time that they took."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        began, busy = time.perf_counter(), time.process_time()
        boxes = find(line.strip())
        told = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - busy, "boxes": boxes}
        print(json.dumps(told), file=answers, flush=True)


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


def found_here(folder: str, engine: str) -> Callable[[str], list[list[float]]]:
    """This package."""
    import plx_train

    predictor = plx_train.Predictor(folder, engine=engine)

    return lambda path: [[float(value) for value in row] for row in predictor.predict(path).rows]


def found_in_paddlex(folder: str) -> Callable[[str], list[list[float]]]:
    """PaddleX with its defaults."""
    import yaml
    from paddlex import create_model

    settings = yaml.safe_load(Path(folder, "inference.yml").read_text("utf-8"))
    model = create_model(settings["Global"]["model_name"], model_dir=folder, device="cpu")

    def find(path: str) -> list[list[float]]:
        boxes = next(iter(model.predict(path)))["boxes"]
        return [[float(box["cls_id"]), float(box["score"]), *map(float, box["coordinate"])] for box in boxes]

    return find


READERS: dict[str, Callable[[str], Callable[[str], list[list[float]]]]] = {
    "plx_train": lambda folder: found_here(folder, "openvino"),
    "plx_train, onnx": lambda folder: found_here(folder, "onnx"),
    "plx_train, paddle": lambda folder: found_here(folder, "paddle"),
    "paddlex": found_in_paddlex,
}

if __name__ == "__main__":
    sys.exit(main())
