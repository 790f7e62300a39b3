"""What a room may import, what loader workers and the command line must not, and the files that make a room."""

from __future__ import annotations

from pathlib import Path

from kit.sources import PACKAGE, imports, is_within, place, room_folders, room_of, sources

FOR_ROOMS = (
    *("contract", "nn", "weights", "data", "vision", "series", "metrics", "ground", "runs"),
    *("distributed.ranks", "config.options"),
)
"""All of the package that a room may import beside itself."""
WITH_PADDLE = ("network", "guide", "loss", "fusion", "module")
"""Files of rooms and of their shared ground that may import paddle, as those may whose names end in _module; loader
workers and the command line hold the others."""
CORE_WITHOUT_PADDLE = (
    *("api", "config", "contract", "doctor", "ground", "runs.folder", "machine.device", "machine.hardware"),
    *("machine.paddle_build", "data", "terminal.console", "vision"),
)
HEAVY = ("paddle", "mlflow", "matplotlib", "visualdl")
LATE_TO_IMPORT = (*HEAVY, "onnx", "onnxruntime", "paddle2onnx")
ROOM_FILES = ("README.md", "config.py", "room.py", "processor.py", "module.py")


def room_import_faults(root: Path) -> list[str]:
    """The core's imports of rooms, and rooms' imports of what is not theirs to know."""
    faults = []
    for module, path in sources(root).items():
        for line, name in imports(path, module):
            what = _fault(module, name)
            if what:
                faults.append(f"{place(root, path, line)}: {what}")
    return faults


def _fault(module: str, name: str) -> str | None:
    own, other = room_of(module), room_of(name)
    if own is None:
        return f"the core imports the room {other}" if other else None
    if other and other != own:
        return f"the room {own} imports the room {other}"
    is_known = other == own or any(is_within(name, f"{PACKAGE}.{wing}") for wing in FOR_ROOMS)
    return f"the room {own} imports {name}" if is_within(name, PACKAGE) and not is_known else None


def heavy_import_faults(root: Path) -> list[str]:
    """Imports of paddle and the like where workers or the command line would have to wait for them."""
    faults = []
    for module, path in sources(root).items():
        if room_of(module) is None or _may_have_paddle(path):
            continue
        for line, name in imports(path, module, with_types=False):
            if name.partition(".")[0] in HEAVY:
                faults.append(f"{place(root, path, line)}: {path.name} imports {name}")
    for module, path in _light_modules(root).items():
        for line, name in imports(path, module, only_at_the_top=True, with_types=False):
            if name.partition(".")[0] in LATE_TO_IMPORT:
                faults.append(f"{place(root, path, line)}: imports {name} at the top")
    return faults


def heavy_chain_faults(root: Path) -> list[str]:
    """Light modules that import something heavy through others."""
    rooms = [module for module, path in sources(root).items() if room_of(module) and not _may_have_paddle(path)]
    chains = {module: reaches_paddle(root, module) for module in [*rooms, *_light_modules(root)]}
    files = sources(root)
    return [
        f"{files[module].relative_to(root).as_posix()}: imports {' -> '.join(chain[1:])}"
        for module, chain in chains.items()
        if chain
    ]


def reaches_paddle(root: Path, start: str) -> list[str]:
    """The chain of modules through which importing `start` imports something heavy; empty if it does not."""
    files = sources(root)
    waiting, seen = [[start]], {start}
    while waiting:
        chain = waiting.pop()
        last = chain[-1]
        parts = last.split(".")
        # Python runs the packages above a module first.
        above = [".".join(parts[:length]) for length in range(1, len(parts))]
        for name in [*above, *(name for _, name in imports(files[last], last, True, with_types=False))]:
            if name.partition(".")[0] in HEAVY:
                return [*chain, name]
            target = name if name in files else name.rpartition(".")[0]
            if target in files and target not in seen:
                seen.add(target)
                waiting.append([*chain, target])
    return []


def _light_modules(root: Path) -> dict[str, Path]:
    """The package itself, and what lies in those parts of the core that start quickly."""
    inside = [f"{PACKAGE}.{name}" for name in CORE_WITHOUT_PADDLE]
    return {
        module: path
        for module, path in sources(root).items()
        if module == PACKAGE or (any(is_within(module, name) for name in inside) and not _may_have_paddle(path))
    }


def _may_have_paddle(path: Path) -> bool:
    return path.stem in WITH_PADDLE or path.stem.endswith("_module")


def room_file_faults(root: Path) -> list[str]:
    """Rooms without a file that every room has."""
    faults = []
    for room in room_folders(root):
        faults += [
            f"{PACKAGE}/modules/{room.name}/{name}: is missing" for name in ROOM_FILES if not (room / name).is_file()
        ]
        if not (root / "conf" / "module" / f"{room.name}.yaml").is_file():
            faults.append(f"conf/module/{room.name}.yaml: is missing")
    return faults
