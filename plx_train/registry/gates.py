"""What must hold before an alias moves; each gate is told, not only the first that does not hold."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from plx_train.ground.errors import UserError
from plx_train.ground.memory import is_out_of_memory
from plx_train.metrics.direction import HIGHER, sign
from plx_train.registry.candidate import Candidate, Measurement

NUM_RUNS = 5
"""Timed runs of the pipeline, after one that is not timed."""


@dataclass(frozen=True)
class Gate:
    """A condition and whether it holds.

    Attributes:
        name: metric, parity, pipeline or latency.
        detail: what was found, in words.
        numbers: the figures behind it.
    """

    name: str
    ok: bool
    detail: str
    numbers: dict[str, float] = field(default_factory=dict)


def metric_gate(candidate: Candidate, champion: str | None, measure: Callable[[], Measurement]) -> Gate:
    """The candidate is not worse than the champion on the dataset it was measured on.

    Args:
        champion: its version; None where there is none yet.
        measure: gives the champion's measurement that can be compared.
    """
    own = candidate.measurement
    if own is None:
        return Gate("metric", False, "it is not known what the candidate reached, and on which dataset")
    numbers = {"candidate": own.value}
    where = f"dataset {own.fingerprint[:12]}, {own.num_samples} samples"
    if champion is None:
        return Gate("metric", True, f"{own.metric} {own.value:.4f}; there is no champion yet ({where})", numbers)
    try:
        other = measure()
    except Exception as error:  # a champion that breaks must not hide what the other gates say
        reason = _reason(error)
        return Gate("metric", False, f"version {champion} can't be measured on the same dataset: {reason}", numbers)
    numbers["champion"] = other.value
    is_worse = math.isfinite(other.value) and sign(candidate.better) * (own.value - other.value) < 0
    worse = "below" if candidate.better == HIGHER else "above"
    word = worse if is_worse else f"not {worse}"
    detail = f"{own.metric} {own.value:.4f} is {word} {other.value:.4f} of version {champion} ({where})"
    return Gate("metric", not is_worse, detail, numbers)


def parity_gate(candidate: Candidate) -> Gate:
    """The export was proven equal to what was trained, and the proof is about these very files."""
    if candidate.parity_fault:
        return Gate("parity", False, candidate.parity_fault)
    return Gate("parity", True, candidate.parity)


def pipeline_gates(
    candidate: Candidate, part: str, load: Callable[[], Any], sample: Path | None, num_runs: int = NUM_RUNS
) -> list[Gate]:
    """The folder loads and runs in its pipeline, within the budget of the pipeline's configuration.

    Args:
        part: the pipeline's part that the candidate takes, for example ``TextDetection``.
        load: gives the pipeline with the candidate in it.
        sample: a file that the pipeline reads; None: what it makes up.
    """
    try:
        pipeline = load()
        milliseconds = _times(pipeline, candidate, part, pipeline.sample(sample), num_runs)
    except Exception as error:  # whatever a folder does to a pipeline is an answer
        return [
            Gate("pipeline", False, f"it does not run as {part}: {_reason(error)}"),
            Gate("latency", False, "not measured: the pipeline does not run"),
        ]
    ran = Gate("pipeline", True, f"it runs as {part} of {pipeline.name}")
    return [ran, _latency_gate(milliseconds, pipeline.latency_budget_ms)]


def _reason(error: Exception) -> str:
    """The last line of an error, which is where Paddle says what happened.

    Raises:
        Exception: `error` itself, where memory ran out: that says nothing about a model.
    """
    if is_out_of_memory(error):
        raise error
    if isinstance(error, UserError):
        return str(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1][:300]}" if lines else type(error).__name__


def _times(pipeline: Any, candidate: Candidate, part: str, item: Any, num_runs: int) -> list[float]:
    """Milliseconds of each run on the item."""
    model = pipeline.models.get(part)
    if model is None:
        raise UserError(f"the pipeline {pipeline.name} has no part {part}, only {', '.join(pipeline.models)}")
    if model.sha256 != candidate.parameters_sha256:
        raise UserError(f"the pipeline loaded other parameters than the candidate's ({model.folder})")
    times = []
    for _ in range(num_runs + 1):
        started = time.perf_counter()
        results = pipeline.predict_many([item])
        times.append((time.perf_counter() - started) * 1000)
        if len(results) != 1:
            raise UserError(f"the pipeline gave {len(results)} results for one input")
    return times[1:]


def _latency_gate(milliseconds: list[float], budget: float | None) -> Gate:
    taken = median(milliseconds)
    numbers = {"milliseconds": taken}
    runs = f"median of {len(milliseconds)} runs"
    if budget is None:
        return Gate("latency", True, f"{taken:.0f} ms ({runs}); the pipeline's configuration has no budget", numbers)
    ok = taken <= budget
    word = "within" if ok else "over"
    detail = f"{taken:.0f} ms ({runs}) is {word} the budget of {budget:.0f} ms"
    return Gate("latency", ok, detail, numbers | {"budget": budget})
