"""A graph as ``inference.onnx``: nodes, with sub-graphs of branches and loops in their attributes."""

from __future__ import annotations

import math

from plx_train.export.graphs.facts import GraphFacts, MalformedGraph, told_malformed
from plx_train.ground.protobuf import fields, message, text, varints

# Numbers of fields in ONNX's onnx.proto.
MODEL_GRAPH, MODEL_TRAINING, MODEL_FUNCTION = 7, 20, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_SPARSE = 1, 5, 15
NODE_OPERATION, NODE_ATTRIBUTE, NODE_DOMAIN = 4, 5, 7
ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS, ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
SPARSE_TENSORS = (1, 2)
TENSOR_DIMS, TENSOR_TYPE, TENSOR_RAW, TENSOR_EXTERNAL, TENSOR_LOCATION = 1, 2, 9, 13, 14
TENSOR_NUMBERS, TENSOR_TEXTS = (4, 5, 7, 9, 10, 11), 6
DEFAULT_LOCATION = 0
MOST_AXES = 16
STANDARD_DOMAINS = ("", "ai.onnx")
DEEPEST = 32
BITS = {1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16,
        17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4}  # fmt: skip
"""Length of one element, by the type of a tensor."""
RUNTIME_FORMAT = b"ORTM"
"""What stands at bytes 4 to 7 of ONNX Runtime's own format, which it knows by them: whatever else the file may be."""


def read_onnx(content: bytes) -> GraphFacts:
    """The facts of an ``inference.onnx``; an operation of another domain than ONNX's own is called ``domain.name``.

    Raises:
        MalformedGraph: it is none, keeps tensors in other files, or brings functions of its own.
    """
    operations: set[str] = set()
    if content[4:8] == RUNTIME_FORMAT:
        raise MalformedGraph("it is in ONNX Runtime's own format: save it as ONNX")
    with told_malformed():
        for number, value in fields(content):
            if number == MODEL_GRAPH:
                _read_graph(message(value), operations, 0)
            elif number == MODEL_FUNCTION:
                raise MalformedGraph("it brings functions of its own: write them out as operations")
            elif number == MODEL_TRAINING:
                raise MalformedGraph("it holds a training step: export it for inference")
    if not operations:
        raise MalformedGraph("it holds no operation")
    return GraphFacts(frozenset(operations))


def _read_graph(content: memoryview, operations: set[str], depth: int) -> None:
    if depth > DEEPEST:
        raise MalformedGraph(f"its sub-graphs lie in one another more than {DEEPEST} deep")
    for number, value in fields(content):
        if number == GRAPH_NODE:
            _read_node(message(value), operations, depth)
        elif number == GRAPH_INITIALIZER:
            _read_tensor(message(value))
        elif number == GRAPH_SPARSE:
            _read_sparse(message(value))


def _read_node(content: memoryview, operations: set[str], depth: int) -> None:
    parts = list(fields(content))
    names, domains = ([text(part) for kind, part in parts if kind == key] for key in (NODE_OPERATION, NODE_DOMAIN))
    # Of a field that stands twice readers may take the first or the last.
    if len(names) != 1 or len(domains) > 1:
        raise MalformedGraph("an operation of it has not one name")
    domain = domains[0] if domains else ""
    operations.add(names[0] if domain in STANDARD_DOMAINS else f"{domain}.{names[0]}")
    for kind, part in parts:
        if kind == NODE_ATTRIBUTE:
            _read_attribute(message(part), operations, depth)


def _read_attribute(content: memoryview, operations: set[str], depth: int) -> None:
    for number, value in fields(content):
        if number in ATTRIBUTE_GRAPHS:
            _read_graph(message(value), operations, depth + 1)
        elif number in ATTRIBUTE_TENSORS:
            _read_tensor(message(value))
        elif number in ATTRIBUTE_SPARSE:
            _read_sparse(message(value))


def _read_sparse(content: memoryview) -> None:
    for number, value in fields(content):
        if number in SPARSE_TENSORS:
            _read_tensor(message(value))


def _read_tensor(content: memoryview) -> None:
    """A tensor's numbers must lie in the file, and be as many as its size says."""
    dims: list[int] = []
    kind, given, is_raw = 0, 0, False
    for number, value in fields(content):
        if number == TENSOR_EXTERNAL or (number == TENSOR_LOCATION and value != DEFAULT_LOCATION):
            raise MalformedGraph("it keeps tensors in other files: save it as one file")
        if number == TENSOR_DIMS:
            dims += varints(value)
        elif number == TENSOR_TYPE:
            kind = value if isinstance(value, int) else 0
        elif number in TENSOR_NUMBERS:
            given += len(value) if isinstance(value, memoryview) else 1
            is_raw = is_raw or number == TENSOR_RAW
        elif number == TENSOR_TEXTS:
            given += 1
    if len(dims) > MOST_AXES:
        raise MalformedGraph(f"it holds a tensor of more than {MOST_AXES} axes")
    elements = math.prod(dims)
    # Numbers that are not raw take a byte at least, two of four bits share one.
    needed = elements * BITS.get(kind, 8) // 8 if is_raw else elements // 2
    if needed > given:
        raise MalformedGraph("it holds a tensor of fewer numbers than its size says")
