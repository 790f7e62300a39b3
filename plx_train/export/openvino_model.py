"""``inference.onnx`` run by OpenVINO on the CPU, with the extra ``openvino``."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.export.graphs.checked import CheckedGraph, checked_graph
from plx_train.export.onnx_model import in_batches
from plx_train.ground.characters import legible
from plx_train.ground.errors import ModelError, UserError
from plx_train.machine.hardware import usable_cores
from plx_train.runs.folder import ONNX_FILE


def openvino_model(folder: Path, threads: int = 1) -> Callable[..., list[np.ndarray]]:
    """``inference.onnx`` run by OpenVINO; takes arrays in the inputs' alphabetical order.

    Each thread that calls it has an infer request of its own; Python's lock is let go of meanwhile.

    Args:
        threads: of one call.

    Raises:
        UserError: OpenVINO is not installed, or can't run the graph.
    """
    try:
        import openvino  # noqa: F401
    except ImportError:
        raise UserError("engine=openvino needs the extra openvino: run pip install 'plx_train[openvino]'") from None
    path = folder / ONNX_FILE
    graph = checked_graph(path)
    try:
        compiled = compiled_model(graph, threads)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise UserError(f"OpenVINO can't run {path} ({reason[0][:200]}): take engine=onnx or engine=paddle") from None
    names = sorted(port.any_name for port in compiled.inputs)
    own = threading.local()

    def run(*inputs: np.ndarray) -> list[np.ndarray]:
        if not hasattr(own, "request"):
            own.request = compiled.create_infer_request()
        request: Any = own.request
        try:
            given = {name: np.ascontiguousarray(value) for name, value in zip(names, inputs, strict=True)}
            request.infer(given, share_inputs=True)
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{path} can't be computed: {legible(str(error)[-200:])}") from None
        # Of the request's own memory, which the next call writes to.
        return [np.array(tensor.data) for tensor in request.output_tensors]

    return in_batches(run, graph)


def compiled_model(graph: CheckedGraph, threads: int = 1) -> Any:
    """What OpenVINO runs `graph` with, read as ONNX: asked to find out itself, it takes its own format and others too.

    Raises:
        RuntimeError: it can't read or run it.
    """
    import openvino
    from openvino.frontend import FrontEndManager

    frontend = FrontEndManager().load_by_framework("onnx")
    model = frontend.convert(frontend.load(io.BytesIO(graph.content)))
    return openvino.Core().compile_model(model, "CPU", _settings(threads))


def _settings(threads: int) -> dict[str, Any]:
    """As many calls side by side as the cores have room for, in float32, where bfloat16 is its own choice if it can."""
    streams = max(usable_cores() // threads, 1)
    return {
        "INFERENCE_NUM_THREADS": streams * threads,
        "NUM_STREAMS": streams,
        "INFERENCE_PRECISION_HINT": "f32",
        # Pinned threads of two processes would wait for each other on the same cores.
        "ENABLE_CPU_PINNING": False,
    }
