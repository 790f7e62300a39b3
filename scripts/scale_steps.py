"""Training steps: what they take by image size, batch, number of classes and number of processes."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NETWORK = "PP-LCNet_x0_25"
SIZES = ((32, 16, 10), (64, 16, 10), (128, 16, 10), (64, 4, 10), (64, 64, 10), (64, 16, 1000), (64, 16, 10_000))
"""(pixels of a side, batch, classes)"""
WARM_UP, STEPS = 2, 6
EXCHANGED = (100_000, 1_000_000, 10_000_000)
"""float32 numbers of an exchange."""
BYTES = 4


def step(side: int, batch: int, classes: int) -> tuple[float, int]:
    """Median seconds of an optimizer step on images of noise, and the network's number of weights."""
    import numpy as np
    import paddle

    from plx_train.config.training_options import OptimizerOptions
    from plx_train.contract.rooms import load_room
    from plx_train.contract.sample import Sample
    from plx_train.train.learner import Learner

    room = load_room("image_cls")
    make_processor: Any = room.processor
    processor = make_processor(labels=tuple(map(str, range(classes))), size=(side, side))
    with paddle.utils.unique_name.guard():
        module = room.build(room.options(network=NETWORK), processor, None, is_fine_tuning=False)
        learner = Learner(module, OptimizerOptions(), 0.99, "fp32", Path())
    module.train_mode()
    rng = np.random.default_rng(0)
    targets = np.zeros((batch, classes), np.float32)
    targets[np.arange(batch), np.arange(batch) % classes] = 1
    samples = [Sample(rng.integers(0, 256, (side, side, 3), np.uint8), None, target, "noise") for target in targets]
    drawn = module.collate(samples)
    seconds = []
    for number in range(WARM_UP + STEPS):
        began = time.perf_counter()
        learner.update([drawn], 1e-3, number)
        seconds.append(time.perf_counter() - began)
    weights = sum(int(parameter.size) for parameter in module.network.parameters())
    return statistics.median(seconds[WARM_UP:]), weights


def steps() -> None:
    """Prints the table of `SIZES`."""
    for side, batch, classes in SIZES:
        seconds, weights = step(side, batch, classes)
        print(
            f"{side:4} px  batch {batch:3}  {classes:6} classes  {weights / 1e6:6.2f} M weights  "
            f"{1000 * seconds:8.1f} ms a step  {1000 * seconds / batch:7.2f} ms an image",
            flush=True,
        )


def exchanges(folder: Path) -> None:
    """Two processes on this machine sum numbers over gloo: seconds by size."""
    from plx_train.config.options import DeviceOptions
    from plx_train.distributed.launch import launch

    job = folder / "exchange.json"
    job.write_text(json.dumps({"sizes": EXCHANGED}))
    worker = (str(Path(__file__).resolve()),)
    launch([str(job)], DeviceOptions(type="cpu", processes=2), folder / "ranks", print, print, worker=worker)


def _measured(sizes: list[int]) -> Iterator[tuple[int, float]]:
    import paddle

    from plx_train.distributed import ranks

    for size in sizes:
        tensor = paddle.ones([size])
        ranks.sum_in_place([tensor])
        seconds = []
        for _ in range(STEPS):
            ranks.meet(f"exchange {size}")
            began = time.perf_counter()
            ranks.sum_in_place([tensor])
            seconds.append(time.perf_counter() - began)
        yield size, statistics.median(seconds)


def main() -> None:
    from plx_train.distributed import ranks

    ranks.connect()
    for size, seconds in _measured(json.loads(Path(sys.argv[1]).read_text())["sizes"]):
        if ranks.rank() == 0:
            rate = size * BYTES / seconds / 1e6
            print(
                f"{size:>10} numbers  {size * BYTES / 1e6:6.1f} MB  {1000 * seconds:8.1f} ms  {rate:6.0f} MB/s",
                flush=True,
            )


if __name__ == "__main__":
    main()
