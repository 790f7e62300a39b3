#!/usr/bin/env python3
"""Records learning curves of real tiny trainings, for scripts/bench_sweep.py to replay.

python scripts/record_curves.py clothes               # adds to scripts/curves/clothes.csv until 60 are there
python scripts/record_curves.py vowels --seconds 200  # begins no new one after 200 s; the same command goes on
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from plx_train.api import run  # noqa: E402
from plx_train.runs.result import RunResult  # noqa: E402
from plx_train.runs.trial import environment_of, read_reports  # noqa: E402

CURVES = ROOT / "scripts" / "curves"
Draw = Callable[[random.Random], Any]


@dataclass(frozen=True)
class Recipe:
    """A training and what varies in it, drawn at random."""

    fixed: tuple[str, ...]
    space: dict[str, Draw]
    epochs: int


def log_uniform(low: float, high: float) -> Draw:
    """A number that is spread evenly by magnitude."""
    return lambda source: float(f"{math.exp(source.uniform(math.log(low), math.log(high))):.4g}")


def one_of(*values: Any) -> Draw:
    """One of several values."""
    return lambda source: source.choice(values)


RECIPES = {
    "clothes": Recipe(
        (
            *("module=image_cls", "module.network=PP-LCNet_x0_25", "weights=null", "module.size=[28,28]"),
            *("module.augment.crop=[1.0,1.0]", "module.augment.shift=2", "dataset.limit=200"),
            *("trainer.ema_decay=0.9", "module.calibrate=false", "dataset.holdout_share=0"),
        ),
        {
            "optimizer.lr": log_uniform(1e-4, 3e-2),
            "trainer.batch_size": one_of(16, 32),
            "module.dropout": one_of(0.0, 0.2, 0.5),
        },
        9,
    ),
    "vowels": Recipe(
        ("module=ts_cls", "module.depth=3"),
        {
            "optimizer.lr": log_uniform(1e-4, 1e-1),
            "trainer.batch_size": one_of(16, 32, 64),
            "module.hidden": one_of(4, 8, 16),
            "module.label_smoothing": one_of(0.0, 0.1),
        },
        27,
    ),
    "traffic": Recipe(
        ("module=ts_forecast", "trainer.patience=null", "module.stride=3"),
        {
            "optimizer.lr": log_uniform(1e-5, 1e-1),
            "trainer.batch_size": one_of(16, 32, 64),
            "module.network": one_of("DLinear", "NLinear", "RLinear", "TiDE"),
            "module.loss": one_of("mse", "mae", "huber"),
        },
        27,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", choices=tuple(RECIPES))
    parser.add_argument("--configurations", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=math.inf)
    given = parser.parse_args()
    recipe, path = RECIPES[given.recipe], CURVES / f"{given.recipe}.csv"
    CURVES.mkdir(exist_ok=True)
    known = len(path.read_text().splitlines()) - 1 if path.is_file() else 0
    began = time.monotonic()
    for number in range(known, given.configurations):
        if time.monotonic() - began > given.seconds:
            break
        source = random.Random(f"{given.recipe} {number}")
        values = {key: draw(source) for key, draw in recipe.space.items()}
        started = time.monotonic()
        scores = record(recipe, values)
        _append(path, values, scores)
        print(f"{number}: {time.monotonic() - started:.1f} s, {scores[0]:.4f} … {scores[-1]:.4f}  {values}", flush=True)


def record(recipe: Recipe, values: dict[str, Any]) -> list[float]:
    """The monitored figure at each evaluation of one training, that of the initial weights left out."""
    import plx_train.workflow.training as mode

    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "run"
        os.environ |= environment_of(output, {}, values, [])
        # What comes after the last evaluation, export and proof, is not what is recorded.
        mode.conclude = lambda *parts: RunResult("train", output)
        texts = [f"{key}={value}" for key, value in values.items()]
        with contextlib.redirect_stdout(io.StringIO()):
            run(
                [*recipe.fixed, *texts, "device=cpu", "tracking=off", f"output={output}", "quiet=true",
                 f"trainer.epochs={recipe.epochs}", "trainer.eval_every_epochs=1"]
            )  # fmt: skip
        return [one["metrics"][one["monitor"]] for one in read_reports(output) if one["step"] > 0]


def _append(path: Path, values: dict[str, Any], scores: list[float]) -> None:
    is_new = not path.is_file()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow([*values, *range(1, len(scores) + 1)])
        writer.writerow([*values.values(), *(f"{score:.5g}" for score in scores)])


if __name__ == "__main__":
    main()
