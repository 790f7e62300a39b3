#!/usr/bin/env python
"""How many training samples a second of one core gives, and where it goes; another checkout by PYTHONPATH.

python scripts/bench_loader.py                        # every room: alone, with two workers, and by stage
python scripts/bench_loader.py text_rec --digest      # a fingerprint of the first batches: equal where nothing changed
python scripts/bench_loader.py --transfer             # from a worker to here: milliseconds and bytes of a batch
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import importlib
import itertools
import pickle
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import psutil
from recipe_data import recipe

from plx_train.data.loader import Loader, Sampler, _sample
from plx_train.data.worker_pool import WorkerPool

ROOMS = {
    "text_det": ["trainer.batch_size=2"],
    "text_det wide": ["trainer.batch_size=8", "module.crop_size=[320,320]", "module.loss.threshold_weight=10"],
    "text_rec": ["trainer.batch_size=16", "module.dict=auto"],
    "image_cls": ["trainer.batch_size=32"],
    "ts_forecast": ["trainer.batch_size=32"],
    "ts_cls": ["trainer.batch_size=8"],
    "ts_anomaly": ["trainer.batch_size=32"],
}
STAGES = {
    "decode": ("plx_train.vision.image:read_bytes", "plx_train.vision.image:decode_image"),
    "augment": (
        "plx_train.modules.text_det.augment:TextDetAugment.crop",
        "plx_train.modules.text_rec.augment:ChangedCrops.change",
        "plx_train.vision.views:Views.change",
        "plx_train.vision.views:Views.mix",
    ),
    "targets": (
        "plx_train.modules.text_det.targets:TextDetTargets.make",
        "plx_train.modules.text_rec.processor:TextRecProcessor.encode",
    ),
}
ROUNDS, DIGESTED, BROUGHT = 3, 12, 150


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", default=list(ROOMS))
    parser.add_argument("--samples", type=int, default=600, help="of each measurement")
    parser.add_argument("--digest", action="store_true")
    parser.add_argument("--transfer", action="store_true")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    if given.digest:
        for room in given.rooms:
            print(f"{room:14s} {digest(room)}")
        return
    if given.transfer:
        for room in given.rooms:
            print(f"{room:14s} {transfer(room)}", flush=True)
        return
    stages = [*STAGES, "collate"]
    print("samples per second of processor time, and milliseconds a sample by stage")
    print(
        f"{'room':14s} {'cache':>5s} {'alone':>8s} {'2 workers':>9s} "
        + " ".join(f"{s:>8s}" for s in stages)
        + "    other"
    )
    for room, cache_mb in itertools.product(given.rooms, (0, 512)):
        alone = statistics.median(rate(room, cache_mb, 0, given.samples) for _ in range(ROUNDS))
        shared = statistics.median(rate(room, cache_mb, 2, given.samples) for _ in range(ROUNDS))
        spent = by_stage(room, cache_mb, given.samples)
        columns = " ".join(f"{spent[stage]:8.3f}" for stage in [*stages, "other"])
        print(f"{room:14s} {cache_mb:5d} {alone:8.1f} {shared:9.1f} {columns}", flush=True)


@functools.cache
def parts(room: str, cache_mb: int) -> tuple[Any, Any, int]:
    """The module, its training samples and the batch size."""
    options, data = recipe([f"module={room.split()[0]}", *ROOMS[room]])
    return data.build(options, True), data.split(options).train, options.trainer.batch_size


def make_loader(room: str, cache_mb: int, num_workers: int) -> Loader:
    module, samples, batch_size = parts(room, cache_mb)
    dataset = module.dataset(samples, "train", cache_mb)
    sampler = Sampler(len(dataset), batch_size, 0, groups=dataset.groups())
    return Loader(dataset, sampler, module.collate, num_workers)


def endless(loader: Loader) -> Iterator[Any]:
    return itertools.chain.from_iterable(loader.epoch(epoch) for epoch in itertools.count())


def rate(room: str, cache_mb: int, num_workers: int, num_samples: int) -> float:
    """Samples per second of processor time, that of workers counted in; caches are filled before."""
    loader = make_loader(room, cache_mb, num_workers)
    batches = endless(loader)
    # What was made ahead was paid for before: too little to matter.
    for batch in itertools.islice(batches, loader.sampler.batches_per_epoch * max(num_workers, 1)):
        assert batch
    count, started = -(-num_samples // loader.sampler.batch_size), processor_seconds()
    for batch in itertools.islice(batches, count):
        assert batch
    spent = processor_seconds() - started
    loader.close()
    return count * loader.sampler.batch_size / spent


def processor_seconds() -> float:
    children = psutil.Process().children(recursive=True)
    return time.process_time() + sum(sum(child.cpu_times()[:2]) for child in children)


def by_stage(room: str, cache_mb: int, num_samples: int) -> dict[str, float]:
    """Milliseconds a sample, in this process."""
    loader = make_loader(room, cache_mb, 0)
    spent: dict[str, float] = defaultdict(float)
    batches = endless(loader)
    for _ in range(loader.sampler.batches_per_epoch):
        next(batches)
    undo = [timed(place, stage, spent) for stage, places in STAGES.items() for place in places]
    loader.collate = clocked(loader.collate, "collate", spent)
    started, count = time.perf_counter(), 0
    while count < num_samples:
        next(batches)
        count += loader.sampler.batch_size
    spent["other"] = time.perf_counter() - started - sum(spent.values())
    for owner, name, former in undo:
        setattr(owner, name, former)
    return {stage: 1000 * seconds / count for stage, seconds in spent.items()}


def timed(place: str, stage: str, spent: dict[str, float]) -> tuple[Any, str, Any]:
    """Has what lies at `place` (module:name) add its seconds to `spent`; what is needed to undo it."""
    file, path = place.split(":")
    owner: Any = importlib.import_module(file)
    *outer, name = path.split(".")
    for each in outer:
        owner = getattr(owner, each)
    former = getattr(owner, name)
    setattr(owner, name, clocked(former, stage, spent))
    return owner, name, former


def clocked(function: Any, stage: str, spent: dict[str, float]) -> Any:
    @functools.wraps(function)
    def inner(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            spent[stage] += time.perf_counter() - started

    return inner


def transfer(room: str) -> str:
    """What it costs to bring a batch's samples from a worker, the making of them left out."""
    loader = make_loader(room, 0, 0)
    if loader._is_whole:
        return "views of what is in memory: nothing is brought"
    samples = [_sample(loader.dataset, *key) for key in next(loader.sampler.batches(0))]
    size = len(pickle.dumps(samples, protocol=5))
    pool = WorkerPool({0: samples}.get, 1)
    own, both = [], []
    for _ in range(ROUNDS):
        batches = pool.map([0] * BROUGHT)
        next(batches)
        before = time.process_time(), processor_seconds()
        for _ in batches:
            pass
        own.append((time.process_time() - before[0]) / (BROUGHT - 1))
        both.append((processor_seconds() - before[1]) / (BROUGHT - 1))
    pool.close()
    ours, all_ours = 1000 * statistics.median(own), 1000 * statistics.median(both)
    return f"{size / 2**20:6.2f} MiB  {ours:6.2f} ms here, {all_ours:6.2f} ms in both processes"


def digest(room: str) -> str:
    """Of the first batches' arrays, whatever makes them."""
    content = hashlib.sha256()
    loader = make_loader(room, 512, 0)
    for batch in itertools.islice(endless(loader), DIGESTED):
        for name in sorted(batch):
            value = batch[name]
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, np.ndarray):
                    content.update(f"{name} {part.dtype} {part.shape}".encode() + np.ascontiguousarray(part).tobytes())
    return content.hexdigest()[:16]


if __name__ == "__main__":
    main()
