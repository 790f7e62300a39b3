"""What runs an exported graph: Paddle Inference, or ONNX Runtime where it is installed, which is quicker on CPUs."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from plx_train.dataset_fingerprint import cache_folder
from plx_train.errors import ConfigError, UserError
from plx_train.static_model import STEM, StaticModel

Model = Callable[..., list[np.ndarray]]
"""Takes arrays in the alphabetical order of the inputs' names; gives the outputs."""
ENGINES = ("auto", "paddle", "onnx")
CONVERTED_TOLERANCE = 1e-3
"""Largest difference of any output between a conversion and the graph it was made of."""


def open_model(
    folder: Path, device: str, threads: int | None, engine: str, sample: tuple[np.ndarray, ...]
) -> tuple[Model, str]:
    """The graph in `folder`, and the name of the engine that runs it.

    Args:
        engine: ``paddle``, ``onnx``, or ``auto``: ONNX Runtime on a CPU, where it and a conversion are to be had.
        sample: inputs, on which a new conversion must do what the graph does.

    Raises:
        UserError: the graph can't be loaded, or not by this engine.
    """
    if engine not in ENGINES:
        raise ConfigError(f"engine={engine} does not exist; there are {', '.join(ENGINES)}")
    if engine == "onnx" and device != "cpu":
        raise ConfigError(f"engine=onnx runs on a CPU only, not on {device}")
    if engine == "paddle" or device != "cpu" or (engine == "auto" and not _can_run_onnx(folder)):
        return StaticModel(folder, device, True, threads), "paddle"
    try:
        source = _onnx_folder(folder, sample)
    except UserError:
        # Some graphs have operations that the converter gets wrong; Paddle runs all.
        if engine == "onnx":
            raise
        return StaticModel(folder, device, True, threads), "paddle"
    from plx_train.onnx_export import onnx_model

    return onnx_model(source, threads or 1), "onnx"


def _can_run_onnx(folder: Path) -> bool:
    has_file = (folder / f"{STEM}.onnx").is_file() or importlib.util.find_spec("paddle2onnx") is not None
    return has_file and importlib.util.find_spec("onnxruntime") is not None


def _onnx_folder(folder: Path, sample: tuple[np.ndarray, ...]) -> Path:
    """The folder with ``inference.onnx``: `folder`, or one in the cache that was made of it."""
    if (folder / f"{STEM}.onnx").is_file():
        return folder
    digest = hashlib.sha256(
        (folder / f"{STEM}.pdiparams").read_bytes() + (folder / f"{STEM}.json").read_bytes()
    ).hexdigest()
    target = cache_folder() / "onnx" / digest[:32]
    if not (target / f"{STEM}.onnx").is_file():
        _convert(folder, target, sample)
    return target


def _convert(folder: Path, target: Path, sample: tuple[np.ndarray, ...]) -> None:
    from plx_train.onnx_export import onnx_model, write_onnx

    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=target.parent))
        for suffix in (".json", ".pdiparams"):
            shutil.copyfile(folder / f"{STEM}{suffix}", temporary / f"{STEM}{suffix}")
        with _silenced():
            write_onnx(temporary)
        wanted, got = StaticModel(folder)(*sample), _tried(onnx_model, temporary, sample)
        difference = max(float(np.abs(one - other).max()) for one, other in zip(wanted, got, strict=True))
        if not difference <= CONVERTED_TOLERANCE:
            raise UserError(f"{folder} as ONNX differs by {difference:.1e} from itself: take engine=paddle")
        for suffix in (".json", ".pdiparams"):
            (temporary / f"{STEM}{suffix}").unlink()
        temporary.rename(target)
    except OSError as error:
        # Another process was quicker, or nothing can be written.
        if not (target / f"{STEM}.onnx").is_file():
            told = f"{target} can't be written ({error.strerror or error})"
            raise UserError(f"{told}: set PLX_TRAIN_CACHE to a folder that can, or take engine=paddle") from None
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


def _tried(onnx_model: Callable[[Path], Model], folder: Path, sample: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    try:
        return onnx_model(folder)(*sample)
    except Exception as error:  # its errors have no base class but this
        raise UserError(f"{folder} as ONNX does not run ({str(error)[:200]}): take engine=paddle") from None


@contextmanager
def _silenced() -> Iterator[None]:
    """Keeps the converter's own messages, which come from native code, off the terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    shown = [os.dup(number) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in (1, 2):
            os.dup2(nowhere, number)
        yield
    finally:
        for number, former in zip((1, 2), shown, strict=True):
            os.dup2(former, number)
            os.close(former)
        os.close(nowhere)
