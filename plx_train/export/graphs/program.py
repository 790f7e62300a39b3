"""Paddle's older graph, ``inference.pdmodel``: blocks side by side, those of loops and branches among them."""

from __future__ import annotations

from typing import Any

from plx_train.export.graphs.facts import GraphFacts, MalformedGraph
from plx_train.ground.protobuf import fields, message, text, varints

# Numbers of fields in Paddle's framework.proto.
PROGRAM_BLOCK = 1
BLOCK_VARIABLE, BLOCK_OPERATION = 3, 4
OPERATION_TYPE, OPERATION_ATTRIBUTE = 3, 4
ATTRIBUTE_BLOCKS = (12, 14)
VARIABLE_NAME, VARIABLE_TYPE, VARIABLE_PERSISTABLE = 1, 2, 3
TYPE_KIND, TYPE_TENSOR, TENSOR, TENSOR_DIMS = 1, 3, 1, 2
NOT_STORED = (9, 10, 17)
"""Kinds of variables that are persistable and stand in no file: feed, fetch, raw."""
WITH_BLOCKS = ("while", "conditional_block", "conditional_block_infer", "pylayer", "recurrent")
SIGNED = 1 << 63


def read_program(content: bytes) -> GraphFacts:
    """The facts of an ``inference.pdmodel``.

    Raises:
        MalformedGraph: it is none.
    """
    try:
        blocks = [message(value) for number, value in fields(content) if number == PROGRAM_BLOCK]
        operations = {name for block in blocks for name in _operations(block, len(blocks))}
        parameters = _parameters(blocks[0]) if blocks else {}
    except UnicodeDecodeError:
        raise MalformedGraph("a name in it is not UTF-8") from None
    except MalformedGraph:
        raise
    except ValueError as error:
        raise MalformedGraph(str(error)) from None
    if not operations:
        raise MalformedGraph("it holds no operation")
    return GraphFacts(frozenset(operations), parameters)


def _operations(block: memoryview, num_blocks: int) -> list[str]:
    """Names of a block's operations; every block is looked at, whichever operation leads to it."""
    found = []
    for number, value in fields(block):
        if number != BLOCK_OPERATION:
            continue
        parts = list(fields(message(value)))
        names = [text(part) for kind, part in parts if kind == OPERATION_TYPE]
        # Of a field that stands twice readers may take the first or the last.
        if len(names) != 1:
            raise MalformedGraph("an operation of it has not one name")
        if names[0] in WITH_BLOCKS:
            _check_blocks([message(part) for kind, part in parts if kind == OPERATION_ATTRIBUTE], num_blocks)
        found += names
    return found


def _check_blocks(attributes: list[memoryview], num_blocks: int) -> None:
    for attribute in attributes:
        numbers = [each for kind, value in fields(attribute) if kind in ATTRIBUTE_BLOCKS for each in varints(value)]
        if any(number >= num_blocks for number in numbers):
            raise MalformedGraph("an operation of it leads to a block that is not there")


def _parameters(block: memoryview) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for number, value in fields(block):
        if number != BLOCK_VARIABLE:
            continue
        variable: dict[int, Any] = dict(fields(message(value)))
        if not variable.get(VARIABLE_PERSISTABLE):
            continue
        kind = dict(fields(message(variable.get(VARIABLE_TYPE))))
        if kind.get(TYPE_KIND) not in NOT_STORED:
            found[text(variable.get(VARIABLE_NAME))] = _dims(kind.get(TYPE_TENSOR))
    return found


def _dims(given: Any) -> tuple[int, ...]:
    """A tensor's sizes, -1 for one that is not known."""
    dims: list[int] = []
    for number, value in fields(message(given)):
        if number == TENSOR:
            dims = [size for kind, part in fields(message(value)) if kind == TENSOR_DIMS for size in varints(part)]
    return tuple(size if size < SIGNED else size - (SIGNED << 1) for size in dims)
