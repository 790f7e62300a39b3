"""mode=quantize: an exported model in int8, calibrated on training samples and judged on the validation split."""

from __future__ import annotations

import json
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plx_train.config.compose import Composed
from plx_train.contract.dataset import Dataset
from plx_train.contract.module import Module
from plx_train.export.quantize import QUANTIZED_FILE, write_quantized
from plx_train.export.speed import EngineSpeed, Inputs, measure, opened_engines, ways_of
from plx_train.export.static_model import folder_engine, processor_of
from plx_train.ground.confine import confined
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import remove_folder, replace_folder
from plx_train.ground.spread import spread
from plx_train.machine.device import check_device
from plx_train.machine.hardware import usable_cores
from plx_train.metrics.direction import Better, monitored, sign, unit
from plx_train.metrics.evaluate import evaluate
from plx_train.runs.exported import file_hashes, is_onnx_only, read_inference
from plx_train.runs.folder import INT8_EXPORT, ONNX_FILE, PARAMETERS_FILE
from plx_train.runs.lock import hold
from plx_train.runs.result import RunResult
from plx_train.workflow.exporting import export_source
from plx_train.workflow.measure import SAMPLES, SHOWN, inputs_of, work_of
from plx_train.workflow.session import Session
from plx_train.workflow.source import Source, find_export
from plx_train.workflow.workbench import Workbench, open_workbench

EVALUATED_AS = "paddle"
"""What the fp32 export's metric is taken with: the engine that its proof is about."""
MOST_PARTS = 8
"""Parts of a sample, an image's tiles for example, by which ranges of activations are chosen."""


@dataclass(frozen=True)
class Loss:
    """What int8 costs.

    Attributes:
        better: which values of the monitored metric are.
        fp32: that metric of the export.
        int8: of its int8 version, by engine.
        tolerance: what it may lose; where the metric is an error, that share of it.
    """

    monitor: str
    better: Better
    fp32: float
    int8: dict[str, float]
    tolerance: float

    @property
    def worst(self) -> float:
        """What the worst of the engines reaches."""
        return min(self.int8.values(), key=lambda value: sign(self.better) * value)

    @property
    def lost(self) -> float:
        """Above 0 where int8 is worse; where the metric is an error, as a share of it."""
        return sign(self.better) * (self.fp32 - self.worst) / unit(self.better, self.fp32)

    @property
    def is_bearable(self) -> bool:
        return self.lost <= self.tolerance


def run(composed: Composed) -> RunResult:
    """Writes ``export_int8`` into the run's folder, or `output` where there is none, and says what it loses."""
    check_device(composed.options.device)
    source = find_export(composed)
    if source.export and is_onnx_only(source.export):
        raise ConfigError(f"{source.export} is an int8 export already")
    with open_workbench(composed, source) as bench:
        place = source.run or bench.session.output
        with closing(hold(place)) if place.resolve() != bench.session.output.resolve() else nullcontext():
            return _quantized(bench, source)


def _quantized(bench: Workbench, source: Source) -> RunResult:
    session, splits = bench.session, bench.splits
    export = source.export or export_source(bench, source).folder
    options = session.options.quantize
    module = bench.data.build(session.options, is_fine_tuning=True)
    processor = processor_of(read_inference(export))
    train, val = module.dataset(splits.train, "holdout", 0), module.dataset(splits.val, "val", 0)
    # Beside the export, where its run's configuration is found again.
    place = source.run or session.output
    folder = confined(place, INT8_EXPORT, str(place))
    temporary = confined(place, f".{INT8_EXPORT}.tmp", str(place))
    remove_folder(temporary)
    try:
        write_quantized(export, temporary, [_few(each) for each in inputs_of(module, train, options.samples)])
        loss = judge(module, export, temporary, processor, val, options.tolerance)
        speeds = compare(export, temporary, processor, inputs_of(module, val, SAMPLES))
        _record(temporary, loss, speeds, options)
        replace_folder(temporary, folder)
    finally:
        remove_folder(temporary)
    _tell(session, export, folder, loss, speeds)
    return RunResult("quantize", session.output, {f"val/{loss.monitor}": loss.worst}, export=folder)


def _few(inputs: Inputs) -> Inputs:
    """The inputs of a sample; of one that goes through the graph in many parts a few, spread over it."""
    chosen = spread(len(inputs[0]), MOST_PARTS)
    return tuple(each[chosen] for each in inputs)


def judge(module: Module[Any], export: Path, folder: Path, processor: Any, val: Dataset, tolerance: float) -> Loss:
    """The metric of both on `val`, by the evaluator that training uses."""
    sample = inputs_of(module, val, 1)[0]

    def metric(model: Any) -> float:
        return evaluate(module, folder_engine(model, processor), val, processor).metrics[module.monitor]

    models = opened_engines(folder, 1, sample)
    if not models:
        raise UserError(f"nothing here can run {folder}: install the extra onnx or openvino")
    fp32 = metric(opened_engines(export, 1, sample)[EVALUATED_AS])
    int8 = {name: metric(model) for name, model in models.items()}
    return Loss(module.monitor, monitored(module), fp32, int8, tolerance)


def compare(export: Path, folder: Path, processor: Any, inputs: list[Inputs]) -> list[EngineSpeed]:
    """The speed of every engine with either, in turn; `difference` is that from Paddle with fp32."""
    found: list[EngineSpeed] = []
    for way in ways_of(min(usable_cores(), 8)):
        models = opened_engines(export, way.threads, inputs[0])
        models |= {f"{name} int8": model for name, model in opened_engines(folder, way.threads, inputs[0]).items()}
        works = {name: work_of(processor, model) for name, model in models.items()}
        found += measure(works, processor, inputs, way, float("inf"))
    return found


def _record(folder: Path, loss: Loss, speeds: list[EngineSpeed], options: Any) -> None:
    content = {
        **asdict(loss),
        "lost": loss.lost,
        "is_bearable": loss.is_bearable,
        "calibration_samples": options.samples,
        "milliseconds": {f"{speed.engine}, {speed.way}": speed.median for speed in speeds},
        "files": file_hashes(folder),
    }
    (folder / QUANTIZED_FILE).write_text(json.dumps(content, indent=1), "utf-8")


def _tell(session: Session, export: Path, folder: Path, loss: Loss, speeds: list[EngineSpeed]) -> None:
    first = {speed.way: speed.median for speed in reversed(speeds)}
    rows = [
        (_shown(speed.engine), str(speed.way), f"{speed.median:.2f}", f"{speed.spread:.0%}",
         f"{speed.median / first[speed.way]:.2f}")
        for speed in speeds
    ]  # fmt: skip
    session.console.table("speed", ["engine", "called", "ms", "spread", "ratio"], rows)
    sizes = [(export / PARAMETERS_FILE).stat().st_size, (folder / ONNX_FILE).stat().st_size]
    metrics = ", ".join(f"{value:.4f} by {SHOWN[name]}" for name, value in loss.int8.items())
    facts = [
        ("folder", str(folder)),
        (loss.monitor, f"{loss.fp32:.4f} in fp32; in int8 {metrics}"),
        ("size", " → ".join(f"{size / 1e6:.1f} MB" for size in sizes)),
    ]
    session.console.summary("quantize", facts)
    if not loss.is_bearable:
        session.console.warn(
            f"int8 loses {loss.lost:.4f} of {loss.monitor}, more than quantize.tolerance={loss.tolerance:g}: "
            "try more quantize.samples, or keep the fp32 export"
        )


def _shown(name: str) -> str:
    engine, _, kind = name.partition(" ")
    return f"{SHOWN[engine]}, int8" if kind else SHOWN[engine]
