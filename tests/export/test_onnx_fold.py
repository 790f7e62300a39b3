"""What folding makes of a converted graph: fewer nodes that do the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")


def write(path: Path, nodes: list, initializers: dict[str, np.ndarray]) -> None:
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2, None, None])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2, None, None])],
        [numpy_helper.from_array(value, name) for name, value in initializers.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), str(path))


def outputs(path: Path) -> np.ndarray:
    from onnx.reference import ReferenceEvaluator

    x = np.random.default_rng(0).standard_normal((1, 2, 4, 4)).astype(np.float32)
    return ReferenceEvaluator(str(path)).run(None, {"x": x})[0]


def folded(path: Path) -> list[str]:
    from plx_train.export.onnx_fold import fold

    before = outputs(path)
    fold(path)
    onnx.checker.check_model(str(path))
    assert np.abs(outputs(path) - before).max() < 1e-6
    return [node.op_type for node in onnx.load(str(path)).graph.node]


WEIGHTS = {"w": np.random.default_rng(1).standard_normal((2, 2, 1, 1)).astype(np.float32)}
BIAS = np.asarray([0.5, -1], np.float32)


def test_constants_identities_biases_and_activations_are_joined(tmp_path: Path) -> None:
    from onnx import helper

    nodes = [
        helper.make_node("Identity", ["w"], ["w1"]),
        helper.make_node("Conv", ["x", "w1"], ["a"]),
        helper.make_node("Constant", [], ["shape"], value_ints=[1, -1, 1, 1]),
        helper.make_node("Reshape", ["b", "shape"], ["b1"]),
        helper.make_node("Add", ["a", "b1"], ["c"]),
        helper.make_node("Identity", ["c"], ["d"]),
        helper.make_node("HardSigmoid", ["d"], ["e"], alpha=1 / 6, beta=0.5),
        helper.make_node("Mul", ["d", "e"], ["f"]),
        helper.make_node("Identity", ["f"], ["y"]),
    ]
    write(tmp_path / "m.onnx", nodes, WEIGHTS | {"b": BIAS})
    assert folded(tmp_path / "m.onnx") == ["Conv", "HardSwish", "Identity"]


def test_what_others_read_too_stays(tmp_path: Path) -> None:
    from onnx import helper

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("HardSigmoid", ["c"], ["e"], alpha=1 / 6, beta=0.5),
        helper.make_node("Mul", ["c", "e"], ["f"]),
        helper.make_node("Sum", ["a", "e", "f"], ["y"]),
    ]
    write(tmp_path / "m.onnx", nodes, WEIGHTS | {"b": BIAS.reshape(1, 2, 1, 1)})
    assert folded(tmp_path / "m.onnx") == ["Conv", "Add", "HardSigmoid", "Mul", "Sum"]


def test_a_sum_that_is_no_bias_and_another_sigmoid_stay(tmp_path: Path) -> None:
    from onnx import helper

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("HardSigmoid", ["c"], ["e"], alpha=0.2, beta=0.5),
        helper.make_node("Mul", ["c", "e"], ["y"]),
    ]
    write(tmp_path / "m.onnx", nodes, WEIGHTS | {"b": np.ones((1, 1, 1, 4), np.float32)})
    assert folded(tmp_path / "m.onnx") == ["Conv", "Add", "HardSigmoid", "Mul"]


def repeated() -> list:
    """The nodes by which the converter repeats pixels: as text detection and PicoDet do between their levels."""
    from onnx import helper

    return [
        helper.make_node("Unsqueeze", ["x", "axes"], ["a"]),
        helper.make_node("Tile", ["a", "repeats"], ["b"]),
        helper.make_node("Shape", ["b"], ["s"]),
        helper.make_node("Slice", ["s", "zero", "two"], ["s1"]),
        helper.make_node("Slice", ["s", "four", "six"], ["s2"]),
        helper.make_node("Concat", ["s1", "minus", "s2"], ["s3"], axis=0),
        helper.make_node("Reshape", ["b", "s3"], ["c"]),
        helper.make_node("Shape", ["c"], ["t"]),
        helper.make_node("Slice", ["t", "zero", "three"], ["t1"]),
        helper.make_node("Concat", ["t1", "minus"], ["t2"], axis=0),
        helper.make_node("Reshape", ["c", "t2"], ["y"]),
    ]


def numbers(axes: list[int], repeats: list[int]) -> dict[str, np.ndarray]:
    values = {"axes": axes, "repeats": repeats, "minus": [-1], "zero": [0], "two": [2], "three": [3]}
    return {name: np.asarray(value, np.int64) for name, value in (values | {"four": [4], "six": [6]}).items()}


def test_pixels_that_are_repeated_are_an_enlarged_image(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx", repeated(), numbers([3, 5], [1, 1, 1, 2, 1, 3]))
    assert folded(tmp_path / "m.onnx") == ["Resize"]


@pytest.mark.parametrize(
    ("axes", "repeats"), [([2, 5], [1, 1, 1, 2, 1, 2]), ([3, 5], [2, 1, 1, 2, 1, 2]), ([3, 5], [1, 1, 2, 2, 1, 2])]
)
def test_repeats_of_other_axes_stay(axes: list[int], repeats: list[int], tmp_path: Path) -> None:
    write(tmp_path / "m.onnx", repeated(), numbers(axes, repeats))
    assert "Tile" in folded(tmp_path / "m.onnx")


def test_repeats_that_are_read_on_their_way_stay(tmp_path: Path) -> None:
    from onnx import helper

    nodes = repeated()
    nodes[-1] = helper.make_node("Reshape", ["c", "t2"], ["d"])
    nodes += [helper.make_node("ReduceSum", ["c"], ["e"], keepdims=0), helper.make_node("Add", ["d", "e"], ["y"])]
    write(tmp_path / "m.onnx", nodes, numbers([3, 5], [1, 1, 1, 2, 1, 2]))
    assert "Tile" in folded(tmp_path / "m.onnx")
