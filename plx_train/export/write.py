"""Writes a module as PaddleX's inference folder, which stands only if it proves equal to the network."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.contract.dataset import Dataset
from plx_train.contract.module import Module
from plx_train.contract.processor import READING, Processor
from plx_train.export.conversion import methods_converted_once
from plx_train.export.onnx_model import require_onnx, write_onnx
from plx_train.export.parity import DEFAULT_TOLERANCE, ParityReport, Tolerance, check_parity
from plx_train.export.static_model import interpolations
from plx_train.ground.errors import ExportError
from plx_train.ground.files import remove_folder, replace_folder
from plx_train.runs.exported import file_hashes, inference_text
from plx_train.runs.folder import INFERENCE_FILE, PARITY_FILE, STEM

if TYPE_CHECKING:
    import paddle


@dataclass(frozen=True)
class Exported:
    """An exported folder and the proof of it."""

    folder: Path
    parity: ParityReport


def export(
    module: Module[Any],
    processor: Processor,
    folder: Path,
    model_name: str,
    lineage: dict[str, Any],
    dataset: Dataset,
    expected: float | None = None,
    onnx: bool = False,
    tolerance: Tolerance = DEFAULT_TOLERANCE,
    num_threads: int = 1,
) -> Exported:
    """Writes `folder` and proves it on `dataset`; it appears under its name only when the proof holds.

    Args:
        module: its live network is exported and stays as it is.
        processor: the processing to ship, calibrated or not.
        model_name: name in ``inference.yml``; PaddleX knows only its own.
        lineage: plain values (strings, numbers, lists, dicts) for ``Global.plx_train``; PaddleX ignores it.
        dataset: real samples with labels.
        expected: the live network's monitored metric on `dataset` with `processor`; None: it is measured.
        onnx: also write ``inference.onnx``, and prove it; needs the extra onnx.
        num_threads: samples that are computed at once.

    Raises:
        ExportError: the folder can't be written, or differs from the network; in that case it is kept as
            ``<folder>.failed``.
    """
    temporary = folder.with_name(f".{folder.name}.tmp")
    failed = folder.with_name(f"{folder.name}.failed")
    remove_folder(temporary)
    try:
        write_export(module, processor, temporary, model_name, lineage, onnx)
        report = check_parity(module, processor, temporary, dataset, expected, tolerance, num_threads)
        (temporary / PARITY_FILE).write_text(report.to_json(file_hashes(temporary)), "utf-8")
        if report.ok:
            replace_folder(temporary, folder)
            return Exported(folder, report)
        replace_folder(temporary, failed)
    except OSError as error:
        raise ExportError(f"{folder} can't be written ({error.strerror or error})") from None
    finally:
        remove_folder(temporary)
    raise ExportError(f"{report.sentence}; what was written is kept in {failed}")


def write_export(
    module: Module[Any],
    processor: Processor,
    folder: Path,
    model_name: str,
    lineage: dict[str, Any],
    onnx: bool = False,
) -> None:
    """Writes graph, parameters and ``inference.yml`` into `folder` without a proof; arguments as in `export`.

    Raises:
        ExportError: the graph holds an operation that PaddleX can't run on a CPU, or ONNX can't be written.
    """
    if onnx:
        require_onnx()
    settings = processor.to_inference(model_name)
    settings["Global"]["plx_train"] = {"module": module.name, **lineage}
    if processor.reading():
        settings[READING] = processor.reading()
    folder.mkdir(parents=True, exist_ok=True)
    _save_graph(module, processor, folder / STEM)
    found = interpolations(folder / f"{STEM}.json")
    if found:
        raise ExportError(
            f"the network of {module.name} resizes maps with {', '.join(found)}: PaddleX crashes on it on a "
            "CPU, write it as expand and reshape, or as a transposed convolution"
        )
    (folder / INFERENCE_FILE).write_text(inference_text(settings), "utf-8")
    processor.write_files(folder)
    if onnx:
        write_onnx(folder)


def _save_graph(module: Module[Any], processor: Processor, path: Path) -> None:
    """The static graph in Paddle's json format; the module's own network is left as it was."""
    import paddle

    layer, specs = module.export_network(processor)
    with paddle.utils.unique_name.guard(), _evaluating(layer), methods_converted_once(), warnings.catch_warnings():
        # Paddle warns that it saves a function, which is what is meant here.
        warnings.filterwarnings("ignore", message="What you save is a function")
        # Of the method, not of the layer: that would replace the layer's `forward` for good.
        static = paddle.jit.to_static(layer.forward, input_spec=specs, full_graph=True)
        paddle.jit.save(static, str(path))


@contextmanager
def _evaluating(layer: paddle.nn.Layer) -> Iterator[None]:
    """`layer` and its parts in evaluation mode inside, each in its former mode after."""
    former = [(part, part.training) for part in layer.sublayers(include_self=True)]
    layer.eval()
    try:
        yield
    finally:
        for part, training in former:
            part.training = training
