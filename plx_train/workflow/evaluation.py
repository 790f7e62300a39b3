"""The evaluation of a finished model, by the evaluator that training uses."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plx_train.config.options import RunOptions
from plx_train.contract.evaluation import Evaluation
from plx_train.contract.module import Module
from plx_train.contract.processor import Processor
from plx_train.export.predictor import stacked
from plx_train.export.runtimes import Model, open_model
from plx_train.export.static_model import StaticModel, folder_engine, processor_of
from plx_train.metrics.evaluate import Engine, evaluate, network_engine
from plx_train.runs.exported import is_onnx_only, read_inference
from plx_train.workflow.dataset import RunData
from plx_train.workflow.source import Source, load_config, load_source
from plx_train.workflow.workbench import Workbench

CHOOSING = ("limit", "overfit", "ignore_findings")
"""Options that choose among the samples of a dataset, whose fingerprint is that of all."""


@dataclass(frozen=True)
class ReadyModel:
    """A finished model, ready to run.

    Attributes:
        processor: the model's own.
    """

    module: Module[Any]
    engine: Engine
    processor: Processor


def open_finished(options: RunOptions, data: RunData, source: Source, device: str) -> ReadyModel:
    """The model of a checkpoint, an export, or of weights that are used as they are.

    Args:
        device: name of the open one.
    """
    if not source.export:
        module = load_source(options, data, source)
        return ReadyModel(module, network_engine(module), data.processor)
    processor = processor_of(read_inference(source.export))
    engine = folder_engine(_model_of(source.export, device, processor), processor)
    return ReadyModel(data.build(options, is_fine_tuning=True), engine, processor)


def evaluate_source(bench: Workbench, source: Source) -> tuple[Module[Any], Evaluation]:
    """The module and its evaluation on the validation split, with the model's own processing."""
    threads = bench.device.eval_threads
    model = open_finished(bench.session.options, bench.data, source, bench.device.name)
    module = model.module
    val = module.dataset(bench.splits.val, "val", 0)
    is_calibrated = source.checkpoint is not None and not source.export and module.has_calibration
    official = module.processor if is_calibrated and module.has_official else None
    return module, evaluate(module, model.engine, val, model.processor, threads, official)


def is_on_same_data(bench: Workbench, source: Source) -> bool:
    """Whether the validation samples are those that the run's logged figures were taken on."""
    if source.run is None or source.recorded().get("fingerprint") != bench.data.report.fingerprint:
        return False
    recorded, current = load_config(source.run).get("dataset") or {}, asdict(bench.session.options.dataset)
    return all(recorded.get(name, current[name]) == current[name] for name in CHOOSING)


def _model_of(folder: Path, device: str, processor: Processor) -> Model:
    """Run by Paddle, which is what the proof is about; by another engine only where Paddle can't run it."""
    if not is_onnx_only(folder):
        return StaticModel(folder, device, threads=1)
    return open_model(folder, device, 1, "auto", stacked([processor.preprocess(processor.example())[0]]))[0]
