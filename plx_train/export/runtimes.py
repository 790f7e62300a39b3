"""What runs an exported graph: Paddle Inference, ONNX Runtime or OpenVINO, of which the quickest is chosen."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from plx_train.export.choice import chosen_engine, remember_choice
from plx_train.export.graphs.facts import RefusedGraph
from plx_train.export.onnx_cache import check_once, onnx_folder
from plx_train.export.static_model import StaticModel
from plx_train.export.trial import try_out
from plx_train.ground.errors import ConfigError, UserError
from plx_train.runs.exported import is_onnx_only
from plx_train.runs.folder import ONNX_FILE

Model = Callable[..., list[np.ndarray]]
"""Takes arrays in the alphabetical order of the inputs' names; gives the outputs; called from several threads."""
ENGINES = ("auto", "paddle", "native", "onnx", "openvino")
OF_PADDLE = ("paddle", "native")
MEASURED = ENGINES[1:]
PACKAGES = {"onnx": "onnxruntime", "openvino": "openvino"}


def open_model(
    folder: Path, device: str, threads: int | None, engine: str, sample: tuple[np.ndarray, ...]
) -> tuple[Model, str]:
    """The graph in `folder`, and the name of the engine that runs it.

    Args:
        threads: of one call, on a CPU; None: all cores, up to 8.
        engine: ``paddle``, ``native`` (Paddle without oneDNN), ``onnx``, ``openvino``, or ``auto``: on a CPU the one
            that was measured to be the quickest on this machine; where none was, those that are installed are tried.
        sample: inputs, on which a new conversion must do what the graph does.

    Raises:
        UserError: the graph can't be loaded, or not by this engine.
    """
    if engine not in ENGINES:
        raise ConfigError(f"engine={engine} does not exist; there are {', '.join(ENGINES)}")
    threads = threads or min(os.cpu_count() or 1, 8)
    if engine == "auto":
        return _open_quickest(folder, device, threads, sample)
    if engine != "paddle" and device != "cpu":
        raise ConfigError(f"engine={engine} runs on a CPU only, not on {device}")
    return _opened(folder, device, threads, engine, sample), engine


def _open_quickest(folder: Path, device: str, threads: int, sample: tuple[np.ndarray, ...]) -> tuple[Model, str]:
    if device != "cpu":
        if is_onnx_only(folder):
            raise ConfigError(f"{folder} holds a graph of ONNX alone, which runs on a CPU only, not on {device}")
        return StaticModel(folder, device, True, threads), "paddle"
    chosen = chosen_engine(folder, threads)
    found = _opened_of([chosen] if chosen in MEASURED else _candidates(folder), folder, threads, sample)
    if not found:
        # Some graphs have operations that the converter gets wrong; Paddle runs all.
        return StaticModel(folder, device, True, threads), "paddle"
    if len(found) == 1:
        name = next(iter(found))
    else:
        name, milliseconds = try_out(found, sample)
        remember_choice(folder, threads, name, milliseconds)
    return found[name], name


def _candidates(folder: Path) -> list[str]:
    """The engines that are installed and may be the quickest; Paddle without oneDNN never is."""
    of_onnx = [name for name, package in PACKAGES.items() if _is_installed(package)]
    if is_onnx_only(folder):
        # Nothing says whether they agree about it: mode=quantize looks, and notes the quicker.
        return of_onnx[:1] or ["onnx"]
    is_onnx_there = (folder / ONNX_FILE).is_file() or _is_installed("paddle2onnx")
    return ["paddle", *(of_onnx if is_onnx_there else [])]


def _opened_of(names: list[str], folder: Path, threads: int, sample: tuple[np.ndarray, ...]) -> dict[str, Model]:
    """The graph by each of the engines `names` that can run it.

    Raises:
        RefusedGraph: none may.
        UserError: Paddle can't, or nothing can but what can't.
    """
    found: dict[str, Model] = {}
    for name in names:
        try:
            found[name] = _opened(folder, "cpu", threads, name, sample)
        except RefusedGraph:
            raise
        except UserError:
            if name in OF_PADDLE or is_onnx_only(folder):
                raise
    return found


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


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
