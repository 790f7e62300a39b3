"""Proof that an exported folder does what the network does, on real samples and with its own processing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract.dataset import Dataset
from plx_train.contract.module import Module
from plx_train.contract.processor import Processor
from plx_train.export.static_model import StaticModel, folder_engine, processor_of
from plx_train.ground.spread import spread
from plx_train.metrics.direction import Better, monitored, unit
from plx_train.metrics.evaluate import Engine, evaluate, network_engine
from plx_train.onednn.choice import natively
from plx_train.runs.exported import read_inference
from plx_train.runs.folder import ONNX_FILE

ROUNDINGS = 16.0
"""How many times as far as the last bit of its input moves a network's outputs two ways to compute it may lie apart:
what it makes of that bit it makes of each sum that is rounded otherwise too."""
NUM_COMPARED = 4
"""Samples whose raw outputs are compared, spread over the dataset; the metric is taken over all."""


@dataclass(frozen=True)
class Tolerance:
    """How far an export may be from the network.

    Attributes:
        native: of any output value, run by Paddle's own operations; up to `accelerated` where rounding explains it.
        accelerated: of any output value, run by oneDNN or onnxruntime, which order their sums differently.
        metric: of the monitored metric; where that is an error, this share of it.
    """

    native: float = 1e-4
    accelerated: float = 1e-3
    metric: float = 0.002


DEFAULT_TOLERANCE = Tolerance()


@dataclass(frozen=True)
class EngineParity:
    """One way to run the export, against the live network.

    Attributes:
        name: ``native``, ``onednn`` or ``onnx``.
        max_difference: largest difference of an output value on the compared samples.
        mean_difference: mean over all values.
        tolerance: what `max_difference` may be.
        seconds: median time of the graph for one sample.
        rounding: what the live network's outputs change by with the last bit of its input; None: nobody had to ask.
    """

    name: str
    max_difference: float
    mean_difference: float
    tolerance: float
    seconds: float
    rounding: float | None = None

    @property
    def ok(self) -> bool:
        return self.max_difference <= self.tolerance


@dataclass(frozen=True)
class ParityReport:
    """The outcome of `check_parity`.

    Attributes:
        engines: differences of raw outputs, by the ways the export can be run.
        num_compared: samples whose raw outputs were compared.
        num_samples: samples the metric was taken over.
        monitor: name of the metric.
        better: which of its values are.
        expected: the live network's metric with the processing it was trained and calibrated with.
        exported: the exported folder's, with the processing read back from ``inference.yml``.
        metric_tolerance: what the two may differ by.
        processor_differences: settings that came back otherwise than they were written.
    """

    engines: tuple[EngineParity, ...]
    num_compared: int
    num_samples: int
    monitor: str
    better: Better
    expected: float
    exported: float
    metric_tolerance: float
    processor_differences: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything lies within the tolerances."""
        return not self.faults

    @property
    def faults(self) -> list[str]:
        """What lies beyond a tolerance, in words."""
        faults = [
            f"outputs differ by {engine.max_difference:.2g} ({engine.name}; tolerance {engine.tolerance:.2g})"
            for engine in self.engines
            if not engine.ok
        ]
        most = self.metric_tolerance * unit(self.better, self.expected)
        if not abs(self.expected - self.exported) <= most:
            faults.append(
                f"{self.monitor} is {self.exported:.4f} instead of {self.expected:.4f} "
                f"(tolerance {self.metric_tolerance:.2g})"
            )
        if self.processor_differences:
            faults.append(f"its processing differs in {', '.join(self.processor_differences)}")
        return faults

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        if not self.ok:
            return f"the exported model is not equal to the trained one: {'; '.join(self.faults)}"
        largest = ", ".join(f"{engine.name} {engine.max_difference:.1e}" for engine in self.engines)
        rounding = next((engine.rounding for engine in self.engines if engine.rounding is not None), None)
        why = "" if rounding is None else f"; the last bit of its input changes the network's by {rounding:.1e}"
        return (
            f"the export equals the trained network: {self.monitor} {self.exported:.4f} against "
            f"{self.expected:.4f} on {self.num_samples} samples, largest differences of outputs on "
            f"{self.num_compared}: {largest}{why}"
        )

    def to_json(self, files: Mapping[str, str] | None = None) -> str:
        """All figures, with ``ok``, ``sentence`` and the sha256 of the `files` they are about, by name."""
        return json.dumps(
            {"ok": self.ok, "sentence": self.sentence, **asdict(self), "files": dict(files or {})}, indent=1
        )


def check_parity(
    module: Module[Any],
    processor: Processor,
    folder: Path,
    dataset: Dataset,
    expected: float | None = None,
    tolerance: Tolerance = DEFAULT_TOLERANCE,
    num_threads: int = 1,
) -> ParityReport:
    """Runs the exported `folder` beside the live network.

    Args:
        module: its network is put into evaluation mode.
        processor: what the export should ship.
        folder: as `plx_train.export.write.write_export` leaves it.
        dataset: samples with labels, as for evaluation.
        expected: the live network's metric on `dataset` with `processor`; None: it is measured here.
        num_threads: samples that are computed at once.

    Raises:
        UserError: `folder` can't be loaded.
    """
    module.eval_mode()
    live, shipped = network_engine(module), processor_of(read_inference(folder))
    engines = _export_engines(folder, shipped, tolerance)
    chosen = spread(len(dataset), NUM_COMPARED)
    batches = [module.collate_eval([dataset.get(index, np.random.default_rng(0))]) for index in chosen]
    # By the very operations that the export holds: the strictest tolerance is for what is left then.
    with _on_cpu(module), natively():
        references = [live(batch)[0] for batch in batches]
        compared = [_compare(shipped, named, batches, references) for named in engines]
        if any(not engine.ok and engine.max_difference <= tolerance.accelerated for engine in compared):
            rounding = _rounding(live, shipped, batches, references)
            compared = [_explained(engine, rounding, tolerance) for engine in compared]

    if expected is None:
        expected = evaluate(module, live, dataset, processor, num_threads).metrics[module.monitor]
    exported = evaluate(module, _fastest(folder, shipped), dataset, shipped, num_threads).metrics[module.monitor]
    return ParityReport(
        engines=tuple(compared),
        num_compared=len(batches),
        num_samples=len(dataset),
        monitor=module.monitor,
        better=monitored(module),
        expected=expected,
        exported=exported,
        metric_tolerance=tolerance.metric,
        processor_differences=_differences(processor, shipped),
    )


def _fastest(folder: Path, processor: Processor) -> Engine:
    """What runs the folder by oneDNN on a CPU, as PaddleX does by default."""
    return folder_engine(StaticModel(folder, _metric_device(), threads=1), processor)


@contextmanager
def _on_cpu(module: Module[Any]) -> Iterator[None]:
    """The live network on the CPU inside: GPUs round convolutions too coarsely to compare by."""
    import paddle

    device = paddle.get_device()
    if device == "cpu":
        yield
        return
    module.network.to("cpu")
    paddle.set_device("cpu")
    try:
        yield
    finally:
        paddle.set_device(device)
        module.network.to(device)


def _metric_device() -> str:
    """Where the export's metric is taken: on the GPU the expected one was taken on, else on the CPU."""
    import paddle

    device = paddle.get_device()
    return device if device.startswith("gpu") else "cpu"


def _export_engines(folder: Path, processor: Processor, tolerance: Tolerance) -> list[tuple[str, Engine, float]]:
    """Name, engine and tolerance of each way to run `folder`."""
    models: list[tuple[str, Callable[..., list[np.ndarray]], float]] = [
        ("native", StaticModel(folder, onednn=False), tolerance.native),
        ("onednn", StaticModel(folder), tolerance.accelerated),
    ]
    if (folder / ONNX_FILE).is_file():
        from plx_train.export.onnx_model import onnx_model

        models.append(("onnx", onnx_model(folder), tolerance.accelerated))
    return [(name, folder_engine(model, processor), limit) for name, model, limit in models]


def _compare(
    processor: Processor,
    named: tuple[str, Engine, float],
    batches: list[dict[str, Any]],
    references: list[np.ndarray],
) -> EngineParity:
    name, engine, tolerance = named
    largest, means, seconds = 0.0, [], []
    for batch, reference in zip(batches, references, strict=True):
        started = time.perf_counter()
        output = engine(batch)[0]
        seconds.append(time.perf_counter() - started)
        difference = processor.differences(output, reference)
        # `max` lets NaN pass for small.
        largest = float("inf") if not np.isfinite(difference).all() else max(largest, float(difference.max(initial=0)))
        means.append(float(difference.mean()) if difference.size else 0.0)
    return EngineParity(name, largest, float(np.mean(means)), tolerance, float(np.median(seconds)))


def _rounding(live: Engine, processor: Processor, batches: list[dict[str, Any]], references: list[np.ndarray]) -> float:
    """What outputs change by when each number of the input moves to the one next to it, up or down at random."""
    changed = [live(batch | {"x": _rounded(batch["x"])})[0] for batch in batches]
    pairs = zip(changed, references, strict=True)
    return max(float(processor.differences(output, reference).max(initial=0)) for output, reference in pairs)


def _rounded(x: Any) -> Any:
    if isinstance(x, tuple):
        return tuple(map(_rounded, x))
    if not np.issubdtype(x.dtype, np.floating):
        return x
    return np.nextafter(x, np.where(np.random.default_rng(0).random(x.shape) < 0.5, -np.inf, np.inf), dtype=x.dtype)


def _explained(engine: EngineParity, rounding: float, tolerance: Tolerance) -> EngineParity:
    allowed = max(engine.tolerance, min(ROUNDINGS * rounding, tolerance.accelerated))
    return replace(engine, tolerance=allowed, rounding=rounding)


def _differences(written: Processor, read: Processor) -> tuple[str, ...]:
    """Names of the fields in which two processors, frozen dataclasses, differ."""
    first, second = asdict(written), asdict(read)
    return tuple(
        f"{name} ({first.get(name)!r} became {second.get(name)!r})"
        for name in sorted({*first, *second})
        if first.get(name) != second.get(name)
    )
