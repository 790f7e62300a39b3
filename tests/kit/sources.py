"""The package's sources as trees, for rules about them; nothing of the package is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "plx_train"


def sources(root: Path) -> dict[str, Path]:
    """Dotted module name → file, for everything below ``root/plx_train``."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def core_sources(root: Path) -> dict[str, Path]:
    """Those of no room."""
    return {module: path for module, path in sources(root).items() if room_of(module) is None}


def tree_of(path: Path) -> ast.Module:
    """The file, parsed once as long as it stays the same."""
    status = path.stat()
    return _parsed(path, status.st_mtime_ns, status.st_size)


@cache
def _parsed(path: Path, changed: int, size: int) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports(
    path: Path, module: str, only_at_the_top: bool = False, with_types: bool = True
) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of each import.

    Args:
        only_at_the_top: those within functions are left out.
        with_types: those for the type checker alone count too.
    """
    is_package = path.stem == "__init__"
    for node in _statements(tree_of(path), only_at_the_top, with_types):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                kept = parents[: len(parents) - node.level + is_package]
                base = ".".join([*kept, *filter(None, [node.module])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _statements(node: ast.AST, only_at_the_top: bool, with_types: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not with_types and isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if only_at_the_top and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield child
        yield from _statements(child, only_at_the_top, with_types)


def imported_module(name: str, files: dict[str, Path]) -> str | None:
    """The module of the package that an imported name leads to; None for other packages'."""
    if name in files:
        return name
    above = name.rpartition(".")[0]
    return above if above in files else None


def is_within(name: str, package: str) -> bool:
    """Whether a dotted name is `package` or lies in it."""
    return name == package or name.startswith(f"{package}.")


def wing_of(module: str) -> str:
    """The package's folder or file that a module lies in: ``train`` of ``plx_train.train.loop``; the package's own is
    ``__init__``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def room_of(module: str) -> str | None:
    """The room that a module belongs to."""
    parts = module.split(".")
    return parts[2] if parts[:2] == [PACKAGE, "modules"] and len(parts) > 2 else None


def room_folders(root: Path) -> list[Path]:
    """The folders of all rooms."""
    folder = root / PACKAGE / "modules"
    return sorted(path.parent for path in folder.glob("*/__init__.py"))


def place(root: Path, path: Path, line: int) -> str:
    """``plx_train/train/loop.py:40``."""
    return f"{path.relative_to(root).as_posix()}:{line}"
