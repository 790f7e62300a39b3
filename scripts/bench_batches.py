#!/usr/bin/env python3
"""What evaluation would gain by computing samples of one size together, and whether their bits stay.

OMP_NUM_THREADS=1 taskset -c 0 python scripts/bench_batches.py image_cls text_rec text_det object_det
OMP_NUM_THREADS=1 taskset -c 0 python scripts/bench_batches.py semantic_seg --option dataset.root=DATA --batch 2 8

The network as evaluation runs it, reading left out, on the first validation samples: one by one and in batches of equal
sizes, in turn. Weights are at random, which changes no time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="+")
    parser.add_argument("--option", action="append", default=[], help="of the run")
    parser.add_argument("--batch", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--samples", type=int, default=64, help="at most")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    from plx_train.onednn.choice import choose_convolutions

    print(choose_convolutions("auto", "fp32", is_cpu=True).sentence)
    print("| | samples, sizes | a batch | ms a sample, one by one | in batches | gain | of rounds | bits |")
    print("|---|---|---|---|---|---|---|---|")
    for room in given.rooms:
        module, samples = opened(room, given.option, given.samples)
        sizes = len({shape_of(sample) for sample in samples})
        for most in given.batch:
            ways = [[[sample] for sample in samples], list(of_one_size(samples, most))]
            alone, together = (forward(module, batches) for batches in ways)
            rounds = [[1000 * seconds(module, batches) / len(samples) for batches in ways] for _ in range(given.rounds)]
            one, many = (statistics.median(column) for column in zip(*rounds, strict=True))
            gains = sorted(first / second for first, second in rounds)
            means = len(samples) / len(ways[1])
            spread = f"×{gains[0]:.2f} to ×{gains[-1]:.2f}"
            print(
                f"| {room} | {len(samples)}, {sizes} | {most}, {means:.1f} in the mean | {one:.1f} | {many:.1f} "
                f"| ×{statistics.median(gains):.2f} | {spread} | {difference(alone, together)} |",
                flush=True,
            )


def opened(room: str, arguments: Sequence[str], most: int) -> tuple[Any, list[Any]]:
    """The module, ready to evaluate, and samples of its validation split, those of one size beside each other."""
    from recipe_data import recipe

    options, data = recipe([f"module={room}", "device=cpu", *arguments])
    module: Any = data.build(options, True)
    module.eval_mode()
    dataset = module.dataset(data.split(options).val, "val", 0)
    unused = np.random.default_rng(0)
    samples = [dataset.get(index, unused) for index in range(min(len(dataset), most))]
    return module, sorted(samples, key=shape_of)


def shape_of(sample: Any) -> tuple[Any, ...]:
    """What two samples share that can be stacked."""
    x = sample.x if isinstance(sample.x, tuple) else (sample.x,)
    return tuple(array.shape for array in x)


def of_one_size(samples: Sequence[Any], most: int) -> Iterator[list[Any]]:
    """`samples` in batches of one size, of so many at most."""
    groups: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for sample in samples:
        groups[shape_of(sample)].append(sample)
    for group in groups.values():
        yield from (group[start : start + most] for start in range(0, len(group), most))


def forward(module: Any, batches: Sequence[list[Any]]) -> list[list[np.ndarray]]:
    """All arrays that the network gives, batch by batch."""
    import paddle

    found = []
    with paddle.no_grad():
        for samples in batches:
            batch = module.collate_eval(samples)
            x = batch["x"]
            tensors = tuple(map(paddle.to_tensor, x)) if isinstance(x, tuple) else paddle.to_tensor(x)
            found.append([array.numpy() for array in _leaves(module.forward({**batch, "x": tensors}))])
    return found


def _leaves(outputs: Any) -> list[Any]:
    return [one for part in outputs for one in _leaves(part)] if isinstance(outputs, (list, tuple)) else [outputs]


def seconds(module: Any, batches: Sequence[list[Any]]) -> float:
    """Processor time that the network takes for all of them."""
    began = time.process_time()
    forward(module, batches)
    return time.process_time() - began


def difference(alone: list[list[np.ndarray]], together: list[list[np.ndarray]]) -> str:
    """How the numbers of samples differ that were computed together from those of each alone."""
    flat = [np.concatenate([part.ravel() for batch in found for part in batch[::1]]) for found in (alone, together)]
    one, other = (np.sort(values.astype(np.float64)) for values in flat)
    if one.shape != other.shape:
        return "other rows"
    if np.array_equal(one, other):
        return "the same"
    return f"differ by {np.abs(one - other).max() / np.abs(one).max():.0e}"


if __name__ == "__main__":
    main()
