"""Who may import whom, read from the sources; and a size that keeps a file readable at one go."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "plx_train"
ROOMS = f"{PACKAGE}.modules"
NO_ROOM_IMPORTS = ("train", "tracking", "config", "api", "workflow", "modes", "report", "__main__")
"""What is above a room: the loop, the composing, the recording."""

WITH_PADDLE = ("network", "guide", "loss", "fusion", "module")
"""A room's files that may import paddle; loader workers and the command line hold the others."""

CORE_WITHOUT_PADDLE = (
    *("api", "config", "contract", "doctor", "ground.errors", "ground.places", "machine.device", "machine.hardware"),
    *("machine.paddle_build", "data", "terminal.console", "vision"),
)
CORE_WITH_PADDLE = ("vision.module", "vision.classifier_module")
"""The trainable sides of rooms, in the midst of what loader workers hold."""
HEAVY = ("paddle", "mlflow", "matplotlib", "visualdl")
LATE_TO_IMPORT = (*HEAVY, "onnx", "onnxruntime", "paddle2onnx")
MAX_LINES = 300
MEANINGLESS_NAMES = {"utils", "util", "common", "helpers", "helper", "misc", "tools", "stuff"}


def sources(root: Path) -> dict[str, Path]:
    """Dotted module name → file, for everything below ``root/plx_train``."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, module: str, only_at_the_top: bool = False) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of each import; those for the type checker alone are left out."""
    is_package = path.stem == "__init__"
    tree = ast.parse(path.read_text("utf-8"))
    for node in _statements(tree, only_at_the_top):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                kept = parents[: len(parents) - node.level + is_package]
                base = ".".join([*kept, *filter(None, [node.module])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _statements(node: ast.AST, only_at_the_top: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if only_at_the_top and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield child
        yield from _statements(child, only_at_the_top)


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[2] if parts[:2] == [PACKAGE, "modules"] and len(parts) > 2 else None


def layer_faults(root: Path) -> list[str]:
    """Every import that goes against the layers, as ``file:line: what``."""
    faults = []
    for module, path in sources(root).items():
        for line, name in imports(path, module):
            what = _fault(module, name)
            if what:
                faults.append(f"{path.relative_to(root).as_posix()}:{line}: {what}")
        for line, name in imports(path, module, only_at_the_top=True):
            if name.partition(".")[0] in LATE_TO_IMPORT and room_of(module) is None and _is_light(module):
                faults.append(f"{path.relative_to(root).as_posix()}:{line}: imports {name} at the top")
    return faults


def _fault(module: str, name: str) -> str | None:
    own, other = room_of(module), room_of(name)
    if own is None:
        return f"the core imports the room {other}" if other else None
    if other and other != own:
        return f"the room {own} imports the room {other}"
    if any(is_within(name, f"{PACKAGE}.{above}") for above in NO_ROOM_IMPORTS):
        return f"the room {own} imports {name}"
    file = module.split(".")[3] if module.count(".") > 2 else "__init__"
    if file not in WITH_PADDLE and name.partition(".")[0] in HEAVY:
        return f"{file}.py imports {name}"
    return None


def reaches_paddle(root: Path, start: str) -> list[str]:
    """The chain of modules through which importing `start` imports something heavy; empty if it does not."""
    files = sources(root)
    waiting, seen = [[start]], {start}
    while waiting:
        chain = waiting.pop()
        # Python runs the packages above a module first.
        for name in [*_above(chain[-1]), *_imported_at_the_top(files[chain[-1]], chain[-1])]:
            if name.partition(".")[0] in HEAVY:
                return [*chain, name]
            target = name if name in files else name.rpartition(".")[0]
            if target in files and target not in seen:
                seen.add(target)
                waiting.append([*chain, target])
    return []


def _above(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _imported_at_the_top(path: Path, module: str) -> list[str]:
    return [name for _, name in imports(path, module, only_at_the_top=True)]


def _is_light(module: str) -> bool:
    if module in [f"{PACKAGE}.{name}" for name in CORE_WITH_PADDLE]:
        return False
    return module == PACKAGE or any(is_within(module, f"{PACKAGE}.{name}") for name in CORE_WITHOUT_PADDLE)


def test_imports_keep_to_the_layers() -> None:
    assert layer_faults(ROOT) == []


PLANTED = {
    "core to room": ("train/loop.py", "from plx_train.modules.text_det import network"),
    "core to room, late": ("train/loop.py", "def f():\n    import plx_train.modules.text_det.loss"),
    "core to room, relative": ("train/loop.py", "from ..modules.text_det import loss"),
    "room to room": ("modules/text_det/loss.py", "from plx_train.modules.text_rec.loss import CTC"),
    "room to room, relative": ("modules/text_det/loss.py", "from ..text_rec import loss"),
    "room to loop": ("modules/text_det/module.py", "from plx_train.train import loop"),
    "room to tracking": ("modules/text_det/module.py", "from plx_train.tracking import start_tracking"),
    "processor to paddle": ("modules/text_det/processor.py", "import paddle.nn.functional as F"),
    "processor to paddle, late": ("modules/text_det/processor.py", "def f():\n    from paddle import nn"),
    "metric to mlflow": ("modules/text_det/metric.py", "import mlflow"),
    "slow start": ("config/compose.py", "import paddle"),
}


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_fault_is_found(case: str, tmp_path: Path) -> None:
    file, text = PLANTED[case]
    path = tmp_path / PACKAGE / file
    path.parent.mkdir(parents=True)
    path.write_text(text)

    faults = layer_faults(tmp_path)

    assert len(faults) == 1, faults
    assert faults[0].startswith(f"{PACKAGE}/{file}:")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("modules/text_det/module.py", "from plx_train.modules.text_det import loss\nimport paddle"),
        ("modules/text_det/network.py", "from plx_train.nn.pp_lcnet_v3 import PPLCNetV3"),
        ("train/loop.py", "def train():\n    import paddle"),
        ("config/compose.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import paddle"),
    ],
)
def test_what_is_allowed_is_not_a_fault(file: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / PACKAGE / file
    path.parent.mkdir(parents=True)
    path.write_text(text)

    assert layer_faults(tmp_path) == []


def test_loader_workers_and_the_command_line_import_no_paddle() -> None:
    files = sources(ROOT)
    rooms = [name for name in files if room_of(name) and name.rpartition(".")[2] not in WITH_PADDLE]
    light = [name for name in files if room_of(name) is None and _is_light(name)]

    chains = [reaches_paddle(ROOT, name) for name in [*rooms, *light]]

    assert len(rooms) > 8
    assert [" -> ".join(chain) for chain in chains if chain] == []


@pytest.mark.parametrize(
    ("through", "chain"),
    [
        ("from plx_train.drawing import line", ["plx_train.drawing", "paddle"]),
        ("from plx_train import drawing", ["plx_train.drawing", "paddle"]),
        ("from ... import drawing", ["plx_train.drawing", "paddle"]),
        ("from plx_train.boards import pen", ["plx_train.boards.pen", "plx_train.boards", "mlflow.x"]),
        ("def f():\n    from plx_train import drawing", []),
    ],
)
def test_paddle_behind_another_import_is_found(through: str, chain: list[str], tmp_path: Path) -> None:
    planted = {
        "__init__.py": "",
        "modules/text_det/data.py": through,
        "drawing.py": "import paddle",
        "boards/__init__.py": "from mlflow import x",
        "boards/pen.py": "",
    }
    for file, text in planted.items():
        path = tmp_path / PACKAGE / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    found = reaches_paddle(tmp_path, f"{PACKAGE}.modules.text_det.data")

    assert found == ([f"{PACKAGE}.modules.text_det.data", *chain] if chain else [])


def test_there_is_something_to_look_at() -> None:
    modules = sources(ROOT)

    assert {room_of(module) for module in modules} >= {None, "text_det"}
    assert f"{PACKAGE}.train.loop" in modules
    missing = [name for name in CORE_WITHOUT_PADDLE if f"{PACKAGE}.{name}" not in modules]

    assert missing == [], "the list in this test names files that are gone"


def python_files() -> list[Path]:
    folders = ("plx_train", "tests", "scripts")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_files_can_be_read_at_one_go() -> None:
    too_long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in python_files()
        if path.is_relative_to(ROOT / PACKAGE) and (lines := len(path.read_text("utf-8").splitlines())) > MAX_LINES
    }
    assert too_long == {}


def test_names_say_what_is_inside() -> None:
    named = [*python_files(), *(path for path in (ROOT / PACKAGE).rglob("*") if path.is_dir())]

    assert [path for path in named if path.stem in MEANINGLESS_NAMES] == []


def test_every_room_has_the_files_of_a_room() -> None:
    rooms = [path for path in (ROOT / PACKAGE / "modules").iterdir() if (path / "__init__.py").is_file()]
    wanted = ("README.md", "config.py", "room.py", "processor.py", "module.py")
    missing = [f"{room.name}/{name}" for room in rooms for name in wanted if not (room / name).is_file()]
    assert missing == []
    assert all((ROOT / "conf" / "module" / f"{room.name}.yaml").is_file() for room in rooms)
