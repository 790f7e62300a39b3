"""Graphs in Paddle's older format that do more than compute, made by Paddle: ``python -m kit.hostile_programs FOLDER``.

Paddle must be started for that format, by ``FLAGS_enable_pir_api=0``. The one that is called ``main`` is also run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from paddle.base.framework import Program
from paddle.static.nn.control_flow import ConditionalBlock


def make(folder: Path, place: str, kind: str, attributes: dict[str, Any]) -> None:
    """Writes a graph with an operation `kind` in the block that `place` names."""
    paddle.enable_static()
    program, start = Program(), Program()
    with paddle.static.program_guard(program, start):
        x = paddle.static.data("x", [-1, 3, 64, 64], "float32")
        words = paddle.nn.initializer.Assign(np.frombuffer(b"written by a model!!", np.float32).copy())
        payload = paddle.static.create_parameter([5], "float32", name="payload", default_initializer=words)
        y = paddle.scale(x, 1.0) + 0.0 * payload[0]
        if place == "branch":
            with ConditionalBlock([paddle.mean(y) < 9], is_scalar_condition=True).block():
                paddle.assign(y * 2, output=y)
        if place == "loop":
            step = paddle.zeros([1], "int64")
            paddle.static.nn.while_loop(lambda step, y: step < 2, lambda step, y: [step + 1, y * 2], [step, y])
    executor = paddle.static.Executor(paddle.CPUPlace())
    executor.run(start)
    paddle.static.save_inference_model(str(folder / "inference"), [x], [y], executor, program=program)
    path = folder / "inference.pdmodel"
    read = Program.parse_from_string(path.read_bytes())
    block = read.block(read.num_blocks - 1 if place in ("branch", "loop") else 0)
    payload = read.global_block().var("payload")
    outputs = {"Out": [payload]} if kind in ("load", "print", "py_func") else {}
    inputs = {} if kind == "load" else {"In" if kind == "print" else "X": [payload]}
    block._insert_op(1, type=kind, inputs=inputs, outputs=outputs, attrs=attributes)
    path.write_bytes(read.desc.serialize_to_string())


def main(root: Path) -> None:
    """Makes all."""
    target = {"file_path": str(root / "written"), "overwrite": True}
    for place in ("main", "branch", "loop"):
        make(root / place, place, "save", target)
    make(root / "load", "load", "load", {"file_path": str(root / "written")})
    make(root / "print", "print", "print", {"first_n": -1, "message": "", "summarize": 9})
    make(root / "py_func", "py_func", "py_func", {"forward_callable_id": 0})
    config = paddle.inference.Config(*(str(root / "main" / f"inference.{end}") for end in ("pdmodel", "pdiparams")))
    config.enable_new_ir(False)
    predictor = paddle.inference.create_predictor(config)
    predictor.get_input_handle("x").copy_from_cpu(np.zeros((1, 3, 64, 64), np.float32))
    predictor.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
