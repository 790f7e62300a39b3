"""Engines know more formats than the gate reads: they are told which one they are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kit.wire import message, node
from plx_train.export.graphs.checked import CheckedGraph
from plx_train.export.graphs.facts import GraphFacts
from plx_train.export.onnx_model import open_session
from plx_train.export.openvino_model import compiled_model

X = np.array([-1, 2], np.float32)


def value(name: str) -> bytes:
    """A ValueInfoProto of a float32 tensor of two numbers."""
    return message((1, name), (2, message((1, message((1, 1), (2, message((1, message((1, 2))))))))))


def unseen(content: bytes) -> CheckedGraph:
    """A graph as if the gate had let it pass."""
    return CheckedGraph(Path("inference.onnx"), content, GraphFacts(frozenset(["Relu"])))


GRAPH = message((1, node("Relu")), (2, "graph"), (11, value("x")), (12, value("y")))
MODEL = message((1, 8), (7, GRAPH), (8, message((1, ""), (2, 14))))


def test_onnx_runtime_takes_nothing_but_onnx(tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "own")
    options.add_session_config_entry("session.save_model_format", "ORT")
    runtime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
    own = (tmp_path / "own").read_bytes()
    runtime.InferenceSession(own, providers=["CPUExecutionProvider"])
    with pytest.raises(Exception, match="INVALID_PROTOBUF"):
        open_session(unseen(own))
    assert np.array_equal(open_session(unseen(MODEL)).run(None, {"x": X})[0], [0, 2])


def test_openvino_takes_nothing_but_onnx(tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    core = openvino.Core()
    openvino.save_model(core.read_model(MODEL), tmp_path / "own.xml")
    own = (tmp_path / "own.xml").read_bytes()
    core.read_model(own)
    with pytest.raises(RuntimeError, match="import of ONNX model"):
        compiled_model(unseen(own))
    assert np.array_equal(compiled_model(unseen(MODEL))(X)[0], [0, 2])
