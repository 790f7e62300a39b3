"""The sentences that say what options are for: string literals below a dataclass's fields, read from its source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache


def sentence_of(kind: type, name: str) -> str:
    """What stands below the field `name` of a dataclass or of one that it derives from; empty where nothing does."""
    return next((own[name] for base in kind.__mro__ if name in (own := _own_sentences(base))), "")


def describe(kind: type) -> str:
    """The first sentence of a dataclass's own docstring; empty where it has none."""
    text = vars(kind).get("__doc__") or ""
    # Python writes the signature there where nobody has written anything.
    return "" if text.startswith(f"{kind.__name__}(") else " ".join(text.partition("\n\n")[0].split())


@cache
def _own_sentences(kind: type) -> dict[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(kind))
    except (OSError, TypeError):  # installed without its source, or made by a program
        return {}
    tree = ast.parse(source)
    return dict(_below_fields(tree.body[0])) if tree.body and isinstance(tree.body[0], ast.ClassDef) else {}


def _below_fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for declared, below in zip(node.body, node.body[1:], strict=False):
        if not isinstance(declared, ast.AnnAssign) or not isinstance(declared.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            yield declared.target.id, " ".join(below.value.value.split())
