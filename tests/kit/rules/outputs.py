"""Who may write to terminals, tables and pages: a few files, through whose functions foreign words pass."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from kit.sources import PACKAGE, imports, place, sources, tree_of, wing_of

STREAMS = ("sys.stdout.write", "sys.stderr.write", "sys.__stdout__.write", "sys.__stderr__.write", "print")
STREAMS += ("sys.stdout.buffer.write", "sys.stderr.buffer.write", "traceback.print_exc", "traceback.print_exception")
TERMINAL = ("rich.print", "rich.console.Console", "rich.get_console")
TABLES = ("csv.writer", "csv.DictWriter")
SPREADSHEET = f"{PACKAGE}.ground.spreadsheet"
IN_MEMORY = (f"{PACKAGE}.series.read.", f"{PACKAGE}.serving.kinds")
"""Tables that people do not open: turned into another form and read at once, or answers to programs."""
MARKUP = f"{PACKAGE}.ground.markup"
ESCAPES = ("html.escape", "markupsafe.escape", "xml.sax.saxutils.escape")
PAGES = (f"{PACKAGE}.report.", f"{PACKAGE}.sweep.shown.")
"""Where pieces of pages are put together and called markup."""
TAG = re.compile(r"</?[a-z][a-z0-9]*(\s[a-z-]+=|>|\s*/>|$)")

CLOSING_TAG = re.compile(r"</[a-z]")
"""Elsewhere ``<name>`` stands for what users have to fill in."""


def terminal_faults(root: Path) -> list[str]:
    """What writes to the terminal around `terminal/`."""
    return [
        f"{where}: writes to the terminal by {name}"
        for module, where, name in _used(root)
        if wing_of(module) != "terminal" and (name in STREAMS or name in TERMINAL)
    ]


def table_faults(root: Path) -> list[str]:
    """What writes CSV that people open without `ground/spreadsheet.py`, or names such a file without it."""
    files = sources(root)
    faults = [
        f"{place(root, path, key.lineno)}: makes {key.value} by itself"
        for module, path in files.items()
        if not any(name.startswith(f"{SPREADSHEET}.") for _, name in imports(path, module))
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and str(key.value).endswith(".csv") and key.value != ".csv"
    ]
    return faults + [
        f"{where}: writes CSV by {name.rpartition('.')[2]}"
        for module, where, name in _used(root)
        if module != SPREADSHEET and not f"{module}.".startswith(IN_MEMORY)
        if name in TABLES or name.endswith(".to_csv")
    ]


def markup_faults(root: Path) -> list[str]:
    """Escapes other than that of `ground/markup.py`, markup outside of pages, and values in it that pass no escape."""
    faults = [
        f"{where}: escapes by {name}" for module, where, name in _used(root) if module != MARKUP and name in ESCAPES
    ]
    faults += [
        f"{where}: calls a text markup"
        for module, where, name in _used(root)
        if name.rpartition(".")[2] == "Markup" and not module.startswith(PAGES)
    ]
    for module, path in sources(root).items():
        tag = TAG if module.startswith(PAGES) else CLOSING_TAG
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.JoinedStr) and _has(node, tag):
                faults += [
                    f"{place(root, path, value.lineno)}: puts {ast.unparse(value.value)} into markup"
                    for value in node.values
                    if isinstance(value, ast.FormattedValue) and _is_foreign(value)
                ]
    return faults


def _used(root: Path) -> Iterator[tuple[str, str, str]]:
    """(module, place, dotted name) of every call and import."""
    for module, path in sources(root).items():
        for line, name in imports(path, module, with_types=False):
            yield module, place(root, path, line), name
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                yield module, place(root, path, node.lineno), ast.unparse(node.func)


def _has(text: ast.JoinedStr, tag: re.Pattern[str]) -> bool:
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and tag.search(part.value)
        for part in text.values
    )


def _is_foreign(value: ast.FormattedValue) -> bool:
    """Whether it is a part of something, or a text made of it, that goes in as it is; numbers have a format."""
    if value.format_spec is not None:
        return False
    inner = value.value
    if isinstance(inner, ast.Call):
        return isinstance(inner.func, ast.Name) and inner.func.id in ("str", "repr", "format")
    return isinstance(inner, ast.Attribute | ast.Subscript)
