#!/usr/bin/env python3
"""What a training step gains by a second thread: steps of a recipe by one and by two threads, in turn in one process.

OMP_NUM_THREADS=1 python scripts/bench_threads.py                            # image_cls, text_rec, text_det
OMP_NUM_THREADS=1 python scripts/bench_threads.py text_det --threads 1 2 4   # each against the first

The batch is the recipe's first one, made before; networks begin as a fine-tuning does, but with weights at random.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

ROOMS = ("image_cls", "text_rec", "text_det")
WARM_UP = 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", default=list(ROOMS))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=4)
    given = parser.parse_args()
    from plx_train.onednn.choice import choose_convolutions

    print(choose_convolutions("auto", "fp32", is_cpu=True).sentence)
    print("| recipe | threads | s a step, median | quickest | gain | of the quickest |\n|---|---|---|---|---|---|")
    for room in given.rooms:
        found = in_turn(steps_of(room), given.threads, given.rounds)
        one = found[given.threads[0]]
        for threads, seconds in found.items():
            gain, least = statistics.median(one) / statistics.median(seconds), min(one) / min(seconds)
            figures = f"{statistics.median(seconds):.3f} | {min(seconds):.3f} | ×{gain:.2f} | ×{least:.2f}"
            print(f"| {room} | {threads} | {figures} |", flush=True)


def steps_of(room: str) -> Callable[[], object]:
    """What takes one step of a recipe, on the same batch each time."""
    import paddle
    from recipe_data import recipe

    from plx_train.data.loader import Loader, Sampler
    from plx_train.train.learner import Learner
    from plx_train.train.optimizer import learning_rate

    options, data = recipe([f"module={room}", "device=cpu"])
    with paddle.utils.unique_name.guard():
        module: Any = data.build(options, True)
        learner = Learner(module, options.optimizer, options.trainer.ema_decay, "fp32", Path())
    module.train_mode()
    dataset = module.dataset(data.split(options).train, "train", 0)
    sampler = Sampler(len(dataset), options.trainer.batch_size, 1, groups=dataset.groups())
    batch = next(Loader(dataset, sampler, module.collate).epoch(0))
    return partial(learner.update, [batch], learning_rate(options.optimizer, 0.5), 0)


def in_turn(step: Callable[[], object], threads: list[int], rounds: int) -> dict[int, list[float]]:
    """Seconds of a step by each number of threads, the rounds that warm up left out."""
    from plx_train.onednn.crew import gather

    seconds: dict[int, list[float]] = {number: [] for number in threads}
    for _ in range(WARM_UP + rounds):
        for number in threads:
            gather(number)
            began = time.perf_counter()
            step()
            seconds[number].append(time.perf_counter() - began)
    gather(1)
    return {number: measured[WARM_UP:] for number, measured in seconds.items()}


if __name__ == "__main__":
    main()
