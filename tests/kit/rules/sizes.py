"""How large things may be, and that a name stands for one class."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from kit.sources import PACKAGE, core_sources, place, room_folders, sources, tree_of

NONE: Mapping[str, int] = {}
MOST_LINES = 300
"""Of a file: what can be read at one go."""
ROOM_LINES = 600
OLDER_ROOMS = {
    "text_det": 2300,
    "text_rec": 1500,
    "ts_anomaly": 1440,
    "ts_cls": 1280,
    "ts_forecast": 1450,
}
"""Lines of .py that rooms may have which came before the others; the numbers only fall."""
SLACK = 60
"""So far a number may lie above what is there before it has to fall."""
FUNCTION_LINES, PARAMETERS = 50, 7
LONG_FUNCTIONS = {"train/loop.py train": 74}
MANY_PARAMETERS = {
    "export/write.py export": 10,
    "onednn/seam.py geometry_of": 10,
    "tracking/tracker.py start_tracking": 8,
    "workflow/run_report.py write_run_report": 8,
    # They stand in for Paddle's own, whose parameters these are.
    "onednn/seam.py convolution": 13,
    "onednn/seam.py conv2d": 9,
    "onednn/seam.py conv1d": 9,
    "onednn/seam.py conv2d_transpose": 11,
}
"""Larger than all others may be; the tables only shrink."""


def long_file_faults(root: Path) -> list[str]:
    """Files that can't be read at one go."""
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in sources(root).values()}
    return [
        f"{path.relative_to(root).as_posix()}: has {lines} lines, {MOST_LINES} are the most"
        for path, lines in lengths.items()
        if lines > MOST_LINES
    ]


def room_size_faults(root: Path, older: Mapping[str, int] = NONE) -> list[str]:
    """Rooms that are too large, and numbers that could fall."""
    faults = []
    for room in room_folders(root):
        lines = sum(len(path.read_text("utf-8").splitlines()) for path in room.rglob("*.py"))
        most = older.get(room.name, ROOM_LINES)
        where = f"{PACKAGE}/modules/{room.name}"
        if lines > most:
            faults.append(f"{where}: has {lines} lines of .py, {most} are the most")
        elif room.name in older and lines < most - SLACK:
            faults.append(f"{where}: has {lines} lines of .py: let its number fall from {most}")
    gone = sorted({*older} - {room.name for room in room_folders(root)})
    return faults + [f"{PACKAGE}/modules/{name}: is gone: take its number away" for name in gone]


def function_faults(root: Path, long: Mapping[str, int] = NONE, many: Mapping[str, int] = NONE) -> list[str]:
    """Functions that are too long or take too much, and exceptions that are none any more."""
    faults, needed = [], set()
    for path in sources(root).values():
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            key = f"{path.relative_to(root / PACKAGE).as_posix()} {node.name}"
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            for what, number, most, table in (
                ("lines", lines, FUNCTION_LINES, long),
                ("parameters", _parameters(node), PARAMETERS, many),
            ):
                if number > most:
                    needed.add((what, key))
                if number > table.get(key, most):
                    faults.append(f"{place(root, path, node.lineno)}: {node.name} has {number} {what}")
    listed = {*(("lines", key) for key in long), *(("parameters", key) for key in many)}
    return faults + [f"{PACKAGE}/{key}: needs no exception any more ({what})" for what, key in sorted(listed - needed)]


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many a caller may give."""
    positional = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
    return len(positional) + len(node.args.kwonlyargs) - (positional[:1] in (["self"], ["cls"]))


def class_name_faults(root: Path) -> list[str]:
    """Public classes of the core that share a name."""
    found = defaultdict(list)
    for path in core_sources(root).values():
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(place(root, path, node.lineno))
    return [
        f"{places[0]}: {name} is a class in {', '.join(places[1:])} too" for name, places in found.items() if places[1:]
    ]
