"""Today's graphs of Paddle: which operations they hold, wherever they hide, and what can't be read as one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plx_train.export.graphs.checked import checked_graph
from plx_train.export.graphs.facts import RefusedGraph
from plx_train.ground.errors import UserError

TENSOR = {"#": "0.t_dtensor", "D": [{"#": "0.t_f32"}, [3, 3], "NCHW", [], 0]}
PARAMETER = {"#": "p", "A": [0, 1, 1, "w"], "DA": [], "O": {"%": 1, "TT": TENSOR}, "OA": [1, 0, 1], "QA": []}
NAME = {"AT": {"#": "0.a_str", "D": "x"}, "N": "name"}
DATA = {"#": "1.data", "A": [NAME], "I": [], "O": [{"%": 2, "TT": TENSOR}], "OA": []}
FETCH = {"#": "1.fetch", "A": [NAME], "I": [{"%": 2}], "O": [{"%": 9, "TT": TENSOR}], "OA": []}
Json = dict[str, Any]


def op(name: str, given: int = 2, **more: Any) -> Json:
    return {"#": name, "A": [], "I": [{"%": given}], "O": [], "OA": []} | more


def region(*operations: Json) -> Json:
    return {"#": "region_0", "blocks": [{"#": "block_0", "args": [], "ops": list(operations)}]}


def graph(*operations: Json) -> Json:
    version = {"magic": "pir", "trainable": True, "version": 4}
    return {"base_code": version, "program": {"regions": [region(PARAMETER, DATA, *operations, FETCH)]}}


def written(folder: Path, content: Json | str | bytes) -> Path:
    path = folder / "inference.json"
    text = json.dumps(content) if isinstance(content, dict) else content
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_graph_that_computes_is_read(tmp_path: Path) -> None:
    body = region(op("1.relu"), op("2.yield"))
    found = checked_graph(written(tmp_path, graph(op("1.while", regions=[body])))).facts
    assert found.operations == {
        "builtin.parameter",
        "pd_op.data",
        "pd_op.while",
        "pd_op.relu",
        "cf.yield",
        "pd_op.fetch",
    }
    assert found.parameters == {"w": (3, 3)}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("1.save", "pd_op.save"), ("1.save_combine", "pd_op.save_combine"), ("1.load", "pd_op.load"),
        ("1.load_combine", "pd_op.load_combine"), ("1.read_file", "pd_op.read_file"), ("1.print", "pd_op.print"),
        ("1.assert", "pd_op.assert"), ("1.py_func", "pd_op.py_func"), ("1.run_program", "pd_op.run_program"),
        ("1.send_v2", "pd_op.send_v2"), ("1.c_allreduce_sum", "pd_op.c_allreduce_sum"),
        ("1.tensorrt_engine", "pd_op.tensorrt_engine"), ("3.mine", "custom_op.mine"), ("4.reshard", "dist.reshard"),
        ("cinn_op.group", "cinn_op.group"), ("1.", "pd_op."), ("relu", "relu of no known dialect"),
        ("pd_op.relu", "pd_op.relu of no known dialect"),
        ("1.relu\u0000", "pd_op.relu"), ("0.set_parameter", "builtin.set_parameter"), ("1.no_such", "pd_op.no_such"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_an_operation_that_does_more_is_refused_at_any_depth(name: str, told: str, depth: int, tmp_path: Path) -> None:
    hostile = op(name)
    for outer in ["1.if", "1.while", "1.if"][:depth]:
        hostile = op(outer, regions=[region(op("1.relu")), region(hostile)])
    with pytest.raises(RefusedGraph, match=r"refused before anything of it ran: it holds the operation") as caught:
        checked_graph(written(tmp_path, graph(hostile)))
    assert told in str(caught.value)


def nested(depth: int) -> Json:
    inner = op("1.relu")
    for _ in range(depth):
        inner = op("1.if", regions=[region(inner)])
    return graph(inner)


TWICE = json.dumps(graph(op("1.relu"))).replace('"#": "1.relu"', '"#": "1.save", "#": "1.relu"')
MALFORMED: dict[str, Json | str | bytes] = {
    "nothing": "",
    "no object": "[]",
    "no program": {"base_code": {"magic": "pir"}},
    "no regions": {"program": {"regions": []}},
    "regions that are none": {"program": {"regions": [7]}},
    "two blocks": {"program": {"regions": [{"blocks": region()["blocks"] * 2}]}},
    "an operation that is none": graph("1.relu"),  # type: ignore[arg-type]
    "an operation without a name": graph({"A": []}),
    "an operation whose name is a number": graph(op(7)),  # type: ignore[arg-type]
    "parts that are not known": graph(op("1.relu", region=[region(op("1.save"))])),
    "a key twice": TWICE,
    "regions in regions": nested(40),
    "brackets in brackets": "[" * 100_000,
    "UTF-16": json.dumps(graph()).encode("utf-16"),
    "a value that nothing gives": graph(op("1.relu", given=77)),
    "a parameter without its size": graph({**PARAMETER, "A": [0, 1, 1, "v"], "O": {"%": 4, "TT": {}}}),
    "a parameter twice": graph(PARAMETER),
    "a parameter by its full name": graph(op("0.parameter", A=[{"AT": NAME["AT"], "N": "parameter_name"}])),
    "a parameter without what is known of it": graph({**PARAMETER, "A": [0, 1, 1, "v"], "OA": []}),
    "an input without a name": graph({**DATA, "A": []}),
    "an input whose name is a number": graph({**DATA, "A": [{"AT": {"#": "0.a_i32", "D": 1}, "N": "name"}]}),
    "an attribute of nothing": graph({**DATA, "A": [{"AT": {"#": "NULL"}, "N": "name"}]}),
    "an address as an attribute": graph(op("1.relu", A=[{"AT": {"#": "0.a_pointer", "D": 7}, "N": "p"}])),
    "attributes that are none": graph(op("1.relu", A={"N": 7})),
    **{
        f"an attribute of {value}": graph(op("1.relu", A=[{"AT": value, "N": "axis"}]))
        for value in (
            {"#": "0.a_i32"},
            {"#": "0.a_i32", "D": 1 << 31},
            {"#": "0.a_bool", "D": 1},
            {"#": "0.a_f32", "VD": "1"},
            {"#": "0.a_array", "D": [{"#": "0.a_i32", "D": None}]},
            {"#": "1.a_dtype", "D": "float33"},
            {"#": "0.a_no"},
            {"#": "1.a_place", "D": [0, 999, ""]},
            {"#": "1.a_scalar", "D": ["float32"]},
            {"#": ["0.a_i32"], "D": 1},
        )
    },
    **{
        f"a type of {value}": graph(op("1.relu", O=[{"%": 5, "TT": value}]))
        for value in (
            None,
            {"#": "0.t_no"},
            {"#": "0.t_dtensor", "D": TENSOR["D"][:4]},
            {"#": "0.t_vec", "D": [{"#": "0.t_no"}]},
            {"#": "0.t_dtensor", "D": [{"#": "0.t_f32"}, [1 << 63], "NCHW", [], 0]},
            {"#": "0.t_vec"},
            {"#": "0.t_dtensor", "D": [TENSOR, [1], "NCHW", [], 0]},
            {"#": "0.t_dtensor", "D": [{"#": "NULL"}, [1]]},
        )
    },
    "an operation without what it takes": graph({"#": "1.relu", "A": [], "O": []}),
    "not a number": json.dumps(graph()).replace("4}", "NaN"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_graph_is_told(case: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"can't be read as a Paddle graph: .*; export it again"):
        checked_graph(written(tmp_path, MALFORMED[case]))


@pytest.mark.parametrize("junk", [None, 0, -1, 2**70, 1.5, True, "", "x", [], [7], {}, {"#": []}])
def test_anything_in_the_place_of_anything_gives_a_graph_or_a_sentence(junk: Any, tmp_path: Path) -> None:
    whole = graph(op("1.if", regions=[region(op("1.relu"))]))
    waiting: list[Any] = [whole]
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node))
        for key in keys:
            former, node[key] = node[key], junk
            path = written(tmp_path, whole)
            node[key] = former
            try:
                checked_graph(path)
            except UserError as error:
                assert "inference.json" in str(error)
            if isinstance(former, dict | list):
                waiting.append(former)
