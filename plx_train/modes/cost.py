"""What an exported model costs whoever runs it: measured where a sweep weighs it against accuracy."""

from __future__ import annotations

import statistics
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

LATENCY, SIZE = "latency_ms", "size_mb"
WARM_UPS, MOST_SAMPLES, ROUNDS = 2, 8, 3


def cost_figures(wanted: Collection[str], export: Path, samples: Sequence[Any]) -> dict[str, float]:
    """Those of the figures that are wanted.

    ``latency_ms`` is the median time of one image through the exported model, reading apart, in milliseconds;
    ``size_mb`` what its files take, in 10^6 bytes.
    """
    figures = {}
    if LATENCY in wanted:
        figures[LATENCY] = _latency_ms(export, samples)
    if SIZE in wanted:
        figures[SIZE] = sum(path.stat().st_size for path in export.glob("inference.*")) / 1e6
    return figures


def _latency_ms(export: Path, samples: Sequence[Any]) -> float:
    from plx_train.image import read_image
    from plx_train.predictor import Predictor

    predictor = Predictor(export)
    images = [
        sample.read() if hasattr(sample, "read") else read_image(sample.image) for sample in samples[:MOST_SAMPLES]
    ]
    for image in images[:WARM_UPS]:
        predictor.predict([image])
    times = []
    for image in images * ROUNDS:
        started = time.perf_counter()
        predictor.predict([image])
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)
