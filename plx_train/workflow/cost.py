"""What an exported model costs whoever runs it: measured where a sweep weighs it against accuracy."""

from __future__ import annotations

import statistics
import time
from collections.abc import Collection
from pathlib import Path

from plx_train.contract.dataset import Dataset
from plx_train.metrics.direction import LATENCY, SIZE
from plx_train.runs.folder import STEM

WARM_UPS, MOST_SAMPLES, ROUNDS = 2, 8, 3


def cost_figures(wanted: Collection[str], export: Path, val: Dataset) -> dict[str, float]:
    """Figures of cost among those that are wanted.

    ``latency_ms`` is the median time of one sample through the exported model, reading apart, in milliseconds;
    ``size_mb`` what its files take, in 10^6 bytes.
    """
    figures = {}
    if LATENCY in wanted:
        figures[LATENCY] = _latency_ms(export, val)
    if SIZE in wanted:
        figures[SIZE] = sum(path.stat().st_size for path in export.glob(f"{STEM}.*")) / 1e6
    return figures


def _latency_ms(export: Path, val: Dataset) -> float:
    from plx_train.export.predictor import Predictor

    predictor = Predictor(export)
    originals = [val.original(index) for index in range(min(len(val), MOST_SAMPLES))]
    for original in originals[:WARM_UPS]:
        predictor.predict([original])
    times = []
    for original in originals * ROUNDS:
        started = time.perf_counter()
        predictor.predict([original])
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)
