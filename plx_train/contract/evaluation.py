"""The outcome of an evaluation, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plx_train.contract.processor import Processor


@dataclass(frozen=True)
class SampleScore:
    """How well one sample was predicted."""

    index: int
    name: str
    value: float
    prediction: Any


@dataclass(frozen=True)
class Evaluation:
    """Metrics on the validation split.

    `metrics` holds the metric's own names for the processor in use, and ``<name>_official`` for the module's
    published settings where the two differ.
    """

    metrics: dict[str, float]
    processor: Processor
    samples: tuple[SampleScore, ...]
    curve: tuple[tuple[float, float], ...]
    """(recall, precision) pairs, where the metric has such a curve."""
    seconds: float
