#!/usr/bin/env python3
"""PaddleOCR's trainer and ours in turn, on the same network, batch, crop and pages; prints a table of ratios.

python3 -m venv .venv-paddleocr
.venv-paddleocr/bin/pip install paddleocr==2.10.0 paddlepaddle==3.3.1 'numpy<2.3'
python scripts/bench_training.py --checkout PaddleOCR --peer .venv-paddleocr/bin/python

The package brings what the trainer needs installed but not the trainer itself, which is taken from a clone; figures are
of commit 6d2110b (June 2026). Each round starts every trainer once, as a process of its own with one thread, and times
the steps after the first two from the trainer's own record: data, step, log and tracking included. Without --checkout
ours are compared alone. Ends with 1 if a trainer fails.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "datasets" / "pages"
WARM_UP = 2
PEER_LINE = re.compile(r"global_step: (\d+),.* avg_batch_cost: ([\d.]+) s, avg_samples: ([\d.]+)")
PEER = "PaddleOCR"
SCRATCH = ("module.loss.threshold_weight=10", "weights=null")
VARIANTS = {
    "ours, native, multi-branch": ("device.conv_backend=native", "module.merged=false", *SCRATCH),
    "ours, oneDNN, multi-branch": ("device.conv_backend=onednn", "module.merged=false", *SCRATCH),
    "ours, native, merged": ("device.conv_backend=native", "module.merged=true", *SCRATCH),
    "ours, oneDNN, merged": ("device.conv_backend=onednn", "module.merged=true", *SCRATCH),
    "ours, oneDNN, as the recipe": ("device.conv_backend=onednn",),
    "ours, oneDNN in bf16, as the recipe": ("device.conv_backend=onednn", "device.conv_precision=bf16"),
}
"""Overrides of each; the recipe merges the branches, keeps batch statistics and leaves out the threshold branch."""


@dataclass(frozen=True)
class Setting:
    """What all trainers get."""

    batch: int
    side: int
    steps: int
    threads: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--peer", type=Path, help="the Python of an environment with PaddleOCR's trainer; none: ours alone"
    )
    parser.add_argument("--checkout", type=Path, help="a clone of PaddleOCR; default: the package of that environment")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="timed in each start")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--side", type=int, default=320)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="parts of the names of our variants")
    given = parser.parse_args()
    setting = Setting(given.batch, given.side, given.steps, given.threads)
    chosen = [name for name in VARIANTS if not given.only or any(part in name for part in given.only)]
    times: dict[str, list[float]] = {name: [] for name in ([PEER] if given.checkout else []) + chosen}
    for number in range(given.rounds):
        for name, found in times.items():
            steps = peer_steps(given.peer, given.checkout, setting) if name == PEER else our_steps(name, setting)
            found.append(statistics.median(steps))
            print(f"round {number + 1}  {name:38} {found[-1]:8.3f} s/step", file=sys.stderr)
    print(table(times, setting.batch))


def table(times: dict[str, list[float]], batch: int) -> str:
    """Seconds a step, images a second and the ratio to the first, by round; medians and what they range over."""
    first = next(iter(times.values()))
    rows = [f"| trainer | s/step | images/s | {next(iter(times))} takes | of rounds |", "|---|---|---|---|---|"]
    for name, found in times.items():
        ratios = [slow / fast for slow, fast in zip(first, found, strict=True)]
        step = statistics.median(found)
        spread = f"×{min(ratios):.2f} to ×{max(ratios):.2f}"
        rows.append(f"| {name} | {step:.3f} | {batch / step:.2f} | ×{statistics.median(ratios):.2f} | {spread} |")
    return "\n".join(rows)


def our_steps(name: str, setting: Setting) -> list[float]:
    """Seconds of each timed step of a run of ours, from the times at which it logged them."""
    with tempfile.TemporaryDirectory() as folder:
        uri = f"sqlite:///{folder}/mlflow.db"
        steps = WARM_UP + setting.steps
        arguments = [
            *("module=text_det", "device=cpu", f"device.threads={setting.threads}", f"output={folder}/run"),
            *(f"trainer.batch_size={setting.batch}", f"module.crop_size=[{setting.side},{setting.side}]"),
            *(f"trainer.max_steps={steps}", "trainer.log_every_steps=1", "trainer.eval_every_epochs=null"),
            # What is not timed is kept short.
            *("module.limit_side_len=320", "module.calibrate=false", "dataset.holdout_share=0.0", "dataset.limit=16"),
            *(f"tracking.uri={uri}", "quiet=true", *VARIANTS[name]),
        ]
        done = call([sys.executable, "-m", "plx_train", *arguments], setting)
        facts = json.loads((Path(folder) / "run" / "run.json").read_text("utf-8"))
        from mlflow import MlflowClient

        points = MlflowClient(uri).get_metric_history(facts["run_id"], "train/loss")
    # What few steps from scratch leave may fail the proof of its export, which comes after what is timed.
    if len(points) < steps:
        fail(done)
    ends = [point.timestamp for point in sorted(points, key=lambda point: point.step)]
    return [(after - before) / 1000 for before, after in zip(ends[WARM_UP - 1 :], ends[WARM_UP:], strict=False)]


def peer_steps(python: Path, checkout: Path, setting: Setting) -> list[float]:
    """Seconds of each timed step of PaddleOCR's trainer, as it prints them."""
    with tempfile.TemporaryDirectory() as folder:
        lines = (PAGES / "train.txt").read_text("utf-8").splitlines()[:16]
        needed = (WARM_UP + setting.steps) * setting.batch
        label = Path(folder) / "train.txt"
        label.write_text("\n".join((lines * (needed // len(lines) + 1))[:needed]) + "\n", "utf-8")
        config = Path(folder) / "config.yml"
        # JSON is YAML.
        config.write_text(json.dumps(peer_config(label, Path(folder), setting)), "utf-8")
        done = call([str(python), str(checkout / "tools" / "train.py"), "-c", str(config)], setting)
    found = {int(step): float(seconds) for step, seconds, _ in PEER_LINE.findall(done.stdout + done.stderr)}
    if done.returncode or len(found) < WARM_UP + setting.steps:
        fail(done)
    return [found[step] for step in sorted(found)][WARM_UP:]


def peer_config(label: Path, folder: Path, setting: Setting) -> dict[str, Any]:
    """PP-OCRv4's mobile detection as PaddleOCR publishes it, on the CPU, with our batch, crop and pages."""
    size = [setting.side, setting.side]
    colours = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "scale": "1./255.", "order": "hwc"}
    shapes = [{"type": "Affine", "args": {"rotate": [-10, 10]}}, {"type": "Resize", "args": {"size": [0.5, 3]}}]
    kernels = {"shrink_ratio": 0.4, "total_epoch": 1}
    keys = ["image", "threshold_map", "threshold_mask", "shrink_map", "shrink_mask"]
    first: list[dict[str, Any]] = [
        {"DecodeImage": {"img_mode": "BGR", "channel_first": False}},
        {"DetLabelEncode": None},
    ]
    last: list[dict[str, Any]] = [{"NormalizeImage": colours}, {"ToCHWImage": None}]
    augment: list[dict[str, Any]] = [
        {"IaaAugment": {"augmenter_args": shapes}},
        {"EastRandomCropData": {"size": size, "max_tries": 50, "keep_ratio": True}},
        {"MakeBorderMap": {**kernels, "thresh_min": 0.3, "thresh_max": 0.7}},
        {"MakeShrinkMap": {**kernels, "min_text_size": 8}},
    ]
    data = {"name": "SimpleDataSet", "data_dir": str(PAGES), "label_file_list": [str(label)], "ratio_list": [1.0]}
    train = {**data, "transforms": [*first, *augment, *last, {"KeepKeys": {"keep_keys": keys}}]}
    seen = {"KeepKeys": {"keep_keys": ["image", "shape", "polys", "ignore_tags"]}}
    evaluated = {**data, "transforms": [*first, {"DetResizeForTest": None}, *last, seen]}
    return {
        "Global": {
            "use_gpu": False,
            "distributed": False,
            "debug": False,
            "use_visualdl": False,
            "epoch_num": 1,
            "log_smooth_window": 1,
            "print_batch_step": 1,
            "save_epoch_step": 99,
            "eval_batch_step": [99999, 99999],
            "cal_metric_during_train": False,
            "pretrained_model": None,
            "checkpoints": None,
            "save_model_dir": str(folder / "out"),
            "save_inference_dir": None,
            "use_xpu": False,
        },
        "Architecture": {
            "model_type": "det",
            "algorithm": "DB",
            "Transform": None,
            "Backbone": {"name": "PPLCNetV3", "scale": 0.75, "det": True},
            "Neck": {"name": "RSEFPN", "out_channels": 96, "shortcut": True},
            "Head": {"name": "DBHead", "k": 50, "fix_nan": True},
        },
        "Loss": {
            "name": "DBLoss",
            "balance_loss": True,
            "main_loss_type": "DiceLoss",
            "alpha": 5,
            "beta": 10,
            "ohem_ratio": 3,
        },
        "Optimizer": {
            "name": "Adam",
            "beta1": 0.9,
            "beta2": 0.999,
            "regularizer": {"name": "L2", "factor": 5e-5},
            "lr": {"name": "Cosine", "learning_rate": 0.001, "warmup_epoch": 0},
        },
        "PostProcess": {"name": "DBPostProcess", "thresh": 0.3, "box_thresh": 0.6, "max_candidates": 1000},
        "Metric": {"name": "DetMetric", "main_indicator": "hmean"},
        "Train": {"dataset": train, "loader": loader(setting.batch)},
        "Eval": {"dataset": evaluated, "loader": loader(1)},
    }


def loader(batch: int) -> dict[str, Any]:
    """One worker process, as ours has."""
    return {
        "shuffle": True,
        "drop_last": False,
        "batch_size_per_card": batch,
        "num_workers": 1,
        "use_shared_memory": True,
    }


def call(command: Sequence[str], setting: Setting) -> subprocess.CompletedProcess[str]:
    """Runs a trainer with as many threads as all get."""
    environment = {
        **os.environ,
        **{name: str(setting.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")},
        "NO_ALBUMENTATIONS_UPDATE": "1",
    }
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def fail(done: subprocess.CompletedProcess[str]) -> None:
    """Ends this program with what a trainer said."""
    sys.exit(f"{' '.join(map(str, done.args))} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")


if __name__ == "__main__":
    main()
