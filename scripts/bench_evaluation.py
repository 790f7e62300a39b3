#!/usr/bin/env python
"""What an evaluation of text detection is made of, in milliseconds a page; another checkout by PYTHONPATH.

python scripts/bench_evaluation.py            # published weights on the embedded pages, which find lines
python scripts/bench_evaluation.py --drawn    # maps drawn from the labels: as many words as a trained network finds
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from recipe_data import recipe

from plx_train.contract.sample import Sample
from plx_train.metrics.evaluate import Engine, network_engine, run_samples
from plx_train.modules.text_det.calibrate import calibrate
from plx_train.modules.text_det.targets import TextDetTargets
from plx_train.vision.image import image_size

ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drawn", action="store_true")
    parser.add_argument("--native", action="store_true", help="the network by Paddle's own kernels")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    if not given.native and importlib.util.find_spec("plx_train.onednn"):
        from plx_train.onednn.choice import choose_convolutions

        print(choose_convolutions("auto", "fp32", is_cpu=True).sentence)
    module, splits = prepare()
    datasets = [module.dataset(pages, "val", 0) for pages in (splits.val, splits.holdout)]
    module.eval_mode()
    engine = drawing_engine(datasets) if given.drawn else network_engine(module)
    started = time.perf_counter()
    val, holdout = (list(run_samples(module, engine, dataset, 1)) for dataset in datasets)
    num_pages = len(val) + len(holdout)
    print(f"{'forward':24s} {1000 * (time.perf_counter() - started) / num_pages:8.1f} ms/page, once, {num_pages} pages")
    samples, maps = zip(*holdout, strict=True)
    same, other = module.processor, replace(module.processor, unclip_ratio=1.1, box_thresh=0.5)
    steps: dict[str, tuple[Callable[[], Any], int]] = {
        "calibrate": (lambda: module.calibrate(list(maps), list(samples)), len(holdout)),
        "post, settings equal": (lambda: judge(module, same, val), len(val)),
        "post, growth differs": (lambda: judge(module, other, val), len(val)),
        "metric": (lambda: measure(module, val, judge(module, same, val)), len(val)),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for (name, (work, count)), _ in itertools.product(steps.items(), range(ROUNDS)):
        started = time.perf_counter()
        work()
        times[name].append(1000 * (time.perf_counter() - started) / count)
    times["metric"] = [both - statistics.median(times["post, settings equal"]) for both in times["metric"]]
    for name, each in times.items():
        print(f"{name:24s} {statistics.median(each):8.1f} ms/page, {min(each):.1f} to {max(each):.1f}")
    print("fingerprint", fingerprint(module, list(maps), list(samples), val, other))


def prepare() -> tuple[Any, Any]:
    from plx_train.weights import load_weights

    options, data = recipe(["module=text_det"])
    module = data.build(options, True)
    load_weights(module.network, options.module.pretrained, False, module.optional_weights, adapt=module.adapt_weights)
    return module, data.split(options)


def drawing_engine(datasets: Sequence[Any]) -> Engine:
    """Gives maps float32 (h, w) with a blurred kernel in each label instead of what the network finds."""
    pages = {name: page for dataset in datasets for name, page in zip(dataset.names, dataset.samples, strict=True)}

    def draw(batch: dict[str, Any]) -> list[np.ndarray]:
        (name,), size = batch["names"], batch["x"].shape[2:]
        page = pages[name]
        scale = np.asarray(size[::-1]) / image_size(page.image)[::-1]
        polygons = [(label.points * scale).astype(np.float32) for label in page.truth]
        kernels = TextDetTargets(0.5).make(polygons, np.zeros(len(polygons), bool), size)["shrink_map"]
        noise = np.random.default_rng(0).random(size, np.float32)
        return [cv2.GaussianBlur(kernels.astype(np.float32), (0, 0), 0.8) * (0.7 + 0.3 * noise)]

    return draw


def judge(module: Any, chosen: Any, val: list[tuple[Sample, Any]]) -> list[tuple[Any, Any]]:
    """What evaluation does with the maps of all pages, by the chosen settings and by the published ones."""
    official = module.processor
    if chosen == official:
        return [(chosen.postprocess(found, sample.context), None) for sample, found in val]
    return [chosen.postprocess_with(official, found, sample.context) for sample, found in val]


def measure(module: Any, val: list[tuple[Sample, Any]], predictions: list[tuple[Any, Any]]) -> None:
    metrics = [module.new_metric() for _ in predictions[0]]
    for (sample, _), both in zip(val, predictions, strict=True):
        for metric, prediction in zip(metrics, both, strict=True):
            if prediction is not None:
                metric.update(prediction, sample)


def fingerprint(module: Any, maps: list[Any], samples: list[Any], val: list[Any], other: Any) -> str:
    """Of boxes, scores, metrics and every setting that calibration tries: equal where nothing changed."""
    shapes, labels = [sample.context for sample in samples], [sample.truth for sample in samples]
    content = hashlib.sha256(repr(calibrate(maps, shapes, labels, module.processor).to_json()).encode())
    metric = module.new_metric()
    for (sample, _), predictions in zip(val, judge(module, other, val), strict=True):
        for prediction in predictions:
            content.update(prediction.quads.tobytes() + prediction.scores.tobytes())
            content.update(repr(metric.update(prediction, sample)).encode())
    content.update(repr((metric.compute(), metric.curve())).encode())
    return content.hexdigest()[:16]


if __name__ == "__main__":
    main()
