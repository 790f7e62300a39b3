"""``inference.onnx`` of an exported folder: its own, or one in the cache that does what the graph does."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np

from plx_train.contract.processor import Processor
from plx_train.export.static_model import StaticModel, processor_of
from plx_train.ground.errors import UserError
from plx_train.ground.files import cache_folder, update_digest
from plx_train.runs.exported import is_onnx_only, read_inference
from plx_train.runs.folder import ONNX_FILE, STEM
from plx_train.terminal.streams import silenced

Inputs = tuple[np.ndarray, ...]
CONVERTED_TOLERANCE = 1e-3
"""Largest difference of any output between a conversion and the graph it was made of."""
RECIPE = b"opset 14, folded twice"
"""Conversions of another recipe lie elsewhere in the cache."""


def onnx_folder(folder: Path, sample: Inputs) -> Path:
    """The folder with ``inference.onnx``: `folder`, or one in the cache that was made of it and tried on `sample`.

    Raises:
        UserError: its graph can't be converted, or the conversion does something else.
    """
    if (folder / ONNX_FILE).is_file():
        return folder
    target = cache_folder() / "onnx" / graph_digest(folder, RECIPE)[:32]
    if not (target / ONNX_FILE).is_file():
        _convert(folder, target, sample)
    return target


def check_once(folder: Path, model: Callable[..., list[np.ndarray]], package: str, sample: Inputs) -> None:
    """Compares `model` with `folder`'s graph on `sample`, unless this version of `package` stood the test before.

    The conversion was tried by ONNX Runtime, but another package may understand it otherwise.

    Raises:
        UserError: it does something else.
    """
    if is_onnx_only(folder):
        return
    passed = cache_folder() / "onnx" / f"{graph_digest(folder, metadata.version(package).encode())[:32]}.{package}"
    if passed.is_file():
        return
    difference = _difference(folder, sample, partial(_tried, model, folder, package))
    if not difference <= CONVERTED_TOLERANCE:
        raise UserError(f"{folder} by {package} differs by {difference:.1e} from itself: take engine=paddle")
    # Where nothing can be kept it is tested every time.
    with suppress(OSError):
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()


def graph_digest(folder: Path, salt: bytes = b"") -> str:
    """sha256 over the graph and its parameters, whichever files these are."""
    digest = hashlib.sha256(salt)
    for suffix in (".pdiparams", ".json", ".pdmodel", ".onnx"):
        path = folder / f"{STEM}{suffix}"
        if path.is_file():
            update_digest(digest, path)
    return digest.hexdigest()


def largest_difference(processor: Processor, wanted: list[np.ndarray], got: list[np.ndarray]) -> float:
    """Largest difference of what `processor` takes of samples; not finite where a shape or a value is no good."""
    if len(wanted) != len(got):
        return float("inf")
    found = [processor.differences(one, other).max(initial=0.0) for one, other in zip(got, wanted, strict=True)]
    # `max` lets NaN pass for small.
    return float(max(found, default=0.0)) if np.isfinite(found).all() else float("inf")


def _difference(folder: Path, sample: Inputs, model: Callable[..., list[np.ndarray]]) -> float:
    """How far a model is from the graph of `folder`."""
    processor = processor_of(read_inference(folder))
    wanted = processor.run(StaticModel(folder), sample)
    try:
        found = processor.run(model, sample)
    except (ValueError, IndexError):  # of shapes that no samples have
        return float("inf")
    return largest_difference(processor, wanted, found)


def _convert(folder: Path, target: Path, sample: Inputs) -> None:
    from plx_train.export.onnx_model import onnx_model, write_onnx

    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=target.parent))
        for suffix in (".json", ".pdiparams"):
            shutil.copyfile(folder / f"{STEM}{suffix}", temporary / f"{STEM}{suffix}")
        # The converter prints by itself, and from native code.
        with silenced():
            write_onnx(temporary)
        difference = _difference(folder, sample, partial(_tried, onnx_model(temporary), folder, "onnxruntime"))
        if not difference <= CONVERTED_TOLERANCE:
            raise UserError(f"{folder} as ONNX differs by {difference:.1e} from itself: take engine=paddle")
        for suffix in (".json", ".pdiparams"):
            (temporary / f"{STEM}{suffix}").unlink()
        temporary.rename(target)
    except OSError as error:
        # Another process was quicker, or nothing can be written.
        if not (target / ONNX_FILE).is_file():
            told = f"{target} can't be written ({error.strerror or error})"
            raise UserError(f"{told}: set PLX_TRAIN_CACHE to a folder that can, or take engine=paddle") from None
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


def _tried(model: Callable[..., list[np.ndarray]], folder: Path, how: str, *sample: np.ndarray) -> list[np.ndarray]:
    try:
        return model(*sample)
    except Exception as error:  # these packages' errors have no base class but this
        raise UserError(f"{folder} by {how} does not run ({str(error)[:200]}): take engine=paddle") from None
