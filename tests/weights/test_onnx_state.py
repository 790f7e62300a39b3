"""Weights out of ONNX files, written by hand."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from kit.wire import message
from plx_train.ground.errors import WeightsError
from plx_train.weights.onnx_state import read_onnx

FLOAT, INT64 = 1, 7
WEIGHT = message((1, 2), (1, 1), (2, FLOAT), (8, "weight"), (9, struct.pack("<2f", 1.5, -2.0)))


def model(path: Path, *tensors: bytes) -> Path:
    path.write_bytes(message((7, message(*((5, each) for each in tensors)))))
    return path


def test_a_weight_is_read_by_its_name(tmp_path: Path) -> None:
    (name, array), *others = read_onnx(model(tmp_path / "a.onnx", WEIGHT)).items()
    assert (name, others) == ("weight", []) and array.dtype == np.float32
    assert array.tolist() == [[1.5], [-2.0]]


@pytest.mark.parametrize(
    "other",
    [
        message((1, 2), (2, INT64), (7, bytes([1, 2])), (8, "axes")),
        message((1, 2), (2, FLOAT), (8, "far"), (13, message((1, "location"), (2, "a.bin"))), (14, 1)),
    ],
    ids=["numbers in a list", "in another file"],
)
def test_tensors_kept_otherwise_are_left_out(tmp_path: Path, other: bytes) -> None:
    assert list(read_onnx(model(tmp_path / "a.onnx", other, WEIGHT))) == ["weight"]


def test_what_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"\xff" * 64)
    with pytest.raises(WeightsError, match="ONNX"):
        read_onnx(tmp_path / "a.onnx")
