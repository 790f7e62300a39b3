"""Exported folders, loaded and run by the engines that are installed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from fuzzing.cases import Case, read_case
from fuzzing.formats import message_of
from fuzzing.reader import Reader, Wrong

TOKENS = (
    *(
        b"save",
        b"save_combine",
        b"load",
        b"load_combine",
        b"read_file",
        b"print",
        b"py_func",
        b"assert",
        b"while",
        b"conditional_block",
        b"run_program",
    ),
    *(
        b"1.save",
        b"1.print",
        b"1.load_combine",
        b"1.read_file",
        b"1.conv2d",
        b"1.matmul",
        b"1.full",
        b"0.fetch",
        b"1.data",
        b"cf.yield",
        b"pd_op.if",
    ),
    *(
        b"../guard/new",
        b"../../guard/secret.txt",
        b"%GUARD%/new",
        b"file_path",
        b"filename",
        b"external_data",
        b"location",
        b"custom_op",
        b"feed",
        b"fetch",
    ),
    *(
        b'"#":',
        b'"A":',
        b'"I":',
        b'"O":',
        b'"OA":',
        b'"%":',
        b'"AT":',
        b'"TT":',
        b'"D":',
        b'"N":',
        b'"regions":',
        b'"blocks":',
        b'"ops":',
        b"0.a_i32",
        b"0.a_str",
    ),
)
SETTINGS = """\
Global: {model_name: PP-LCNet_x1_0, plx_train: {module: image_cls}}
PreProcess:
  transform_ops:
  - ResizeImage: {interpolation: LINEAR, size: [8, 8]}
  - NormalizeImage: {mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], scale: 0.00392156862745098, order: '', channel_num: 3}
  - {ToCHWImage: null}
PostProcess:
  Topk: {topk: 2, label_list: [a, b, c]}
"""
MAKE = """
import sys, paddle
from paddle import nn
paddle.seed(0)
class Small(nn.Layer):
    def __init__(self, kind):
        super().__init__()
        self.kind, self.conv = kind, nn.Conv2D(3, 4, 3, padding=1)
        self.norm, self.fc = nn.BatchNorm2D(4), nn.Linear(4, 3)
    def forward(self, x):
        x = nn.functional.relu(self.norm(self.conv(x)))
        if self.kind == 1:
            x = nn.functional.interpolate(nn.functional.max_pool2d(x, 2), scale_factor=2)
        if self.kind == 2:
            x = paddle.concat([x[:, :2], x[:, 2:] * 2], axis=1).transpose([0, 1, 3, 2])
            for _ in range(paddle.shape(x)[2] // 4):
                x = x * 0.5
        return nn.functional.softmax(self.fc(x.mean([2, 3])))
for kind in range(3):
    net = Small(kind); net.eval()
    spec = [paddle.static.InputSpec([None, 3, 8, 8], "float32", "x")]
    paddle.jit.save(paddle.jit.to_static(net, input_spec=spec), f"{sys.argv[1]}/{kind}/inference")
"""


def seeds(folder: Path) -> dict[str, Case]:
    """Small networks in today's format and the older one, with a loop and a resize, and an ONNX graph by hand."""
    found: dict[str, Case] = {}
    (folder / "make.py").write_text(MAKE)
    for name, is_new in (("json", "1"), ("pdmodel", "0")):
        environment = os.environ | {"FLAGS_enable_pir_api": is_new}
        subprocess.run(
            [sys.executable, str(folder / "make.py"), str(folder / name)],
            check=True,
            env=environment,
            capture_output=True,
        )
        for kind in range(3):
            case = read_case(folder / name / str(kind))
            case.pop("inference.pdiparams.info", None)
            found[f"{name} {kind}"] = case | {"inference.yml": SETTINGS.encode()}
    node = message_of(
        [
            (1, 2, b"x"),
            (2, 2, b"y"),
            (3, 2, b"n"),
            (4, 2, b"Softmax"),
            (5, 2, message_of([(1, 2, b"axis"), (3, 0, 1), (20, 0, 2)])),
        ]
    )
    tensor = message_of(
        [
            (1, 0, 3),
            (2, 0, 1),
            (8, 2, b"w"),
            (4, 2, np.ones(3, np.float32).tobytes()),
            (13, 2, message_of([(1, 2, b"location"), (2, 2, b"../../guard/secret.txt")])),
            (14, 0, 1),
        ]
    )
    shape = message_of([(1, 2, message_of([(1, 0, size)])) for size in (1, 3)])
    value = message_of([(2, 2, message_of([(1, 2, message_of([(1, 0, 1), (2, 2, shape)]))]))])
    graph = message_of(
        [(1, 2, node), (2, 2, b"g"), (5, 2, tensor), (11, 2, b"\n\x01x" + value), (12, 2, b"\n\x01y" + value)]
    )
    onnx = message_of([(1, 0, 8), (7, 2, graph), (8, 2, message_of([(1, 2, b""), (2, 0, 13)]))])
    found["!onnx"] = {"inference.onnx": onnx, "inference.yml": SETTINGS.encode()}
    for name in ("save", "print", "read_file"):
        found[f"!json {name}"] = _with_operation(found["json 0"], name)
    return found


def _with_operation(case: Case, name: str) -> Case:
    """The case with an operation for files before its last one."""
    graph = json.loads(case["inference.json"])
    operations = graph["program"]["regions"][0]["blocks"][0]["ops"]
    last = operations[-2]
    attributes = [
        {"N": "file_path", "AT": {"#": "0.a_str", "D": "../guard/new"}},
        {"N": "filename", "AT": {"#": "0.a_str", "D": "../guard/new"}},
    ]
    operations.insert(-1, {"#": f"1.{name}", "A": attributes, "I": [{"%": last["O"][0]["%"]}], "O": [], "OA": []})
    return case | {"inference.json": json.dumps(graph).encode()}


def run(folder: Path) -> str:
    """Loads the folder and predicts, as `plx_train.Predictor` and the readers of its parameters do."""
    from plx_train.export.predictor import Predictor
    from plx_train.ground.errors import UserError
    from plx_train.weights.pdiparams import read_pdiparams

    with contextlib.suppress(UserError):
        read_pdiparams(folder / "inference.pdiparams")
    engine = "paddle" if (folder / "inference.pdiparams").exists() else "onnx"
    predictor = Predictor(folder, threads=1, engine=engine)
    prediction = predictor.predict(predictor.processor.example())
    if np.asarray(prediction.scores).ndim != 1:
        raise Wrong(f"scores {np.shape(prediction.scores)}")
    return f"{predictor.module} {len(prediction.scores)}"


READER = Reader("graphs", seeds, run, TOKENS, seconds=20.0, has_links=True)
