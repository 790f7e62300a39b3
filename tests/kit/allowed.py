"""Small trees in which something looks like a fault of the sources, but is none."""

from __future__ import annotations

from kit.planted import NAMES, ROOM, P, below

ALLOWED: dict[str, tuple[str, dict[str, str]]] = {
    "the version": (
        "imports point to earlier wings",
        {**below("doctor/software.py", "from plx_train import __version__"), f"{P}/__init__.py": ""},
    ),
    "looking for rooms": (
        "imports point to earlier wings",
        {**below("contract/rooms.py", "def f():\n    import plx_train.modules"), f"{P}/modules/__init__.py": ""},
    ),
    "an earlier wing": (
        "imports point to earlier wings",
        {**below("train/loop.py", "from plx_train.runs import lock"), f"{P}/runs/lock.py": ""},
    ),
    "a room's own and its ground": (
        "rooms import their shared ground",
        below(
            "modules/cats/module.py",
            "from plx_train.modules.cats import loss\nfrom plx_train.nn.blocks import ConvNorm\n"
            "from plx_train.distributed.ranks import total\n"
            "from plx_train.config.options import DatasetOptions\nimport paddle",
        ),
    ),
    "paddle where it may stand": (
        "heavy imports are late",
        {
            **below("modules/cats/network.py", "import paddle"),
            f"{P}/vision/image_module.py": "import paddle",
            f"{P}/config/compose.py": "if TYPE_CHECKING:\n    import paddle\n\n\ndef f():\n    import paddle",
        },
    ),
    "a room's name in a room": ("the core names no room", {**ROOM, f"{P}/modules/cats/config.py": 'name = "cats"'}),
    "a word that is a room's too": (
        "the core names no room",
        {**ROOM, **below("report/page.py", 'x = "cats and dogs"')},
    ),
    "asking Python": ("the core asks no room what it has", below("ground/stop.py", 'x = hasattr(signal, "setitimer")')),
    "a word that is a file's too": (
        "names of run files stand in one file",
        {**NAMES, **below("terminal/progress.py", 'x = ("best", 1)\ny = "see report.html"')},
    ),
    "a method of another package's class": (
        "nothing is there for tests alone",
        below(
            "serving/server.py",
            "import uvicorn\n\n\nclass Server(uvicorn.Server):\n    def handle_exit(self):\n        pass\n\n\n"
            "X = Server()\nprint(X)\n",
        ),
    ),
    "a class that is found by its base": (
        "nothing is there for tests alone",
        {
            **below("pipelines/base.py", "class Pipeline:\n    pass\n"),
            **below(
                "pipelines/ocr.py",
                "from plx_train.pipelines.base import Pipeline\n\n\nclass OCR(Pipeline):\n    pass\n",
            ),
        },
    ),
    "the console and its like": (
        "one wing writes to the terminal",
        below("terminal/console.py", "from rich.console import Console\nprint(1)\n"),
    ),
    "tables that are read at once": (
        "tables for people pass one function",
        below("series/read/source.py", "table.to_csv(text)\n"),
    ),
    "numbers and pieces of our own in a page": (
        "words in pages pass one escape",
        below("report/axes.py", 'x = f\'<b class="{css}" x="{p.x:.1f}">{escape(p.name)}{"".join(parts)}</b>\'\n'),
    ),
    "what tests share": (
        "no test imports a test",
        {"tests/kit/made.py": "", "tests/data/test_a.py": "from kit import made"},
    ),
}
