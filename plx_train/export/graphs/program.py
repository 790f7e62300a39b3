"""Paddle's older graph, ``inference.pdmodel``: blocks side by side, those of loops and branches among them."""

from __future__ import annotations

from typing import Any

from plx_train.export.graphs.facts import GraphFacts, MalformedGraph, told_malformed
from plx_train.ground.protobuf import fields, message, text, varints

# Numbers of fields in Paddle's framework.proto.
PROGRAM_BLOCK = 1
BLOCK_INDEX, BLOCK_PARENT, BLOCK_VARIABLE, BLOCK_OPERATION, BLOCK_FORWARD = 1, 2, 3, 4, 5
OPERATION_VARIABLES, OPERATION_TYPE, OPERATION_ATTRIBUTE = (1, 2), 3, 4
ARGUMENT = 2
ATTRIBUTE_BLOCKS = (12, 14)
VARIABLE_NAME, VARIABLE_TYPE, VARIABLE_PERSISTABLE = 1, 2, 3
TYPE_KIND, TYPE_TENSOR, TENSOR, TENSOR_DIMS = 1, 3, 1, 2
NOT_STORED = (9, 10, 17)
"""Kinds of variables that are persistable and stand in no file: feed, fetch, raw."""
WITH_BLOCKS = ("while", "conditional_block", "conditional_block_infer", "pylayer", "recurrent")
NOTHING = ("", "@EMPTY@")
"""Names of a variable that an operation was not given."""
NO_BLOCK = -1

Block = list[tuple[int, Any]]


def read_program(content: bytes) -> GraphFacts:
    """The facts of an ``inference.pdmodel``.

    Raises:
        MalformedGraph: it is none.
    """
    with told_malformed():
        blocks = [list(fields(message(value))) for number, value in fields(content) if number == PROGRAM_BLOCK]
        known = _variables(blocks)
        found = [_operations(block, names, len(blocks)) for block, names in zip(blocks, known, strict=True)]
        operations = {name for names in found for name in names}
        parameters = _parameters(blocks[0]) if blocks else {}
    if not operations:
        raise MalformedGraph("it holds no operation")
    return GraphFacts(frozenset(operations), parameters)


def _variables(blocks: list[Block]) -> list[set[bytes]]:
    """Names of the variables that each block knows: its own, and those of the blocks that it lies in."""
    found: list[set[bytes]] = []
    for index, block in enumerate(blocks):
        own = {
            bytes(part)
            for number, value in block if number == BLOCK_VARIABLE
            for kind, part in fields(message(value)) if kind == VARIABLE_NAME
        }  # fmt: skip
        above = _parent(block, index)
        found.append(own if above == NO_BLOCK else own | found[above])
    return found


def _parent(block: Block, index: int) -> int:
    """The block that it lies in. Paddle follows these numbers without asking whether there is such a block."""
    named = {
        key: [value for number, value in block if number == key] for key in (BLOCK_INDEX, BLOCK_PARENT, BLOCK_FORWARD)
    }
    above = [_signed(value, 32) for value in named[BLOCK_PARENT]]
    places = range(index) if index else (NO_BLOCK,)
    is_placed = named[BLOCK_INDEX] == [index] and len(above) == 1 and above[0] in places
    # Only a training step has a block that another goes back through.
    if not is_placed or any(_signed(value, 32) != NO_BLOCK for value in named[BLOCK_FORWARD]):
        raise MalformedGraph("a block of it is not where its number says")
    return above[0]


def _operations(block: Block, known: set[bytes], num_blocks: int) -> list[str]:
    """Names of a block's operations; every block is looked at, whichever operation leads to it."""
    found = []
    for number, value in block:
        if number != BLOCK_OPERATION:
            continue
        names, attributes = [], []
        for kind, part in fields(message(value)):
            if kind in OPERATION_VARIABLES:
                _check_arguments(message(part), known)
            elif kind == OPERATION_TYPE:
                names.append(text(part))
            elif kind == OPERATION_ATTRIBUTE:
                attributes.append(part)
        # Of a field that stands twice readers may take the first or the last.
        if len(names) != 1:
            raise MalformedGraph("an operation of it has not one name")
        if names[0] in WITH_BLOCKS:
            _check_blocks(attributes, num_blocks)
        found += names
    return found


def _check_arguments(variables: memoryview, known: set[bytes]) -> None:
    for kind, part in fields(variables):
        if kind == ARGUMENT and message(part).tobytes() not in known and text(part) not in NOTHING:
            raise MalformedGraph("an operation of it takes or gives a variable that is not there")


def _check_blocks(attributes: list[Any], num_blocks: int) -> None:
    """The blocks that an operation leads to must be there."""
    for attribute in attributes:
        named = [value for kind, value in fields(message(attribute)) if kind in ATTRIBUTE_BLOCKS]
        if any(number >= num_blocks for value in named for number in varints(value)):
            raise MalformedGraph("an operation of it leads to a block that is not there")


def _parameters(block: Block) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for number, value in block:
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
    return tuple(_signed(size, 64) for size in dims)


def _signed(number: Any, bits: int) -> int:
    """A number of so many bits as it was before it was written without its sign.

    Raises:
        MalformedGraph: it is no number.
    """
    if not isinstance(number, int):
        raise MalformedGraph("it holds a text where a number belongs")
    rest = number & ((1 << bits) - 1)
    return rest - (1 << bits) if rest >> (bits - 1) else rest
