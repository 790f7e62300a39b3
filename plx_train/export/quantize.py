"""An exported folder in int8: its graph as ONNX with quantised weights and activations, for ONNX Runtime and OpenVINO.

Paddle 3.3 can't do it itself: what `paddle.quantization.PTQ` converts can't be saved with inputs of any size, and saved
with one size neither Paddle Inference nor paddle2onnx reads it.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.export.graphs.checked import checked_graph
from plx_train.export.onnx_cache import onnx_folder
from plx_train.export.onnx_model import INSTALL, open_session, require_onnx
from plx_train.ground.errors import ExportError, UserError
from plx_train.ground.parsed import parse_json
from plx_train.metrics.direction import recorded, sign, unit
from plx_train.runs.folder import INFERENCE_FILE, ONNX_FILE, QUANTIZED_FILE

"""What was measured of an int8 export; it has no proof, for it is not equal to what was trained."""
OPERATIONS = ["Conv", "MatMul", "Gemm"]
"""Where the time goes; the others are quicker left as they are than with conversions around them."""
COPIED = (INFERENCE_FILE, "scaler.pkl")

Inputs = tuple[np.ndarray, ...]


def write_quantized(export: Path, folder: Path, inputs: Sequence[Inputs]) -> None:
    """Writes `export` in int8 into the new `folder`: weights by channel, activations by what `inputs` cause.

    Args:
        inputs: of training samples, each as the graph takes it.

    Raises:
        UserError: the extra onnx is missing, or the graph can't be converted or quantised.
    """
    require_onnx()
    if importlib.util.find_spec("ml_dtypes") is None:
        raise ExportError(f"int8 needs ml-dtypes of the extra onnx: run {INSTALL}")
    source = onnx_folder(export, inputs[0]) / ONNX_FILE
    try:
        content = checked_graph(source).content
    except UserError as error:
        raise ExportError(f"{source.name} can't be quantised: {error}") from None
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        if (export / name).is_file():
            shutil.copyfile(export / name, folder / name)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        # Its shapes are inferred in place beside the model.
        copy = Path(scratch) / ONNX_FILE
        copy.write_bytes(content)
        _quantize(copy, folder / ONNX_FILE, inputs)


def engines_as_good(folder: Path) -> set[str]:
    """The engines by which an int8 export reaches nearly what it does by the best, as was measured when it was made."""
    try:
        content = parse_json((folder / QUANTIZED_FILE).read_text("utf-8"))
        better = recorded(content, content["monitor"])
        reached = {str(name): sign(better) * float(value) for name, value in content["int8"].items()}
        best, tolerance = max(reached.values()), float(content["tolerance"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {"onnx"}
    most = tolerance * unit(better, best)
    return {name for name, value in reached.items() if best - value <= most}


def _quantize(source: Path, target: Path, inputs: Sequence[Inputs]) -> None:
    from onnxruntime import quantization

    former = logging.getLogger().level
    # It recommends on the root logger what was done when the graph was converted.
    logging.getLogger().setLevel(logging.ERROR)
    try:
        quantization.quantize_static(
            str(source),
            str(target),
            _reader(source, inputs),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=OPERATIONS,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=_left_alone(source),
            # Ranges are those of a typical sample: by the widest, one odd sample leaves few of 256 steps to the others.
            extra_options={"CalibMovingAverage": True},
        )
    except Exception as error:  # its errors have no base class but this
        raise ExportError(f"{source.name} can't be quantised ({str(error)[:200]})") from error
    finally:
        logging.getLogger().setLevel(former)


def _left_alone(source: Path) -> list[str]:
    """Names of convolutions that lose much in int8 and gain no time.

    These are those of each channel by itself (depthwise), and of one pixel after a global average (squeeze and excite).
    """
    import onnx

    graph = onnx.load_model_from_string(checked_graph(source).content).graph
    known = {one.name for one in graph.initializer}
    averaged: set[str] = set()
    found = []
    for node in graph.node:
        read = [name for name in node.input if name and name not in known]
        if node.op_type == "GlobalAveragePool" or (read and averaged.issuperset(read)):
            averaged.update(node.output)
        is_depthwise = any(one.name == "group" and one.i > 1 for one in node.attribute)
        if node.op_type == "Conv" and node.name and (is_depthwise or node.output[0] in averaged):
            found.append(node.name)
    return found


def _reader(source: Path, inputs: Sequence[Inputs]) -> Any:
    """What hands one sample after the other to the calibration."""
    from onnxruntime.quantization import CalibrationDataReader

    session = open_session(checked_graph(source))
    names = sorted(item.name for item in session.get_inputs())

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.samples: Iterator[Inputs] = iter(inputs)

        def get_next(self) -> dict[str, np.ndarray] | None:
            sample = next(self.samples, None)
            return None if sample is None else dict(zip(names, sample, strict=True))

    return Reader()
