"""What the core must not spell or ask: rooms' names, what a room has, names of files in a run's folder."""

from __future__ import annotations

import ast
from pathlib import Path

from kit.sources import PACKAGE, core_sources, place, room_folders, sources, tree_of, wing_of

ASKING = ("getattr", "hasattr")
OF_A_ROOM = {"room", "module", "checked", "sample", "samples", "processor", "room_file", "load_room"}
"""What rooms and what they give are called; of a function its result."""
NOT_ABOUT_ROOMS = ("contract", "onednn")
"""The contract asks whether foreign rooms fulfil it; a module there is one of Python's."""
RUN_FOLDER = "plx_train/runs/folder.py"
RIDDLES = {"Of", "To", "By", "With", "For", "In", "From", "Without", "On", "Those", "Whose", "Per", "Beside"}
"""Words with which a sentence begins that leaves out what it is about."""
MEANINGLESS = {"utils", "util", "common", "helpers", "helper", "misc", "tools", "stuff"}


def room_name_faults(root: Path) -> list[str]:
    """Rooms' names as texts outside of rooms."""
    rooms = {folder.name for folder in room_folders(root)}
    return [
        f"{place(root, path, node.lineno)}: names the room {node.value}"
        for path in core_sources(root).values()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in rooms
    ]


def asking_faults(root: Path) -> list[str]:
    """Questions of the core what a room, its options or its samples have: the contract says it."""
    return [
        f"{place(root, path, node.lineno)}: asks {ast.unparse(node)}"
        for module, path in core_sources(root).items()
        if wing_of(module) not in NOT_ABOUT_ROOMS
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ASKING
        if node.args and _last_name(node.args[0]) in OF_A_ROOM
    ]


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    if isinstance(node, ast.Subscript):
        return _last_name(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def run_file_faults(root: Path) -> list[str]:
    """Names in a run's folder that are spelled outside of the one file that has them.

    One with a suffix counts wherever it stands as a text of its own; a plain word where it is put behind a path.
    """
    names = _run_names(root / RUN_FOLDER)
    faults = []
    for path in sources(root).values():
        if path == root / RUN_FOLDER:
            continue
        tree = tree_of(path)
        behind = {
            id(node.right) for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        }
        faults += [
            f"{place(root, path, node.lineno)}: spells {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and node.value in names and ("." in node.value or id(node) in behind)
        ]
    return faults


def _run_names(path: Path) -> set[str]:
    """The texts that the file gives names to; those made of others are put together."""
    found: dict[str, str] = {}
    for node in tree_of(path).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            parts = value.values if isinstance(value, ast.JoinedStr) else [value]
            texts = [
                part.value if isinstance(part, ast.Constant) else found[ast.unparse(part.value)]
                for part in parts
                if isinstance(part, ast.Constant | ast.FormattedValue)
            ]
            found[node.targets[0].id] = "".join(map(str, texts))
    return {*found.values()}


def meaningless_name_faults(root: Path) -> list[str]:
    """Files and folders whose names say nothing of what is inside."""
    folders = (PACKAGE, "tests", "scripts")
    named = [
        path
        for folder in folders
        for path in sorted((root / folder).rglob("*"))
        if path.is_dir() or path.suffix == ".py"
    ]
    return [f"{path.relative_to(root).as_posix()}: says nothing" for path in named if path.stem in MEANINGLESS]


def riddle_faults(root: Path) -> list[str]:
    """Sentences on functions, classes and values that begin with neither their noun nor a verb; files have titles."""
    faults = []
    for path in sources(root).values():
        tree = tree_of(path)
        title = {id(tree.body[0])} if tree.body else set()
        texts = (node for node in ast.walk(tree) if isinstance(node, ast.Expr) and id(node) not in title)
        for node in texts:
            if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                first = node.value.value.strip().partition(" ")[0]
                faults += [f"{place(root, path, node.lineno)}: begins with {first}"] if first in RIDDLES else []
    return faults
