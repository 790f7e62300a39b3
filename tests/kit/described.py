"""A detector and a classifier of several labels with random weights, exported, for pipelines of attributes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kit.checked_rooms import built
from plx_train.export.write import write_export

ATTRIBUTES = ("hat", "coat", "bag")
SIDE = 64


def export_detector(folder: Path, labels: tuple[str, ...] = ("person",), **more: Any) -> str:
    """Finds boxes in anything, which say nothing.

    Args:
        more: facts of its processing.
    """
    import paddle

    paddle.seed(1)
    options = {"network": "PicoDet-XS", "size": [SIDE, SIDE]}
    facts = {"labels": labels, "size": (SIDE, SIDE), "thresholds": (0.5,) * len(labels), **more}
    module = built("object_det", options, **facts)
    for name, tensor in module.network.state_dict().items():
        if name.startswith("head.head_cls") and name.endswith("bias"):
            tensor.set_value(np.ones(tensor.shape, np.float32))
        if name.startswith("head.head_") and name.endswith("weight"):
            tensor.set_value(tensor.numpy() * 50)
    _wake(module, SIDE)
    return _exported(module, folder, "PicoDet-XS")


def export_attributes(folder: Path) -> str:
    """Says of some pictures that labels hold."""
    import paddle

    paddle.seed(3)
    options = {"network": "PP-LCNet_x0_25", "size": [32, 32]}
    module = built("image_mlcls", options, labels=ATTRIBUTES, size=(32, 32), thresholds=(0.5, 0.4, 0.6))
    _wake(module, 32)
    return _exported(module, folder, "PP-LCNet_x1_0_ML")


def _wake(module: Any, side: int) -> None:
    """Gives batch norms the statistics of noise: with those that they begin with, nothing of an image comes through."""
    import paddle

    module.network.train()
    for _ in range(30):
        module.network(paddle.randn([4, 3, side, side]))


def _exported(module: Any, folder: Path, model_name: str) -> str:
    module.eval_mode()
    folder.mkdir(parents=True)
    write_export(module, module.processor, folder, model_name, {})
    return str(folder)


def street() -> np.ndarray:
    """A picture to look at, uint8 (120, 160, 3) BGR."""
    image = np.random.default_rng(0).integers(0, 90, (120, 160, 3), np.uint8)
    image[20:100, 30:70] = (40, 160, 220)
    image[40:110, 100:140] = (200, 60, 60)
    return image
