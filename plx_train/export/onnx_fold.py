"""A converted graph made simpler without a change of what it does: what the converter writes in many steps, in one.

ONNX Runtime could do most of this, but takes HardSwish apart, which makes OpenVINO slower.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from plx_train.export.graphs.checked import checked_graph

SIXTH = 1 / 6
NEAR = 1e-6
MERGED = "merged"
BETWEEN = [3, 5]
"""Axes behind height and width, as they count once both are there."""


def fold(path: Path) -> None:
    """Simplifies the graph in the file `path`.

    Raises:
        UserError: it holds an operation that does more than compute.
    """
    import onnx

    model = onnx.load_model_from_string(checked_graph(path).content)
    graph = model.graph
    if any(_has_branches(node) for node in graph.node):
        # What branches read of the graph around them is not looked for here.
        return
    _compute_constants(model)
    _drop_identities(graph)
    _merge_biases(graph)
    _join_hard_swish(graph)
    _join_repeats(graph)
    _drop_unread(graph)
    used = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    _replace(graph.initializer, [one for one in graph.initializer if one.name in used])
    onnx.save(model, str(path))


def _has_branches(node: Any) -> bool:
    return any(one.HasField("g") or one.graphs for one in node.attribute)


def _compute_constants(model: Any) -> None:
    """What depends on no input: the converter writes shapes as calculations, which OpenVINO can't follow."""
    from onnx import numpy_helper

    known = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    given, kept = set(known), []
    for node in model.graph.node:
        if all(name in known for name in node.input if name):
            known |= _values(node, known, model.opset_import)
        else:
            kept.append(node)
    _replace(model.graph.node, kept)
    made = (name for name in known if name not in given)
    model.graph.initializer.extend(numpy_helper.from_array(known[name], name) for name in made)


def _values(node: Any, known: dict[str, np.ndarray], opset: Any) -> dict[str, np.ndarray]:
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    names = list(dict.fromkeys(name for name in node.input if name))
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(known[name].dtype), known[name].shape)
        for name in names
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    alone = helper.make_model(helper.make_graph([node], "constant", inputs, outputs), opset_imports=opset)
    found = ReferenceEvaluator(alone).run(None, {name: known[name] for name in names})
    return {name: np.asarray(value) for name, value in zip(node.output, found, strict=True)}


def _drop_identities(graph: Any) -> None:
    outputs = {output.name for output in graph.output}
    source: dict[str, str] = {}
    kept = []
    for node in graph.node:
        if node.op_type == "Identity" and node.output[0] not in outputs:
            source[node.output[0]] = source.get(node.input[0], node.input[0])
            continue
        for index, name in enumerate(node.input):
            node.input[index] = source.get(name, name)
        kept.append(node)
    _replace(graph.node, kept)


def _merge_biases(graph: Any) -> None:
    """A convolution, and after it the sum with a number for each channel, become one."""
    from onnx import numpy_helper

    known, users = {one.name: one for one in graph.initializer}, _users(graph)
    for node in graph.node:
        follower = _only(users, node) if node.op_type == "Conv" and len(node.input) == 2 else None
        if follower is None or follower.op_type != "Add" or node.input[1] not in known:
            continue
        other = known.get(next((name for name in follower.input if name != node.output[0]), ""))
        if other is None or list(other.dims) != [1, known[node.input[1]].dims[0], 1, 1]:
            continue
        bias = numpy_helper.from_array(numpy_helper.to_array(other).reshape(-1), f"{other.name}.bias")
        graph.initializer.append(bias)
        node.input.append(bias.name)
        node.output[0] = follower.output[0]
        follower.op_type = MERGED
    _replace(graph.node, [node for node in graph.node if node.op_type != MERGED])


def _join_hard_swish(graph: Any) -> None:
    """``x * HardSigmoid(x)`` with its usual numbers is HardSwish, for which engines have operations."""
    from onnx import helper

    users, joined = _users(graph), {}
    for node in graph.node:
        numbers = {one.name: one.f for one in node.attribute}
        is_usual = abs(numbers.get("alpha", 0.2) - SIXTH) < NEAR and abs(numbers.get("beta", 0.5) - 0.5) < NEAR
        follower = _only(users, node) if node.op_type == "HardSigmoid" and is_usual else None
        if follower is not None and follower.op_type == "Mul" and node.input[0] in follower.input:
            joined[follower.output[0]] = (node.output[0], node.input[0])
    gone = {inner for inner, _ in joined.values()}
    kept = []
    for node in graph.node:
        if node.output[0] in joined:
            node = helper.make_node("HardSwish", [joined[node.output[0]][1]], list(node.output), name=node.name)
        if node.output[0] not in gone:
            kept.append(node)
    _replace(graph.node, kept)


def _join_repeats(graph: Any) -> None:
    """Pixels that are repeated by a tile between axes, which two reshapes then join, are an image enlarged."""
    from onnx import helper, numpy_helper

    known = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    source, users, joined = {name: node for node in graph.node for name in node.output}, _users(graph), {}
    for node in graph.node:
        before, last = source.get(node.input[0] if node.input else ""), _reshaped(users, _reshaped(users, node))
        if node.op_type != "Tile" or before is None or last is None or before.op_type != "Unsqueeze":
            continue
        axes, repeats = (known[one].tolist() if one in known else [] for one in (before.input[-1], node.input[1]))
        if axes != BETWEEN or len(repeats) != 6 or repeats[:3] + repeats[4:5] != [1] * 4:
            continue
        scales = numpy_helper.from_array(
            np.asarray([1, 1, repeats[3], repeats[5]], np.float32), f"{node.output[0]}.scales"
        )
        graph.initializer.append(scales)
        joined[last.output[0]] = helper.make_node(
            "Resize", [before.input[0], "", scales.name], list(last.output), name=last.name,
            mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )  # fmt: skip
    _replace(graph.node, [joined.get(node.output[0], node) for node in graph.node])


def _reshaped(users: dict[str, list[Any]], node: Any | None) -> Any | None:
    """The reshape of `node`'s output, if nothing else reads it but what asks for its shape."""
    readers = users.get(node.output[0], []) if node is not None else []
    found = [one for one in readers if one is None or one.op_type != "Shape"]
    return found[0] if len(found) == 1 and found[0] is not None and found[0].op_type == "Reshape" else None


def _drop_unread(graph: Any) -> None:
    read, kept = {output.name for output in graph.output}, []
    for node in reversed(graph.node):
        if read.intersection(node.output):
            read.update(node.input)
            kept.append(node)
    _replace(graph.node, kept[::-1])


def _users(graph: Any) -> dict[str, list[Any]]:
    """Nodes by what they read; an output of the graph is read by somebody who is no node."""
    users: dict[str, list[Any]] = {output.name: [None] for output in graph.output}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    return users


def _only(users: dict[str, list[Any]], node: Any) -> Any | None:
    """The node that alone reads `node`'s output."""
    found = users.get(node.output[0], [])
    return found[0] if len(found) == 1 else None


def _replace(repeated: Any, values: list[Any]) -> None:
    del repeated[:]
    repeated.extend(values)
