"""Where things lie and who imports whom: wings in an order, no circles, three files at the root, modes by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from kit.sources import PACKAGE, imported_module, imports, place, sources, tree_of, wing_of

WINGS = (
    *("ground", "terminal", "nn", "runs", "weights", "contract", "config", "data", "vision", "series", "machine"),
    *(
        "onednn",
        "distributed",
        "metrics",
        "few",
        "train",
        "export",
        "index",
        "modules",
        "tracking",
        "report",
        "pipelines",
        "registry",
    ),
    *("serving", "doctor", "sweep", "workflow", "studio", "modes", "api", "__main__", "__init__"),
)
"""Each imports only what stands before it, or itself."""
FOR_ALL = f"{PACKAGE}.__version__"
ROOMS = f"{PACKAGE}.modules"
FINDS_ROOMS = f"{PACKAGE}.contract.rooms"
"""Looks for rooms where they lie, so it imports that folder, but no room."""
AT_THE_ROOT = {"__init__.py", "__main__.py", "api.py"}


def wing_faults(root: Path) -> list[str]:
    """Imports that climb to a later wing, late ones and those for types included."""
    files = sources(root)
    faults = [f"{PACKAGE}/{wing}: stands in no order of wings" for wing in sorted({*map(wing_of, files)} - {*WINGS})]
    for module, path in files.items():
        for line, name in imports(path, module):
            target = imported_module(name, files)
            if target is None or name == FOR_ALL or (module, target) == (FINDS_ROOMS, ROOMS):
                continue
            own, other = wing_of(module), wing_of(target)
            if own in WINGS and other in WINGS and WINGS.index(other) > WINGS.index(own):
                faults.append(f"{place(root, path, line)}: {own} imports {target.removeprefix(f'{PACKAGE}.')}")
    return faults


def circle_faults(root: Path) -> list[str]:
    """Files that import each other, by whatever way."""
    files = sources(root)
    targets = {
        module: {
            target for _, name in imports(path, module) if name != FOR_ALL if (target := imported_module(name, files))
        }
        for module, path in files.items()
    }
    return [
        f"{files[circle[0]].relative_to(root).as_posix()}: imports itself through {', '.join(circle[1:]) or 'nothing'}"
        for circle in _circles(targets)
    ]


def _circles(targets: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Groups of modules from each of which all others of the group are reached, each in alphabetical order."""
    reached = {module: _reached(module, targets) for module in targets}
    done: set[str] = set()
    for module in sorted(targets):
        circle = sorted(other for other in reached[module] if module in reached[other])
        if circle and module not in done:
            done |= {*circle}
            yield circle


def _reached(start: str, targets: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(targets[start])
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += targets.get(module, ())
    return found


def root_faults(root: Path) -> list[str]:
    """What lies loose at the package's root, and what is missing there."""
    found = {path.name for path in (root / PACKAGE).glob("*.py")}
    return [
        *(f"{PACKAGE}/{name}: lies loose at the root" for name in sorted(found - AT_THE_ROOT)),
        *(f"{PACKAGE}/{name}: is missing" for name in sorted(AT_THE_ROOT - found)),
    ]


def mode_faults(root: Path) -> list[str]:
    """Files of modes/ that no user can type, modes without a file, and files without `run`."""
    options = root / PACKAGE / "config" / "options.py"
    typed, files = _modes(options), {path.stem: path for path in (root / PACKAGE / "modes").glob("*.py")}
    files.pop("__init__", None)
    return [
        *(f"{PACKAGE}/modes/{name}.py: is no mode that can be typed" for name in sorted({*files} - typed)),
        *(f"{PACKAGE}/modes/{name}.py: is missing" for name in sorted(typed - {*files})),
        *(f"{PACKAGE}/modes/{name}.py: has no run" for name in sorted(files) if not _has_run(files[name])),
    ]


def _modes(options: Path) -> set[str]:
    """The names in the table MODES, a tuple or a dict."""
    for node in tree_of(options).body:
        target = (
            node.target
            if isinstance(node, ast.AnnAssign)
            else node.targets[0]
            if isinstance(node, ast.Assign)
            else None
        )
        if isinstance(target, ast.Name) and target.id == "MODES":
            value = node.value
            parts = value.keys if isinstance(value, ast.Dict) else [value]
            texts = [text for part in parts if part for text in ast.walk(part)]
            return {str(text.value) for text in texts if isinstance(text, ast.Constant)}
    raise AssertionError(f"{options} has no table MODES")


def _has_run(path: Path) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree_of(path).body)
