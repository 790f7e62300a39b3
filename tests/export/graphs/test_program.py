"""Paddle's older graphs: which operations they hold, wherever they hide, and what can't be read as one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit.wire import block, message, operation, program, variable
from plx_train.export.graphs.checked import checked_graph
from plx_train.export.graphs.facts import RefusedGraph
from plx_train.ground.errors import UserError

FEED, FETCH = operation("feed", ["feed"], ["x"]), operation("fetch", ["y"], ["fetch"])
VARIABLES = [
    variable("x", [-1, 3]), variable("y", [-1, 3]), variable("w", [3, 3], is_persistable=True),
    variable("feed", is_persistable=True, kind=9), variable("fetch", is_persistable=True, kind=10),
]  # fmt: skip
RELU = operation("relu", ["x"], ["y"])
PATH = message((1, "file_path"), (2, 2), (5, "/home/user/.bashrc"))


def written(folder: Path, content: bytes) -> Path:
    path = folder / "inference.pdmodel"
    path.write_bytes(content)
    return path


def main(*operations: bytes) -> bytes:
    return block(0, -1, VARIABLES, [FEED, *operations, FETCH])


def inner(*operations: bytes) -> bytes:
    return block(1, 0, [], list(operations))


def leading_to(name: str, number: int) -> bytes:
    return operation(name, ["x"], ["y"], message((1, "sub_block"), (2, 8), (12, number)))


def test_a_graph_that_computes_is_read(tmp_path: Path) -> None:
    graph = checked_graph(written(tmp_path, program(main(RELU))))
    assert graph.facts.operations == {"feed", "relu", "fetch"}
    assert graph.facts.parameters == {"w": (3, 3)}
    assert graph.content == graph.path.read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "save", "save_combine", "load", "load_combine", "read_file", "read", "print", "assert", "py_func", "pylayer",
        "run_program", "send_v2", "recv_v2", "c_allreduce_sum", "all_reduce", "barrier", "listen_and_serv", "enqueue",
        "dequeue", "tensorrt_engine", "openvino_engine", "lite_engine", "fusion_group", "create_py_reader",
        "my_custom_op", "Relu", "relu ", "relu\x00", "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["main", "while", "conditional_block", "nowhere"])
def test_an_operation_that_does_more_is_refused_wherever_it_stands(name: str, where: str, tmp_path: Path) -> None:
    hostile = operation(name, ["w"], [], PATH)
    if where == "main":
        content = program(main(RELU, hostile))
    elif where == "nowhere":
        content = program(main(RELU), inner(hostile))
    else:
        content = program(main(leading_to(where, 1)), inner(RELU, hostile))
    with pytest.raises(
        RefusedGraph, match=r"inference\.pdmodel was refused before anything of it ran: it holds the op"
    ):
        checked_graph(written(tmp_path, content))


def test_the_sentence_names_the_operations_and_steers_no_terminal(tmp_path: Path) -> None:
    evil = operation("\x1b[31msave\u202e", ["w"], [], PATH)
    names = [operation(name, ["w"]) for name in ("a1", "b2", "c3", "d4", "e5")]
    with pytest.raises(RefusedGraph) as caught:
        checked_graph(written(tmp_path, program(main(evil))))
    assert "[U+001B][31msave[U+202E]" in str(caught.value) and "export the network again" in str(caught.value)
    with pytest.raises(RefusedGraph, match=r"the operation a1, b2, c3 and 2 more, which"):
        checked_graph(written(tmp_path, program(main(*names))))


TWO_NAMES = message((3, "relu"), (3, "save"))
MALFORMED = {
    "nothing": b"",
    "no operation": program(block(0, -1, VARIABLES, [])),
    "cut off": program(main(RELU))[:-5],
    "an operation with two names": program(main(TWO_NAMES)),
    "an operation without a name": program(main(message((4, PATH)))),
    "a name that is a number": program(main(message((3, 7)))),
    "a block that is a number": message((1, 7)),
    "no text": program(main(operation("relu", ["x"], ["y"]).replace(b"relu", b"re\xff\xff"))),
    "a tag of more than 32 bits": b"\x8a\x80\x80\x80\x80\x01\x00",
    "a group": b"\x0b\x0c",
    "field 0": b"\x00\x00",
    "a variable that is not there": program(main(operation("relu", ["z"], ["y"]))),
    "a block that is not there": program(main(leading_to("while", 7))),
    "a variable of another block": program(main(operation("relu", ["inside"], ["y"])),
                                           block(1, 0, [variable("inside")], [RELU])),
    "a first block in another": program(block(0, 255, VARIABLES, [RELU])),
    "a block in itself": program(main(RELU), block(1, 1, VARIABLES, [RELU])),
    "a block in none": program(main(RELU), block(1, -1, VARIABLES, [RELU])),
    "a block of another number": program(main(RELU), block(2, 0, VARIABLES, [RELU])),
    "a block in two": program(main(RELU), block(1, 0, VARIABLES, [RELU]) + message((2, 7))),
    "a block that goes back through another": program(main(RELU), inner(RELU) + message((5, 9))),
    "a block whose number is a text": program(message((1, "0"), (2, -1)) + block(0, -1, VARIABLES, [RELU])),
    "a length that never ends": b"\x0a" + b"\xff" * 30,
}  # fmt: skip


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_graph_is_told(case: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"can't be read as a Paddle graph: .*; export it again"):
        checked_graph(written(tmp_path, MALFORMED[case]))


def test_any_byte_that_is_changed_gives_a_graph_or_a_sentence(tmp_path: Path) -> None:
    content = program(main(leading_to("while", 1)), inner(RELU))
    for place in range(len(content)):
        for value in (0, 127, 128, 255, content[place] ^ 1):
            path = written(tmp_path, content[:place] + bytes([value]) + content[place + 1 :])
            try:
                checked_graph(path)
            except UserError as error:
                assert re.search(r"inference\.pdmodel", str(error))
