"""Small trees with a fault for each rule about the sources."""

from __future__ import annotations

P = "plx_train"
OPTIONS = {f"{P}/config/options.py": 'MODES = (*("train",), "export")\n'}
RUN = "def run(composed):\n    pass\n"
ROOM = {f"{P}/modules/cats/__init__.py": ""}
NAMES = {f"{P}/runs/folder.py": 'STEM = "inference"\nGRAPH = f"{STEM}.yml"\nREPORT = "report.html"\nBEST = "best"\n'}
USES = "def used():\n    return 1\n\n\nX = used()\n"


def below(file: str, text: str) -> dict[str, str]:
    """A file of the package."""
    return {f"{P}/{file}": text}


METHODS = """class Kept:
    def asked(self):
        pass

    def unasked(self):
        pass


Y = Kept().asked()
"""

Case = tuple[str, dict[str, str], list[str]]
WINGS: dict[str, Case] = {
    "to a later wing": (
        "imports point to earlier wings",
        {**below("runs/lock.py", "from plx_train.train.loop import train"), f"{P}/train/loop.py": ""},
        [f"{P}/runs/lock.py:1: runs imports train.loop"],
    ),
    "to a later wing, late": (
        "imports point to earlier wings",
        {**below("runs/lock.py", "def f():\n    import plx_train.train.loop"), f"{P}/train/loop.py": ""},
        [f"{P}/runs/lock.py:2: runs imports train.loop"],
    ),
    "to a later wing, for types": (
        "imports point to earlier wings",
        {
            **below("runs/lock.py", "if TYPE_CHECKING:\n    from ..train import loop"),
            f"{P}/train/loop.py": "",
        },
        [f"{P}/runs/lock.py:2: runs imports train.loop"],
    ),
    "to the whole": (
        "imports point to earlier wings",
        {**below("modes/train.py", "from plx_train import run"), f"{P}/__init__.py": ""},
        [f"{P}/modes/train.py:1: modes imports {P}"],
    ),
    "a wing in no order": (
        "imports point to earlier wings",
        below("attic/old.py", ""),
        [f"{P}/attic: stands in no order of wings"],
    ),
    "two files": (
        "no file imports itself through others",
        {**below("data/a.py", "from plx_train.data.b import x"), f"{P}/data/b.py": "def f():\n    from .a import y"},
        [f"{P}/data/a.py: imports itself through {P}.data.b"],
    ),
    "two files, one for types": (
        "no file imports itself through others",
        {
            **below("data/a.py", "from plx_train.data import b"),
            f"{P}/data/b.py": "if TYPE_CHECKING:\n    from plx_train.data.a import y",
        },
        [f"{P}/data/a.py: imports itself through {P}.data.b"],
    ),
    "loose and missing": (
        "three files lie at the root",
        {f"{P}/__init__.py": "", f"{P}/api.py": "", f"{P}/evaluate.py": ""},
        [f"{P}/evaluate.py: lies loose at the root", f"{P}/__main__.py: is missing"],
    ),
    "machinery among modes": (
        "modes are what can be typed",
        {**OPTIONS, **below("modes/train.py", RUN), f"{P}/modes/export.py": RUN, f"{P}/modes/prepare.py": RUN},
        [f"{P}/modes/prepare.py: is no mode that can be typed"],
    ),
    "a mode without a file": (
        "modes are what can be typed",
        {f"{P}/config/options.py": 'MODES = {"train": "Trains.", "export": "Exports."}', f"{P}/modes/train.py": RUN},
        [f"{P}/modes/export.py: is missing"],
    ),
    "a mode without run": (
        "modes are what can be typed",
        {**OPTIONS, **below("modes/train.py", RUN), f"{P}/modes/export.py": "def start():\n    pass"},
        [f"{P}/modes/export.py: has no run"],
    ),
}
ROOMS: dict[str, Case] = {
    "core to room": (
        "rooms import their shared ground",
        below("train/loop.py", "from plx_train.modules.cats import network"),
        [f"{P}/train/loop.py:1: the core imports the room cats"],
    ),
    "core to room, late": (
        "rooms import their shared ground",
        below("train/loop.py", "def f():\n    import plx_train.modules.cats.loss"),
        [f"{P}/train/loop.py:2: the core imports the room cats"],
    ),
    "core to room, relative": (
        "rooms import their shared ground",
        below("train/loop.py", "from ..modules.cats import loss"),
        [f"{P}/train/loop.py:1: the core imports the room cats"],
    ),
    "room to room": (
        "rooms import their shared ground",
        below("modules/cats/loss.py", "from ..dogs import loss"),
        [f"{P}/modules/cats/loss.py:1: the room cats imports the room dogs"],
    ),
    "room to the loop": (
        "rooms import their shared ground",
        below("modules/cats/module.py", "from plx_train.train import loop"),
        [f"{P}/modules/cats/module.py:1: the room cats imports {P}.train.loop"],
    ),
    "room to exports, for types": (
        "rooms import their shared ground",
        below("modules/cats/check.py", "if TYPE_CHECKING:\n    from plx_train.export.write import Exported"),
        [f"{P}/modules/cats/check.py:2: the room cats imports {P}.export.write.Exported"],
    ),
    "room to other processes": (
        "rooms import their shared ground",
        below("modules/cats/loss.py", "from plx_train.distributed import launch"),
        [f"{P}/modules/cats/loss.py:1: the room cats imports {P}.distributed.launch"],
    ),
    "processor to paddle": (
        "heavy imports are late",
        below("modules/cats/processor.py", "def f():\n    from paddle import nn"),
        [f"{P}/modules/cats/processor.py:2: processor.py imports paddle.nn"],
    ),
    "slow start": (
        "heavy imports are late",
        below("config/compose.py", "import paddle"),
        [f"{P}/config/compose.py:1: imports paddle at the top"],
    ),
    "paddle behind another file": (
        "workers and the command line reach no paddle",
        {**below("modules/cats/data.py", "from plx_train.nn import layers"), f"{P}/nn/layers.py": "import paddle"},
        [f"{P}/modules/cats/data.py: imports {P}.nn.layers -> paddle"],
    ),
    "half a room": (
        "rooms have the files of a room",
        {
            **ROOM,
            **{f"{P}/modules/cats/{name}.py": "" for name in ("config", "check", "metric", "network")},
            **{f"{P}/modules/cats/{name}": "" for name in ("module.py", "README.md")},
        },
        [
            f"{P}/modules/cats/processor.py: is missing",
            f"{P}/modules/cats/room.py: is missing",
            "conf/module/cats.yaml: is missing",
        ],
    ),
}
WORDS: dict[str, Case] = {
    "a table of rooms": (
        "the core names no room",
        {**ROOM, **below("pipelines/base.py", 'PARTS = {"Classifier": "cats"}')},
        [f"{P}/pipelines/base.py:1: names the room cats"],
    ),
    "whether a room has something": (
        "the core asks no room what it has",
        below(
            "workflow/fuse.py",
            'm = getattr(options.module, "models", None)\nif hasattr(room_file(name, "check"), "x"): m',
        ),
        [
            f"{P}/workflow/fuse.py:1: asks getattr(options.module, 'models', None)",
            f"{P}/workflow/fuse.py:2: asks hasattr(room_file(name, 'check'), 'x')",
        ],
    ),
    "a run's file": (
        "names of run files stand in one file",
        {
            **NAMES,
            **below("modes/train.py", 'a = folder / "best"\nb = ("report.html", "best")\nc = folder / "inference.yml"'),
        },
        [
            f"{P}/modes/train.py:1: spells best",
            f"{P}/modes/train.py:3: spells inference.yml",
            f"{P}/modes/train.py:2: spells report.html",
        ],
    ),
    "a drawer for everything": (
        "names say what is inside",
        {f"{P}/train/utils.py": "", "tests/helpers/x.py": ""},
        [f"{P}/train/utils.py: says nothing", "tests/helpers: says nothing"],
    ),
    "riddles": (
        "sentences begin with what they are about",
        below("train/loop.py", 'LIMIT = 3\n"""Of steps."""\n\n\ndef f():\n    """For each step, its loss."""\n'),
        [f"{P}/train/loop.py:2: begins with Of", f"{P}/train/loop.py:6: begins with For"],
    ),
}
OUTPUTS: dict[str, Case] = {
    "around the console": (
        "one wing writes to the terminal",
        below("modes/train.py", "import sys\nprint(1)\nsys.stderr.write(x)\ndef f():\n    from rich import print\n"),
        [
            f"{P}/modes/train.py:2: writes to the terminal by print",
            f"{P}/modes/train.py:3: writes to the terminal by sys.stderr.write",
            f"{P}/modes/train.py:5: writes to the terminal by rich.print",
        ],
    ),
    "around the tables": (
        "tables for people pass one function",
        below("modes/predict.py", "import csv\ncsv.writer(file)\ntable.to_csv(path)\nx = {'a.csv': text}\n"),
        [
            f"{P}/modes/predict.py:4: makes a.csv by itself",
            f"{P}/modes/predict.py:2: writes CSV by writer",
            f"{P}/modes/predict.py:3: writes CSV by to_csv",
        ],
    ),
    "around the escape": (
        "words in pages pass one escape",
        {
            **below("report/page.py", 'x = f"<li>{item.name}</li>"\ny = f"<b title={escape(z)}>{str(z)}</b>"\n'),
            f"{P}/runs/result.py": "from html import escape\nfrom markupsafe import Markup\n",
        },
        [
            f"{P}/report/page.py:1: puts item.name into markup",
            f"{P}/report/page.py:2: puts str(z) into markup",
            f"{P}/runs/result.py:1: escapes by html.escape",
            f"{P}/runs/result.py:2: calls a text markup",
        ],
    ),
}
SIZES: dict[str, Case] = {
    "a long file": (
        "files can be read at one go",
        below("train/loop.py", "x = 1\n" * 301),
        [f"{P}/train/loop.py: has 301 lines, 300 are the most"],
    ),
    "a large room": (
        "rooms stay small",
        {**ROOM, f"{P}/modules/cats/module.py": "x = 1\n" * 601},
        [f"{P}/modules/cats: has 601 lines of .py, 600 are the most"],
    ),
    "a large function": (
        "functions stay small",
        below("train/loop.py", "def f(a, b, c, d, e, f, g, *, h):\n" + "    x = 1\n" * 50),
        [f"{P}/train/loop.py:1: f has 51 lines", f"{P}/train/loop.py:1: f has 8 parameters"],
    ),
    "two classes of one name": (
        "a name stands for one class",
        {**below("data/a.py", "class Entry:\n    pass"), f"{P}/runs/b.py": "class Entry:\n    pass"},
        [f"{P}/data/a.py:1: Entry is a class in {P}/runs/b.py:1 too"],
    ),
    "for tests alone": (
        "nothing is there for tests alone",
        {
            **below("data/a.py", USES + "\n\ndef unused():\n    return unused\n\n\nLIMIT = 3\n"),
            f"{P}/data/b.py": METHODS,
            f"{P}/data/c.py": "from plx_train.data.a import X\nfrom plx_train.data.b import Y\n",
            "tests/data/test_a.py": "from plx_train.data.a import unused, LIMIT",
        },
        [
            f"{P}/data/a.py:8: unused is used by tests alone",
            f"{P}/data/a.py:12: LIMIT is used by tests alone",
            f"{P}/data/b.py:5: Kept.unasked is used by tests alone",
        ],
    ),
}
TESTS: dict[str, Case] = {
    "tests of nothing": (
        "tests mirror the package",
        {**below("data/a.py", ""), "tests/data/test_a.py": "", "tests/old/test_b.py": "", "tests/test_loose.py": ""},
        ["tests/old: mirrors no folder of plx_train", "tests/test_loose.py: lies loose"],
    ),
    "a borrowed test": (
        "no test imports a test",
        {"tests/data/test_a.py": "", "tests/data/test_b.py": "from data.test_a import x\nfrom data import test_a"},
        [
            "tests/data/test_b.py:1: imports the test data.test_a.x",
            "tests/data/test_b.py:2: imports the test data.test_a",
        ],
    ),
}
LOADERS: dict[str, Case] = {
    "a graph loaded past the gate": (
        "graphs are loaded behind the gate",
        {
            **below("modes/predict.py", "def f(path):\n    import onnxruntime as o\n    o.InferenceSession(path)"),
            **below("pipelines/ocr.py", "from paddle.inference import Config, create_predictor"),
            **below("serving/app.py", "import paddle\nX = paddle.jit.load"),
            **below("doctor/check.py", "X = getattr(object, 'read_model')"),
        },
        [
            f"{P}/doctor/check.py:1: read_model loads a graph past the gate",
            f"{P}/modes/predict.py:3: o.InferenceSession loads a graph past the gate",
            f"{P}/pipelines/ocr.py:1: create_predictor loads a graph past the gate",
            f"{P}/serving/app.py:2: paddle.jit.load loads a graph past the gate",
        ],
    ),
    "a graph that is loaded where graphs are, unchecked": (
        "graphs are loaded behind the gate",
        below("export/onnx_model.py", "def f(path):\n    import onnx\n    return onnx.load(path)"),
        [f"{P}/export/onnx_model.py: loads a graph that is not checked"],
    ),
}

PLANTED = {**LOADERS, **WINGS, **ROOMS, **WORDS, **OUTPUTS, **SIZES, **TESTS}
