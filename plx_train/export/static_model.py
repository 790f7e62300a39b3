"""An exported graph, run by Paddle Inference, and the processor that ships with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract.processor import Graph, Processor
from plx_train.contract.rooms import load_room, room_names
from plx_train.contract.sample import Batch
from plx_train.export.graphs.checked import MOST_BYTES, CheckedExport, checked_export
from plx_train.export.graphs.private_file import PrivateFile
from plx_train.ground.characters import legible
from plx_train.ground.errors import DeviceError, ModelError, UserError
from plx_train.ground.files import read_limited
from plx_train.ground.parsed import parse_json
from plx_train.runs.exported import lineage

INTERPOLATION_SUFFIX = "_interp"
"""Paddle's resizing operations: nearest_interp, bilinear_interp, …"""


class StaticModel:
    """The graph of an exported folder; may be called from several threads, each with a predictor of its own.

    Args:
        folder: holds ``inference.json`` (or the older ``inference.pdmodel``) and ``inference.pdiparams``.
        device: ``cpu``, ``gpu``, ``gpu:1``, ``xpu``, or another type that Paddle knows.
        onednn: on a CPU, run by oneDNN, as PaddleX does; several times faster than Paddle's own operations.
        threads: CPU threads for each call; None: all cores, up to 8.

    Raises:
        UserError: `folder` is not an exported folder, or Paddle can't load it.
        DeviceError: the device is not there.
    """

    def __init__(
        self, folder: Path | str, device: str = "cpu", onednn: bool = True, threads: int | None = None
    ) -> None:
        self.folder = Path(folder)
        self.device = device
        export = checked_export(self.folder)
        # Paddle's oneDNN operations can't read a resizing operation from the json format.
        resizes = export.graph.path.suffix == ".json" and _resizing(export.graph.facts.operations)
        self.onednn = onednn and device == "cpu" and not resizes
        self.threads = threads or min(os.cpu_count() or 1, 8)
        self._graph = PrivateFile(export.graph)
        self._first = _create_predictor(export, self._graph.path(), device, self.onednn, self.threads)
        self._lock = threading.Lock()
        self._local = threading.local()

    def __call__(self, *inputs: np.ndarray) -> list[np.ndarray]:
        """The graph's outputs for `inputs`, which come in the alphabetical order of the inputs' names.

        Raises:
            ModelError: the graph takes other inputs, or can't compute what it says.
        """
        try:
            predictor = self._of_this_thread()
            names = sorted(predictor.get_input_names())
            if len(names) != len(inputs):
                raise ValueError(f"it takes {len(names)} inputs, not {len(inputs)}")
            for name, value in zip(names, inputs, strict=True):
                predictor.get_input_handle(name).copy_from_cpu(np.ascontiguousarray(value))
            predictor.run()
            return [predictor.get_output_handle(name).copy_to_cpu() for name in predictor.get_output_names()]
        except UserError:
            raise
        except Exception as error:  # Paddle's errors have no base class but this
            raise ModelError(f"the graph in {self.folder} can't be computed: {_reason(error)}") from None

    def _of_this_thread(self) -> Any:
        if not hasattr(self._local, "predictor"):
            with self._lock:
                self._graph.path()
                self._local.predictor = self._first.clone()
        return self._local.predictor


def folder_engine(model: Graph, processor: Processor) -> Callable[[Batch], list[np.ndarray]]:
    """`model` as an engine for `plx_train.metrics.evaluate.evaluate`."""

    def run(batch: Batch) -> list[np.ndarray]:
        inputs = batch["x"] if isinstance(batch["x"], tuple) else (batch["x"],)
        return processor.run(model, inputs)

    return run


def room_of(inference: dict[str, Any]) -> str:
    """The module type an exported folder belongs to: the one it names, else the first that understands it.

    Raises:
        UserError: there is none.
    """
    name = lineage(inference).get("module")
    if name in room_names():
        return name
    if name is not None:
        raise UserError(f"inference.yml names the module type {name}, which is none of {', '.join(room_names())}")
    reasons = []
    for room in room_names():
        try:
            _processor(room, inference)
        except UserError as error:
            reasons.append(f"{room}: {error}")
        else:
            return room
    raise UserError(f"inference.yml belongs to no module type that is known here ({'; '.join(reasons)})")


def processor_of(inference: dict[str, Any]) -> Processor:
    """The processor that ``inference.yml`` describes.

    Raises:
        UserError: it belongs to no module type, or holds steps that can't be done.
    """
    return _processor(room_of(inference), inference)


def _processor(room: str, inference: dict[str, Any]) -> Processor:
    return load_room(room).processor.described_by(inference)


def interpolations(graph: Path) -> list[str]:
    """Names of the resizing operations in an ``inference.json``, sorted; empty for the older format.

    Raises:
        UserError: the file is not a graph.
    """
    if graph.suffix != ".json":
        return []
    try:
        regions = parse_json(read_limited(graph, MOST_BYTES[graph.suffix]))["program"]["regions"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{graph} can't be read as a Paddle graph: {error}") from None
    names: set[str] = set()
    _collect_operations(regions, names)
    return _resizing(names)


def _collect_operations(node: Any, names: set[str]) -> None:
    """Adds the name of every operation under `node`, with nested blocks, to `names`."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if isinstance(node.get("#"), str):
                names.add(node["#"])
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _resizing(operations: Iterable[str]) -> list[str]:
    names = {name.rpartition(".")[2] for name in operations}
    return sorted(name for name in names if name.endswith(INTERPOLATION_SUFFIX))


def _create_predictor(export: CheckedExport, graph: Path, device: str, onednn: bool, threads: int) -> Any:
    from paddle import inference

    config = inference.Config(str(graph), str(export.parameters))
    config.disable_glog_info()
    _set_device(config, device, onednn, threads)
    # oneDNN on the older format works only without the new executor's program.
    config.enable_new_ir(graph.suffix == ".json")
    config.enable_new_executor()
    config.enable_memory_optim()
    try:
        predictor = inference.create_predictor(config)
    except Exception as error:  # Paddle's errors have no base class but this
        told = f"Paddle can't load the exported model in {export.parameters.parent}"
        raise UserError(f"{told}: {_reason(error)}") from None
    export.require_unchanged()
    return predictor


def _reason(error: Exception) -> str:
    """What Paddle says at the end of all that it says."""
    lines = str(error).strip().splitlines()
    return legible(lines[-1].strip()) if lines else type(error).__name__


def _set_device(config: Any, device: str, onednn: bool, threads: int) -> None:
    import paddle

    kind, _, number = device.partition(":")
    index = int(number) if number.isdigit() else 0
    if kind == "cpu":
        config.disable_gpu()
        config.set_cpu_math_library_num_threads(threads)
        config.set_optimization_level(3)
        config.enable_mkldnn() if onednn else config.disable_mkldnn()
    elif kind == "gpu":
        if not paddle.is_compiled_with_cuda() or paddle.device.cuda.device_count() <= index:
            raise DeviceError(
                f"device={device} is not there for this paddle: use device=cpu or install paddlepaddle-gpu"
            )
        config.enable_use_gpu(100, index)
    elif kind == "xpu" and paddle.is_compiled_with_xpu():
        config.enable_xpu()
        config.set_xpu_device_id(index)
    elif kind in (paddle.device.get_all_custom_device_type() or []):
        config.enable_custom_device(kind, index)
    else:
        raise DeviceError(f"device={device} is not there for this paddle: use device=cpu or install its plugin")
