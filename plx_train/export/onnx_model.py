"""An exported folder as ONNX, with the extra ``onnx``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.export.graphs.checked import CheckedGraph, checked_export, checked_graph
from plx_train.export.graphs.private_file import PrivateFile
from plx_train.export.onnx_fold import fold
from plx_train.ground.characters import legible
from plx_train.ground.errors import ExportError, ModelError, UserError
from plx_train.runs.folder import ONNX_FILE

Model = Callable[..., list[np.ndarray]]
OPSET = 14
SUPPRESSION = "NonMaxSuppression"
"""Operation around which the converter writes what holds for one image alone."""
INSTALL = "pip install -e '.[onnx]'"


def require_onnx() -> None:
    """Does nothing where the extra is installed; better asked before a long run than after.

    Raises:
        ExportError: it is not, with the command that installs it.
    """
    try:
        import onnxruntime  # noqa: F401
        import paddle2onnx  # noqa: F401
    except ImportError as error:
        raise ExportError(_missing(error.name)) from None


def write_onnx(folder: Path) -> Path:
    """Converts `folder`'s graph to ``inference.onnx`` beside it.

    Raises:
        ExportError: the extra is not installed, or an operation has no counterpart.
    """
    require_onnx()
    # The converter's default optimiser installs packages while it runs.
    os.environ["POLYGRAPHY_AUTOINSTALL_DEPS"] = "0"
    import paddle2onnx

    target = folder / ONNX_FILE
    export = checked_export(folder)
    graph = PrivateFile(export.graph)
    try:
        paddle2onnx.export(
            str(graph.path()),
            str(export.parameters),
            str(target),
            opset_version=OPSET,
            optimize_tool="None",
        )
    except (Exception, SystemExit) as error:
        # A graph that can't be converted ends the converter's process, or raises whatever its parts raise.
        raise ExportError(f"the graph can't be converted to ONNX: {error}") from error
    if not target.is_file():
        raise ExportError("the graph can't be converted to ONNX: the converter wrote nothing")
    try:
        fold(target)
    except Exception as error:  # whatever a graph does to onnx's evaluator
        raise ExportError(f"the graph as ONNX can't be simplified: {str(error)[:200]}") from error
    return target


def onnx_model(folder: Path, threads: int = 1) -> Model:
    """``inference.onnx`` run by onnxruntime on the CPU; takes arrays in the inputs' alphabetical order.

    Raises:
        UserError: onnxruntime is not installed, or can't run the graph.
    """
    path = folder / ONNX_FILE
    graph = checked_graph(path)
    try:
        session = open_session(graph, threads)
    except ImportError:
        raise UserError(f"engine=onnx needs onnxruntime of the extra onnx: run {INSTALL}") from None
    except UserError:
        raise
    except Exception as error:  # its errors have no base class but this
        raise UserError(f"ONNX Runtime can't run {path} ({str(error)[:200]}): take engine=paddle") from None
    names = sorted(item.name for item in session.get_inputs())

    def run(*inputs: np.ndarray) -> list[np.ndarray]:
        try:
            return session.run(None, dict(zip(names, inputs, strict=True)))
        except Exception as error:  # its errors have no base class but this
            raise ModelError(f"{path} can't be computed: {legible(str(error)[:200])}") from None

    return in_batches(run, graph)


def in_batches(run: Model, graph: CheckedGraph) -> Model:
    """`run` for batches of any number, where the converter wrote the `graph` for one sample at a time."""
    if SUPPRESSION not in graph.facts.operations:
        return run

    def one_by_one(*inputs: np.ndarray) -> list[np.ndarray]:
        found = [run(*(value[index : index + 1] for value in inputs)) for index in range(len(inputs[0]))]
        return found[0] if len(found) == 1 else [np.concatenate(parts) for parts in zip(*found, strict=True)]

    return one_by_one


def open_session(graph: CheckedGraph, threads: int = 1) -> Any:
    """What ONNX Runtime runs `graph` with, read as ONNX and as nothing else that its bytes may be."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; it warns of every unused constant
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return onnxruntime.InferenceSession(graph.content, options, providers=["CPUExecutionProvider"])


def _missing(package: str | None) -> str:
    if sys.version_info >= (3, 13):
        return "ONNX export needs Python 3.12 or older: there is no paddle2onnx 2.1.0 for newer ones"
    return f"ONNX export needs {package or 'packages'} of the extra onnx: run {INSTALL}"
