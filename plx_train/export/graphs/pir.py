"""Today's graph of Paddle, ``inference.json``: a program of regions, which hold blocks, which hold operations."""

from __future__ import annotations

import json
from typing import Any

from plx_train.export.graphs.facts import GraphFacts, MalformedGraph
from plx_train.export.graphs.pir_values import check_attribute, check_type

DIALECTS = {"0": "builtin", "1": "pd_op", "2": "cf", "3": "custom_op", "4": "dist"}
PARAMETER, PARAMETER_NAME = "p", "builtin.parameter"
"""How a graph writes a parameter, and how messages and the allow-list call it."""
OPERATION_KEYS = frozenset(("#", "A", "DA", "I", "O", "OA", "QA", "regions"))
DEEPEST = 32
"""Regions within regions; loops in loops of real networks reach three."""
ABSENT = 0
"""The number of the value that an operation was not given."""
NAMED = ("1.data", "1.fetch")
"""Operations whose attribute `name` Paddle reads without asking whether it is one."""


def read_pir(content: bytes) -> GraphFacts:
    """The facts of an ``inference.json``.

    Raises:
        MalformedGraph: it is none.
    """
    try:
        program = json.loads(content.decode("utf-8"), object_pairs_hook=_unambiguous)
    except UnicodeDecodeError:
        raise MalformedGraph("it is not UTF-8") from None
    except RecursionError:
        raise MalformedGraph("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise MalformedGraph(f"it is no JSON ({error.msg}, line {error.lineno})") from None
    found = _Program()
    regions = _at(_at(program, "program", dict), "regions", list)
    if len(regions) != 1 or len(_at(regions[0], "blocks", list)) != 1:
        raise MalformedGraph("its program has not one block")
    found.read_regions(regions, 0)
    return GraphFacts(frozenset(found.operations), found.parameters)


class _Program:
    def __init__(self) -> None:
        self.operations: set[str] = set()
        self.parameters: dict[str, tuple[int, ...]] = {}
        self.values = {ABSENT}

    def read_regions(self, regions: list[Any], depth: int) -> None:
        if depth > DEEPEST:
            raise MalformedGraph(f"its regions lie in one another more than {DEEPEST} deep")
        for region in regions:
            _at(region, "#", str)
            for block in _at(region, "blocks", list):
                given = [*_list(block, "args"), *_list(block, "kwargs")]
                _at(block, "#", str)
                for each in given:
                    check_type(each.get("TT") if isinstance(each, dict) else None)
                self.values.update(_at(each, "#", int) for each in given)
                for operation in _at(block, "ops", list):
                    self.read_operation(operation, depth)

    def read_operation(self, operation: Any, depth: int) -> None:
        name = _at(operation, "#", str)
        if not OPERATION_KEYS.issuperset(operation):
            raise MalformedGraph("an operation of it has parts that are not known")
        if name == PARAMETER:
            self.operations.add(PARAMETER_NAME)
            self.read_parameter(operation)
            outputs = [operation["O"]]
        else:
            dialect, _, rest = name.partition(".")
            known = DIALECTS.get(dialect)
            called = f"{known}.{rest}" if known else f"{name} of no known dialect"
            if called == PARAMETER_NAME:
                # Paddle takes it for one, and nobody would have looked for it in the file of parameters.
                raise MalformedGraph("a parameter of it goes by another name")
            self.operations.add(called)
            _check_attributes(name, operation)
            outputs = _at(operation, "O", list)
            _at(operation, "I", list)
        if not self.values.issuperset(_at(one, "%", int) for one in _list(operation, "I")):
            raise MalformedGraph("an operation of it takes a value that nothing before it gives")
        # A body may read what its operation stands behind, never what the operation itself gives.
        self.read_regions(_list(operation, "regions"), depth + 1)
        for one in outputs:
            self.values.add(_at(one, "%", int))
            check_type(one.get("TT"))

    def read_parameter(self, operation: dict[str, Any]) -> None:
        *flags, name = _at(operation, "A", list) or [None]
        shared = _list(operation, "OA")
        if not isinstance(name, str) or name in self.parameters:
            raise MalformedGraph("a parameter of it has not one name of its own")
        if [type(one) for one in (*flags, *shared)] != [int] * 6 or len(flags) != 3:
            raise MalformedGraph("a parameter of it lacks what is known of it")
        tensor = _at(_at(_at(operation, "O", dict), "TT", dict), "D", list)
        dims = tensor[1] if len(tensor) > 1 else None
        if not isinstance(dims, list) or not all(type(size) is int for size in dims):
            raise MalformedGraph("a parameter of it has no size")
        self.parameters[name] = tuple(dims)


def _check_attributes(operation: str, content: dict[str, Any]) -> None:
    given = [*_at(content, "A", list), *_list(content, "OA")]
    for attribute in given:
        value = _at(attribute, "AT", dict)
        check_attribute(value)
        if _at(attribute, "N", str) == "name" and operation in NAMED and value["#"] != "0.a_str":
            raise MalformedGraph("an input or output of it has no name")
    if operation in NAMED and not any(each["N"] == "name" for each in given):
        raise MalformedGraph("an input or output of it has no name")


def _list(given: Any, key: str) -> list[Any]:
    """What `given` holds under `key`, an empty list where it holds nothing."""
    return [] if isinstance(given, dict) and key not in given else _at(given, key, list)


def _at(given: Any, key: str, kind: type) -> Any:
    """What `given` holds under `key`, which must be a `kind`; a truth value is no number."""
    value = given.get(key) if isinstance(given, dict) else None
    if type(value) is not kind:
        raise MalformedGraph(f"it lacks {key} where it belongs")
    return value


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON whose keys stand once: readers differ in which of two they take."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedGraph("it says something twice")
    return found
