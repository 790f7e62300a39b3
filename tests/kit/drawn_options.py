"""Values of options: those that their rules allow, and those beside them."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from plx_train.contract.option import Option

TEXTS = (
    "x",
    "",
    "a b",
    "2024_11",
    "1e3",
    "null",
    "(",
    "*",
    "é",
    "a,b",
    "[a]",
    "{a: 1}",
    "'q",
    "${x}",
    "${oc.env:NO_SUCH}",
)
WRONG = (
    *("", "null", "???", "true", "abc", "3", "-1", "1.5", "nan", "inf", "1e400", "007", "[]", "[1]", "[1,2,3]"),
    *("[[1]]", "[null,null]", "{}", "{a: b}", "a,b", "[", "'", "${"),
)
INTEGERS = (-1, 0, 1, 2, 3, 7, 8, 64, 1000)
HUGE = (10**9, 2**63, 10**30)
FLOATS = (-1.0, 0.0, 1e-9, 0.3, 0.5, 0.99999, 1.0, 1.5, 10.0, 1e6)
STRANGE = (math.inf, -math.inf, math.nan, 1e300)


def typed_values(one: Option) -> st.SearchStrategy[str]:
    """What people type after the key: of its type or not, in range or not."""
    wrong = st.sampled_from(WRONG)
    return st.one_of(wrong, st.sampled_from(TEXTS), plain_values(one).map(_written))


def plain_values(one: Option) -> st.SearchStrategy[Any]:
    """Values of its type, in range or not, of a size that a machine can do with."""
    kind, _, inner = one.type_name.rstrip("]").partition("[")
    values: st.SearchStrategy[Any]
    if kind == "list":
        number = one.length.number if one.length else 3
        values = st.lists(_scalars(one, inner), max_size=number + 1)
        values |= st.lists(_scalars(one, inner), min_size=number, max_size=number).map(sorted)
    elif kind == "dict":
        values = st.dictionaries(st.sampled_from(["a", ".*", "b.c", "("]), st.sampled_from([0, 1, 2]), max_size=2)
    else:
        values = _scalars(one, kind)
    return values | st.none() if one.is_optional else values


def _scalars(one: Option, kind: str) -> st.SearchStrategy[Any]:
    if one.choices:
        return st.sampled_from([*one.choices.names, "other"])
    if kind.startswith("int"):
        step = one.interval.multiple_of if one.interval else None
        return st.sampled_from(INTEGERS) | st.integers(1, 4).map(lambda number: number * (step or 1))
    if kind == "float":
        return st.sampled_from(FLOATS) | st.floats(0, 1, exclude_min=True, exclude_max=True)
    if kind == "bool":
        return st.booleans()
    return st.sampled_from(["x", "a b", "y0", "2024_11"])


def _written(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"'{key}': {_written(one)}" for key, one in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)
