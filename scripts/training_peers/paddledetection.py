"""PaddleDetection's trainer of the layout network; figures are of commit 666f597 (October 2024).

git clone https://github.com/PaddlePaddle/PaddleDetection
python3 -m venv .venv-paddledetection
.venv-paddledetection/bin/pip install paddlepaddle==3.3.1 'numpy<2' imgaug==0.4.0 opencv-python-headless==4.10.0.84 \
    pycocotools scikit-learn pandas scipy shapely motmetrics lap typeguard terminaltables requests tqdm pyyaml \
    matplotlib pyclipper visualdl setuptools
python scripts/bench_training.py --peer paddledetection --checkout PaddleDetection \
    --python .venv-paddledetection/bin/python

Its published recipe of that network, with our batch and pages and one size of images; both begin from nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training_peers.peer import DATASETS, Peer, Setting

LAYOUT = DATASETS / "layout"
RECIPE = "configs/picodet/legacy_model/application/layout_analysis/picodet_lcnet_x1_0_layout.yml"
VARIANTS = {
    "ours, native": ("device.conv_backend=native", "module.freeze_norm=false"),
    "ours, oneDNN": ("device.conv_backend=onednn", "module.freeze_norm=false"),
    "ours, oneDNN, as the recipe": ("device.conv_backend=onednn", "module.freeze_norm=true"),
}
"""The recipe keeps the statistics of the weights that it begins with."""


def _overrides(setting: Setting) -> Sequence[str]:
    width, height = setting.size
    return (
        *("module=layout_det", "weights=null", f"module.size=[{width},{height}]"),
        # What is not timed is kept short.
        *("module.calibrate.thresholds=false", "dataset.holdout_share=0.0", f"dataset.limit={setting.num_images}"),
    )


def _config(folder: Path, checkout: Path, setting: Setting) -> Path:
    config = folder / "config.yml"
    # JSON is YAML.
    config.write_text(json.dumps(_settings(_annotations(folder, setting), folder, checkout, setting)), "utf-8")
    return config


def _annotations(folder: Path, setting: Setting) -> Path:
    """As many pages as the steps need, so that all are of one epoch."""
    content = json.loads((LAYOUT / "annotations" / "instance_train.json").read_text("utf-8"))
    content["images"] = content["images"][: setting.num_images]
    kept = {image["id"] for image in content["images"]}
    if len(kept) < setting.num_images:
        raise SystemExit(f"{setting.num_images} pages are needed, {len(kept)} are there: give fewer --steps")
    content["annotations"] = [
        {"area": row["bbox"][2] * row["bbox"][3], **row} for row in content["annotations"] if row["image_id"] in kept
    ]
    path = folder / "train.json"
    path.write_text(json.dumps(content), "utf-8")
    return path


def _settings(annotations: Path, folder: Path, checkout: Path, setting: Setting) -> dict[str, Any]:
    width, height = setting.size
    data = {
        "name": "COCODataSet",
        "dataset_dir": str(LAYOUT),
        "image_dir": "images",
        "anno_path": str(annotations),
        "data_fields": ["image", "gt_bbox", "gt_class", "is_crowd"],
    }
    resize = {"target_size": [[height, width]], "random_size": True, "random_interp": True, "keep_ratio": False}
    colours = {"is_scale": True, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    return {
        "_BASE_": [str((checkout / RECIPE).resolve())],
        "use_gpu": False,
        "pretrain_weights": None,
        "log_iter": 1,
        "epoch": 1,
        "snapshot_epoch": 99,
        "save_dir": str(folder / "out"),
        "worker_num": 1,
        "num_classes": 9,
        "TrainDataset": data,
        "TrainReader": {
            "sample_transforms": [{"Decode": {}}, {"RandomCrop": {}}, {"RandomFlip": {}}, {"RandomDistort": {}}],
            "batch_transforms": [{"BatchRandomResize": resize}, {"NormalizeImage": colours}, {"Permute": {}}],
            "batch_size": setting.batch,
            "shuffle": True,
            "drop_last": True,
            "collate_batch": False,
        },
    }


PADDLEDETECTION = Peer(
    name="PaddleDetection",
    size=(608, 800),
    overrides=_overrides,
    variants=VARIANTS,
    config=_config,
    line=re.compile(r"Epoch: \[0\] \[ *(\d+)/\d+\].* batch_cost: ([\d.]+)"),
)
