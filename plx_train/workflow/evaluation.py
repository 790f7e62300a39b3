"""The evaluation of a finished model, by the evaluator that training uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plx_train.config.options import RunOptions
from plx_train.contract.evaluation import Evaluation
from plx_train.export.predictor import stacked
from plx_train.export.runtimes import Model, open_model
from plx_train.export.static_model import StaticModel, folder_engine, processor_of
from plx_train.machine.device import OpenDevice
from plx_train.metrics.evaluate import evaluate, network_engine
from plx_train.runs.exported import is_onnx_only, read_inference
from plx_train.workflow.session import Splits, with_processor
from plx_train.workflow.source import Source, build_room, load_source


def evaluate_source(options: RunOptions, source: Source, splits: Splits, device: OpenDevice) -> tuple[Any, Evaluation]:
    """The module and its evaluation on the validation split, with the model's own processing."""
    if source.export:
        module = build_room(options.module, True)
        processor = processor_of(read_inference(source.export))
        engine = folder_engine(_model_of(source.export, device.name, processor), processor)
        val = module.dataset(splits.val, "val", 0)
        return module, evaluate(module, engine, val, processor, device.eval_threads)
    module, state = load_source(options.module, source)
    processor = with_processor(module, state["processor"])
    val = module.dataset(splits.val, "val", 0)
    engine = network_engine(module)
    official = module.processor if module.has_calibration and module.has_official else None
    return module, evaluate(module, engine, val, processor, device.eval_threads, official)


def _model_of(folder: Path, device: str, processor: Any) -> Model:
    """Run by Paddle, which is what the proof is about; by another engine only where Paddle can't run it."""
    if not is_onnx_only(folder):
        return StaticModel(folder, device, threads=1)
    return open_model(folder, device, 1, "auto", stacked([processor.preprocess(processor.example())[0]]))[0]
