"""What runs an exported graph: Paddle Inference, ONNX Runtime or OpenVINO, of which the quickest is chosen."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from plx_train.export.choice import chosen_engine
from plx_train.export.graphs.facts import RefusedGraph
from plx_train.export.onnx_cache import check_once, onnx_folder
from plx_train.export.static_model import StaticModel
from plx_train.ground.errors import ConfigError, UserError
from plx_train.runs.exported import is_onnx_only
from plx_train.runs.folder import ONNX_FILE

Model = Callable[..., list[np.ndarray]]
"""Takes arrays in the alphabetical order of the inputs' names; gives the outputs; called from several threads."""
ENGINES = ("auto", "paddle", "native", "onnx", "openvino")
OF_PADDLE = ("paddle", "native")


def open_model(
    folder: Path, device: str, threads: int | None, engine: str, sample: tuple[np.ndarray, ...]
) -> tuple[Model, str]:
    """The graph in `folder`, and the name of the engine that runs it.

    Args:
        threads: of one call, on a CPU; None: all cores, up to 8.
        engine: ``paddle``, ``native`` (Paddle without oneDNN), ``onnx``, ``openvino``, or ``auto``: on a CPU the one
            that was measured to be the quickest on this machine, else ONNX Runtime where it is to be had.
        sample: inputs, on which a new conversion must do what the graph does.

    Raises:
        UserError: the graph can't be loaded, or not by this engine.
    """
    if engine not in ENGINES:
        raise ConfigError(f"engine={engine} does not exist; there are {', '.join(ENGINES)}")
    threads = threads or min(os.cpu_count() or 1, 8)
    wanted = _quickest(folder, device, threads) if engine == "auto" else engine
    if wanted != "paddle" and device != "cpu":
        raise ConfigError(f"engine={wanted} runs on a CPU only, not on {device}")
    try:
        return _opened(folder, device, threads, wanted, sample), wanted
    except RefusedGraph:
        raise
    except UserError:
        # Some graphs have operations that the converter gets wrong; Paddle runs all.
        if engine != "auto" or wanted in OF_PADDLE or is_onnx_only(folder):
            raise
        return StaticModel(folder, device, True, threads), "paddle"


def _quickest(folder: Path, device: str, threads: int) -> str:
    if device != "cpu" and not is_onnx_only(folder):
        return "paddle"
    chosen = chosen_engine(folder, threads)
    if chosen in ENGINES and chosen != "auto":
        return chosen
    if is_onnx_only(folder) and not _is_installed("onnxruntime") and _is_installed("openvino"):
        return "openvino"
    return "onnx" if _can_run_onnx(folder) or is_onnx_only(folder) else "paddle"


def _opened(folder: Path, device: str, threads: int, engine: str, sample: tuple[np.ndarray, ...]) -> Model:
    if engine in OF_PADDLE:
        return StaticModel(folder, device, engine == "paddle", threads)
    source = onnx_folder(folder, sample)
    if engine == "openvino":
        from plx_train.export.openvino_model import openvino_model

        model = openvino_model(source, threads)
        check_once(folder, model, "openvino", sample)
        return model
    from plx_train.export.onnx_model import onnx_model

    return onnx_model(source, threads)


def _can_run_onnx(folder: Path) -> bool:
    return ((folder / ONNX_FILE).is_file() or _is_installed("paddle2onnx")) and _is_installed("onnxruntime")


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
