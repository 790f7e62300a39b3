#!/usr/bin/env python
"""How fast each engine runs detection, recognition and classification, in fp32 and int8, in turn on the same samples.

    python scripts/bench_inference.py [--rounds 7] [--only text_det] [--json figures.json]

Detection sees pages of 640 x 640, recognition crops of whatever widths they have, one by one; both with the published
weights. Classification is a network with weights of no meaning, which is as fast as any. Ratios are to Paddle's own
operations in fp32; the time between the first and the third quarter of the rounds is the spread.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from plx_train.contract.rooms import load_room
from plx_train.export.predictor import stacked
from plx_train.export.quantize import write_quantized
from plx_train.export.speed import EngineSpeed, Inputs, measure, opened_engines, ways_of
from plx_train.export.static_model import processor_of
from plx_train.export.write import write_export
from plx_train.ground.places import datasets_dir
from plx_train.machine.hardware import cpu, usable_cores
from plx_train.pipelines.published import published_folder
from plx_train.runs.exported import read_inference
from plx_train.vision.image import as_image
from plx_train.workflow.measure import work_of

NUM_CALIBRATED = 32
NUM_TIMED = 8


@dataclass(frozen=True)
class Case:
    """A model and the pictures that it is timed on, training pictures first."""

    name: str
    export: Path
    train: list[Any]
    val: list[Any]


def main() -> int:
    """Prints a table for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=list(CASES))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"{cpu().model}, {usable_cores()} cores, {options.rounds} rounds in turn", flush=True)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in [options.only] if options.only else CASES:
            case = CASES[name](Path(scratch))
            figures[name] = report(case.name, bench(case, Path(scratch) / f"{name}_int8", options.rounds))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), "utf-8")
    return 0


def bench(case: Case, int8: Path, rounds: int) -> list[EngineSpeed]:
    """Speeds of all engines, those with int8 among them."""
    processor = processor_of(read_inference(case.export))
    write_quantized(case.export, int8, inputs_of(processor, case.train))
    inputs = inputs_of(processor, case.val)
    found: list[EngineSpeed] = []
    for way in ways_of(min(usable_cores(), 8)):
        models = opened_engines(case.export, way.threads, inputs[0])
        models |= {f"{name} int8": model for name, model in opened_engines(int8, way.threads, inputs[0]).items()}
        works = {name: work_of(processor, model) for name, model in models.items()}
        found += measure(works, processor, inputs, way, float("inf"), rounds)
    return found


def inputs_of(processor: Any, pictures: Sequence[Any]) -> list[Inputs]:
    """What the graph takes, for each picture alone."""
    return [stacked([processor.preprocess(picture)[0]]) for picture in pictures]


def report(name: str, speeds: list[EngineSpeed]) -> list[dict[str, Any]]:
    """Prints the table and returns it."""
    first = {speed.way: speed.median for speed in reversed(speeds)}
    print(f"\n{name}\n{'engine':16}{'called':22}{'ms':>9}{'spread':>8}{'ratio':>7}{'differs':>10}")
    rows = []
    for speed in speeds:
        ratio = speed.median / first[speed.way]
        print(f"{speed.engine:16}{speed.way!s:22}{speed.median:9.2f}{speed.spread:8.1%}{ratio:7.2f}"
              f"{speed.difference:10.1e}", flush=True)  # fmt: skip
        rows.append({"engine": speed.engine, "way": str(speed.way), "ms": speed.milliseconds, "ratio": ratio})
    return rows


def text_det(scratch: Path) -> Case:
    """Pages, squeezed into a square."""
    files = sorted((datasets_dir() / "pages" / "images").iterdir())
    pages = [cv2.resize(as_image(path), (640, 640)) for path in files]
    export = published_folder("TextDetection", "PP-OCRv4_mobile_det")
    return Case("text_det, 640 x 640", export, pages[NUM_TIMED : NUM_TIMED + NUM_CALIBRATED], pages[: NUM_TIMED // 2])


def text_rec(scratch: Path) -> Case:
    """Crops as they are."""
    export = published_folder("TextRecognition", "PP-OCRv4_mobile_rec")
    return Case("text_rec, crops of many widths", export, *listed("pages_text"))


def listed(dataset: str) -> tuple[list[Any], list[Any]]:
    """Pictures of an embedded dataset: some to calibrate on, others to be timed."""
    root, found = datasets_dir() / dataset, []
    for file, count in (("train.txt", NUM_CALIBRATED), ("val.txt", NUM_TIMED)):
        lines = (root / file).read_text("utf-8").splitlines()
        chosen = lines[:: max(len(lines) // count, 1)][:count]
        found.append([as_image(root / line.replace("\t", " ").partition(" ")[0]) for line in chosen])
    return found[0], found[1]


def image_cls(scratch: Path) -> Case:
    """A classifier that has learned nothing."""
    room = load_room("image_cls")
    make_processor: Any = room.processor
    processor = make_processor(labels=tuple(map(str, range(10))))
    module = room.build(room.options(network="PP-LCNet_x1_0"), processor, None, False)
    module.eval_mode()
    write_export(module, module.processor, scratch / "image_cls", "PP-LCNet_x1_0", {})
    return Case("image_cls, PP-LCNet_x1_0", scratch / "image_cls", *listed("clothes"))


CASES: dict[str, Callable[[Path], Case]] = {"text_det": text_det, "text_rec": text_rec, "image_cls": image_cls}

if __name__ == "__main__":
    sys.exit(main())
