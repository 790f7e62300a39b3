"""ONNX graphs: which operations they hold, wherever they hide, and what reaches out of their file."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.wire import message, node, onnx_model, tensor
from plx_train.export.graphs.checked import checked_graph
from plx_train.export.graphs.facts import RefusedGraph
from plx_train.ground.errors import UserError


def written(folder: Path, content: bytes) -> Path:
    path = folder / "inference.onnx"
    path.write_bytes(content)
    return path


def holding(*nodes: bytes, field: int = 6) -> bytes:
    """An attribute with a sub-graph."""
    return message((1, "body"), (field, message(*((1, each) for each in nodes))))


def test_a_graph_that_computes_is_read(tmp_path: Path) -> None:
    nodes = [node("Relu"), node("Loop", "", holding(node("Conv", "ai.onnx"))), node("QGemm", "com.microsoft")]
    found = checked_graph(written(tmp_path, onnx_model(nodes, [tensor([2, 1], b"12345678")]))).facts
    assert found.operations == {"Relu", "Loop", "Conv", "com.microsoft.QGemm"}


@pytest.mark.parametrize(
    ("name", "domain", "told"),
    [
        ("EPContext", "com.microsoft", "com.microsoft.EPContext"), ("Tokenizer", "com.microsoft", "com.microsoft.Tok"),
        ("Snpe", "com.microsoft", "com.microsoft.Snpe"), ("Relu", "mine", "mine.Relu"), ("Relu", "ai.onnx.ml", "Relu"),
        ("ReadFile", "ai.onnx.contrib", "contrib.ReadFile"), ("PyOp", "", "PyOp"), ("ImageDecoder", "", "ImageDec"),
        ("relu", "", "relu"), ("Relu\x00", "", "Relu"), ("save", "Paddle", "Paddle.save"), ("Print", "", "Print"),
        ("Conv", "com.microsoft.nchwc", "nchwc.Conv"), ("ATen", "org.pytorch.aten", "aten.ATen"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["main", "graph", "graphs", "deep"])
def test_an_operation_that_does_more_is_refused_wherever_it_stands(
    name: str, domain: str, told: str, where: str, tmp_path: Path
) -> None:
    hostile = node(name, domain)
    if where == "graph":
        hostile = node("If", "", holding(node("Relu"), hostile))
    elif where == "graphs":
        hostile = node("If", "", holding(hostile, field=11))
    elif where == "deep":
        hostile = node("Loop", "", holding(node("Scan", "", holding(node("If", "", holding(hostile))))))
    with pytest.raises(RefusedGraph, match="before anything of it ran: it holds the operation") as caught:
        checked_graph(written(tmp_path, onnx_model([node("Relu"), hostile])))
    assert told in str(caught.value)


def test_graphs_that_are_put_together_are_all_looked_at(tmp_path: Path) -> None:
    second = message((1, node("Evil", "mine")))
    with pytest.raises(RefusedGraph, match=r"mine\.Evil"):
        checked_graph(written(tmp_path, onnx_model([node("Relu")]) + message((7, second))))


def nested(depth: int) -> bytes:
    inner = node("Relu")
    for _ in range(depth):
        inner = node("If", "", holding(inner))
    return onnx_model([inner])


OUTSIDE = message((1, "location"), (2, "../../home/user/.ssh/id_rsa"))
IN_ATTRIBUTE = message((1, "value"), (5, tensor([1], b"", (13, OUTSIDE), (14, 1))))
SPARSE = message((1, tensor([1], b"", (13, OUTSIDE))))
MALFORMED = {
    "nothing": b"",
    "no operation": onnx_model([]),
    "cut off": onnx_model([node("Relu")])[:-9],
    "two names": onnx_model([message((4, "Relu"), (4, "Evil"))]),
    "two domains": onnx_model([message((4, "Relu"), (7, ""), (7, "mine"))]),
    "a tensor in another file": onnx_model([node("Relu")], [tensor([1], b"", (13, OUTSIDE), (14, 1))]),
    "a place alone": onnx_model([node("Relu")], [tensor([1], b"1234", (14, 1))]),
    "another file alone": onnx_model([node("Relu")], [tensor([1], b"1234", (13, OUTSIDE))]),
    "another file in an attribute": onnx_model([node("Constant", "", IN_ATTRIBUTE)]),
    "another file in a branch": onnx_model([node("If", "", holding(node("Constant", "", IN_ATTRIBUTE)))]),
    "another file of a sparse tensor": onnx_model([node("Constant", "", message((22, SPARSE)))]),
    "functions of its own": onnx_model([node("Relu")], [], (25, message((1, "Relu"), (7, node("Evil"))))),
    "a training step": onnx_model([node("Relu")], [], (20, b"")),
    "a tensor of a huge size": onnx_model([node("Relu")], [tensor([1 << 40], b"1234")]),
    "a tensor of huge sizes": onnx_model([node("Relu")], [tensor([1 << 40] * 1000, b"1234")]),
    "a tensor of a negative size": onnx_model([node("Relu")], [tensor([-1], b"1234")]),
    "numbers that are too few": onnx_model([node("Relu")], [tensor([2], b"1234")]),
    "graphs in graphs": nested(40),
    # A whole graph of ONNX too, whose producer calls itself so.
    "what ONNX Runtime takes for its own format": message((2, "a ORTM")) + onnx_model([node("Relu")]),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_graph_is_told(case: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"can't be read as an ONNX graph: .*; export it again"):
        checked_graph(written(tmp_path, MALFORMED[case]))


def test_any_byte_that_is_changed_gives_a_graph_or_a_sentence(tmp_path: Path) -> None:
    content = onnx_model([node("If", "", holding(node("Constant", "", IN_ATTRIBUTE)))], [tensor([2], b"12345678")])
    for place in range(len(content)):
        for value in (0, 127, 128, 255, content[place] ^ 1):
            try:
                checked_graph(written(tmp_path, content[:place] + bytes([value]) + content[place + 1 :]))
            except UserError as error:
                assert "inference.onnx" in str(error)
