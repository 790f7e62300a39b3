"""Public definitions that nothing but tests uses."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from kit.sources import PACKAGE, imports, place, room_of, sources, tree_of

OTHER_TEXTS = ("pyproject.toml", f"{PACKAGE}/**/*.jinja", f"{PACKAGE}/**/*.html", "conf/**/*.yaml", "scripts/*")
"""Where definitions are used too, by their names."""
DOCUMENTS = ("README.md", "docs/*.md")
"""Methods that they name are for users."""
FOUND_BY_THEIR_BASE = {"Room", "Pipeline", "Sweeper", "DatasetFormat"}
"""Who derives from these is found without being named."""
OF_PYTHON = {"ABC", "Generic", "Protocol"}
"""What stands above a class without ever calling its methods."""

Definition = tuple[ast.stmt, str]


def unused_faults(root: Path) -> list[str]:
    """Functions, classes, constants and methods that neither the package nor its scripts use.

    What another file imports counts as used, and what another statement of the same file names; of a room's functions
    also what is named anywhere, because the core finds them by a text. A method is used where its name stands at all.
    """
    files = sources(root)
    words, documented = _words(root, OTHER_TEXTS), _words(root, DOCUMENTS)
    named = {path: [(node, {*_names(node)}) for node in tree_of(path).body] for path in files.values()}
    everywhere = {name for statements in named.values() for _, names in statements for name in names} | words
    imported, bases = _imported(root), _bases(root)
    faults = []
    for module, path in files.items():
        for node, name in _definitions(path):
            elsewhere = {each for other, names in named[path] if other is not node for each in names}
            by_text = everywhere if room_of(module) and isinstance(node, ast.FunctionDef) else words
            is_found = isinstance(node, ast.ClassDef) and bool(_above(name, bases) & FOUND_BY_THEIR_BASE)
            if name not in imported[module] | elsewhere | by_text and not is_found:
                faults.append(f"{place(root, path, node.lineno)}: {name} is used by tests alone")
        for line, method in _methods(path, module, bases):
            if method.rpartition(".")[2] not in everywhere | documented:
                faults.append(f"{place(root, path, line)}: {method} is used by tests alone")
    return faults


def _words(root: Path, patterns: tuple[str, ...]) -> set[str]:
    paths = (path for pattern in patterns for path in root.glob(pattern) if path.is_file())
    return {word for path in paths for word in re.findall(r"\w+", path.read_text("utf-8", "replace"))}


def _imported(root: Path) -> dict[str, set[str]]:
    """Names that somebody takes from a module, by that module."""
    found: dict[str, set[str]] = defaultdict(set)
    of_modules: dict[str, set[str]] = defaultdict(set)
    for module, path in sources(root).items():
        for _, name in imports(path, module):
            above, _, last = name.rpartition(".")
            found[above].add(last)
        for node in ast.walk(tree_of(path)):
            # As `rank` in `ranks.rank()`, where the module was imported itself.
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                of_modules[node.value.id].add(node.attr)
    for module in sources(root):
        found[module] |= of_modules[module.rpartition(".")[2]]
    return found


def _definitions(path: Path) -> Iterator[Definition]:
    for node in tree_of(path).body:
        name = ""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        if name and not name.startswith("_"):
            yield node, name


def _methods(path: Path, module: str, bases: dict[str, set[str]]) -> Iterator[tuple[int, str]]:
    """Line and name of public methods, but of those that another package may call by a class of its own above."""
    foreign = {name.rpartition(".")[2] for _, name in imports(path, module) if not name.startswith(PACKAGE)}
    for node in tree_of(path).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            if _above(node.name, bases) & (foreign - OF_PYTHON):
                continue
            for each in node.body:
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and not each.name.startswith("_"):
                    yield each.lineno, f"{node.name}.{each.name}"


def _bases(root: Path) -> dict[str, set[str]]:
    """Names of the classes that stand directly above each class, without what is put in their brackets."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sources(root).values():
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef):
                texts = [ast.unparse(base).partition("[")[0] for base in node.bases]
                # Of `nn.Layer` both: the module that was imported, and the class.
                found[node.name] |= {
                    part for text in texts for part in (text.partition(".")[0], text.rpartition(".")[2])
                }
    return found


def _above(name: str, bases: dict[str, set[str]]) -> set[str]:
    """All that stand above a class, however far."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = bases.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _names(node: ast.AST) -> Iterator[str]:
    """Everything that is named in it: variables, attributes, arguments, and texts that could be names."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr
        elif isinstance(each, ast.keyword) and each.arg:
            yield each.arg
        elif isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value.isidentifier():
            yield each.value
