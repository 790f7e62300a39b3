"""PaddleOCR's trainer of text detection; figures are of commit 6d2110b (June 2026).

git clone https://github.com/PaddlePaddle/PaddleOCR
python3 -m venv .venv-paddleocr
.venv-paddleocr/bin/pip install paddleocr==2.10.0 paddlepaddle==3.3.1 'numpy<2.3'
python scripts/bench_training.py --peer paddleocr --checkout PaddleOCR --python .venv-paddleocr/bin/python

The package brings what the trainer needs installed but not the trainer itself, which is taken from a clone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training_peers.peer import DATASETS, Peer, Setting

PAGES = DATASETS / "pages"
SCRATCH = ("module.loss.threshold_weight=10", "weights=null")
VARIANTS = {
    "ours, native, multi-branch": ("device.conv_backend=native", "module.merged=false", *SCRATCH),
    "ours, oneDNN, multi-branch": ("device.conv_backend=onednn", "module.merged=false", *SCRATCH),
    "ours, native, merged": ("device.conv_backend=native", "module.merged=true", *SCRATCH),
    "ours, oneDNN, merged": ("device.conv_backend=onednn", "module.merged=true", *SCRATCH),
    "ours, oneDNN, as the recipe": ("device.conv_backend=onednn",),
    "ours, oneDNN in bf16, as the recipe": ("device.conv_backend=onednn", "device.conv_precision=bf16"),
}
"""The recipe merges the branches, keeps batch statistics and leaves out the threshold branch."""


def _overrides(setting: Setting) -> Sequence[str]:
    width, height = setting.size
    return (
        "module=text_det",
        f"module.crop_size=[{width},{height}]",
        # What is not timed is kept short.
        *("module.limit_side_len=320", "module.calibrate=false", "dataset.holdout_share=0.0", "dataset.limit=16"),
    )


def _config(folder: Path, _checkout: Path, setting: Setting) -> Path:
    lines = (PAGES / "train.txt").read_text("utf-8").splitlines()[:16]
    label = folder / "train.txt"
    label.write_text("\n".join((lines * (setting.num_images // len(lines) + 1))[: setting.num_images]) + "\n", "utf-8")
    config = folder / "config.yml"
    # JSON is YAML.
    config.write_text(json.dumps(_settings(label, folder, setting)), "utf-8")
    return config


def _settings(label: Path, folder: Path, setting: Setting) -> dict[str, Any]:
    """PP-OCRv4's mobile detection as PaddleOCR publishes it, on the CPU, with our batch, crop and pages."""
    size = list(setting.size)
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
        "Train": {"dataset": train, "loader": _loader(setting.batch)},
        "Eval": {"dataset": evaluated, "loader": _loader(1)},
    }


def _loader(batch: int) -> dict[str, Any]:
    """One worker process, as ours has."""
    return {
        "shuffle": True,
        "drop_last": False,
        "batch_size_per_card": batch,
        "num_workers": 1,
        "use_shared_memory": True,
    }


PADDLEOCR = Peer(
    name="PaddleOCR",
    size=(320, 320),
    overrides=_overrides,
    variants=VARIANTS,
    config=_config,
    line=re.compile(r"global_step: (\d+),.* avg_batch_cost: ([\d.]+) s"),
)
