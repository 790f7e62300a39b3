"""How long does a training step of PP-LiteSeg take here, and in PaddleSeg?

    python scripts/bench_segmentation.py PaddleSeg .venv-paddleseg/bin/python [NETWORK [BATCH [SIDE]]]

Both learn the same random images, each in its own environment (as for check_segmentation_parity.py) and on one thread:
forward, hard-pixel cross entropy of all maps, backward, momentum. Prints the processor's seconds a step, median of four
steps after the first, three times in turn; what else the machine does hardly counts in them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

NUM_CLASSES, HARD, KEPT = 19, 0.9, 1 / 16
STEPS, TURNS = 5, 3


def measured(side: str, name: str, batch: int, size: int) -> float:
    """Median seconds of a step."""
    import paddle

    rng = np.random.default_rng(0)
    x = paddle.to_tensor(rng.normal(0, 1, (batch, 3, size, size)).astype(np.float32))
    target = paddle.to_tensor(rng.integers(0, NUM_CLASSES, (batch, size, size)))
    network, criterion = (theirs if side == "theirs" else ours)(name, int(batch * size * size * KEPT))
    optimizer = paddle.optimizer.Momentum(0.005, 0.9, parameters=network.parameters(), weight_decay=5e-4)
    network.train()
    seconds = []
    for _ in range(STEPS):
        started = time.process_time()
        criterion(network(x), target).backward()
        optimizer.step()
        optimizer.clear_grad()
        seconds.append(time.process_time() - started)
    return statistics.median(seconds[1:])


def ours(name: str, least: int) -> tuple[Any, Callable[[Any, Any], Any]]:
    """Network and loss, with convolutions by oneDNN as in a run on a CPU."""
    from plx_train.nn.segmentation.losses import LossParts, segmentation_loss
    from plx_train.nn.segmentation.networks import build_segmenter
    from plx_train.onednn.seam import exchange

    exchange("fp32")
    parts = LossParts(HARD, KEPT)
    return build_segmenter(name, NUM_CLASSES), lambda maps, target: segmentation_loss(maps, target, parts)["loss"]


def theirs(name: str, least: int) -> tuple[Any, Callable[[Any, Any], Any]]:
    """PaddleSeg's network and loss."""
    from check_segmentation_parity import LITE
    from paddleseg.models import backbones
    from paddleseg.models.losses import OhemCrossEntropyLoss
    from paddleseg.models.pp_liteseg import PPLiteSeg

    backbone, fused, inner = LITE[name]
    network = PPLiteSeg(NUM_CLASSES, getattr(backbones, backbone)(), arm_out_chs=fused, seg_head_inter_chs=inner)
    entropy = OhemCrossEntropyLoss(HARD, least)
    return network, lambda maps, target: sum(entropy(each, target) for each in maps)


def main() -> None:
    """Runs both sides in turn."""
    if sys.argv[1] == "--side":
        print("seconds", measured(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
        return
    source, python, *given = sys.argv[1:]
    settings = [*given, *("PP-LiteSeg-T", "4", "256")[len(given) :]]
    found: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(TURNS):
        for side, interpreter in (("ours", sys.executable), ("theirs", python)):
            here = Path(__file__).resolve().parents[1] if side == "ours" else Path(source).resolve()
            environment = {**os.environ, "PYTHONPATH": str(here), "OMP_NUM_THREADS": "1"}
            command = [interpreter, str(Path(__file__).resolve()), "--side", side, *settings]
            said = subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout
            found[side].append(float(said.rpartition("seconds")[2]))
    for side, values in found.items():
        print(f"{side:7} {statistics.mean(values):.3f} s a step ({min(values):.3f} to {max(values):.3f})")
    print(f"{statistics.mean(found['theirs']) / statistics.mean(found['ours']):.2f} times as fast")


if __name__ == "__main__":
    main()
