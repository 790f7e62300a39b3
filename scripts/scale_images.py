"""Many labelled images: what reading, checking and drawing batches of them takes."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CLASSES = 10
BATCH = 32
VAL_SHARE = 0.1
MOST_LINKS = 50_000
"""Names of one file: file systems allow some more."""
FOLDER_SIZE = 1000
"""Images of one folder: file systems slow down with more."""


def make(root: Path, count: int) -> None:
    """`count` training images of 28 x 28 and a tenth as many for validation, no two files alike."""
    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    pictures = [cv2.imencode(".png", rng.integers(0, 256, (28, 28, 3), np.uint8))[1].tobytes() for _ in range(CLASSES)]

    def write(path: Path, number: int) -> None:
        # What follows a PNG's end is read by nobody, and makes the file another one.
        path.write_bytes(pictures[number % CLASSES] + number.to_bytes(8, "big"))

    _labelled(root, count, write)


def make_links(root: Path, count: int) -> None:
    """As `make`, the files links of few: a million of their own take hours to make and hash."""

    def link(path: Path, number: int) -> None:
        source = root / f"source{number // MOST_LINKS}"
        if number % MOST_LINKS == 0:
            source.write_bytes(number.to_bytes(8, "big"))
            # A file that has just changed is hashed again.
            os.utime(source, (1e9, 1e9))
        os.link(source, path)

    _labelled(root, count, link)


def _labelled(root: Path, count: int, put: Callable[[Path, int], None]) -> None:
    """Label files of images that `put` puts there, each by its number."""
    lines = []
    for number in range(count + max(int(VAL_SHARE * count), CLASSES)):
        name = f"images/{number // FOLDER_SIZE:04d}/{number:07d}.png"
        if number % FOLDER_SIZE == 0:
            (root / name).parent.mkdir(parents=True)
        put(root / name, number)
        lines.append(f"{name} {number % CLASSES}\n")
    (root / "train.txt").write_text("".join(lines[:count]))
    (root / "val.txt").write_text("".join(lines[count:]))
    (root / "label.txt").write_text("".join(f"{number} class{number}\n" for number in range(CLASSES)))


def _check_room(root: Path) -> tuple[Any, Any, Callable[[], tuple[Any, Any]]]:
    """The room, its options, and the check as commands make it."""
    from plx_train.contract.dataset_options import DatasetOptions
    from plx_train.contract.rooms import load_room
    from plx_train.ground.cycles import seldom_searched

    room, dataset_options = load_room("image_cls"), DatasetOptions(root=str(root))
    options = room.options(network="PP-LCNet_x0_25", size=[28, 28], resize_short=None)

    @seldom_searched()
    def check() -> tuple[Any, Any]:
        data = room.read(dataset_options, options)
        processor = room.fit(data, dataset_options, options, None)
        return processor, room.check(data, processor, dataset_options, options)

    return room, options, check


def remember(root: Path) -> None:
    """Has the cache hold what the first check finds where no two files are alike, without opening one."""
    from plx_train.data import fingerprint
    from plx_train.vision import check

    fingerprint.sha256 = lambda path: hashlib.sha256(str(path).encode()).hexdigest()
    check._look = lambda sample, **_: check.Look(sample, (28, 28))
    _check_room(root)[2]()


def measure_known(root: Path) -> dict[str, float]:
    """Seconds of the check of what is known, and the most memory held, in MB."""
    found = {"memory before": _peak()}
    check = _check_room(root)[2]
    began, busy = time.perf_counter(), time.process_time()
    check()
    found |= {"check, known": time.perf_counter() - began, "processor time": time.process_time() - busy}
    return found | {"memory after check": _peak()}


def measure(root: Path) -> dict[str, float]:
    """Seconds of each step from label files to the first batch, and the most memory held, in MB."""
    import numpy as np

    from plx_train.data.loader import Loader, Sampler
    from plx_train.vision.samples import ImageDataset
    from plx_train.vision.views import Views

    _, options, check = _check_room(root)
    found: dict[str, float] = {"memory before": _peak()}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = work()
        found[name] = time.perf_counter() - began
        return result

    timed("check, first time", check)
    processor, checked = timed("check, known", check)
    found["memory after check"] = _peak()
    train, _ = timed("hold out a tenth", lambda: checked.hold_out(checked.train, 0.1, 0))
    change = Views(options.augment, processor, np.asarray)
    dataset = timed("dataset", lambda: ImageDataset(train, processor, change))
    sampler = Sampler(len(dataset), BATCH, seed=0)
    timed("order of an epoch", lambda: sampler.order(0))
    loader = Loader(dataset, sampler, lambda samples: {"number": len(samples)})
    timed("first batch", lambda: next(loader.epoch(0)))
    timed("batch in the middle", lambda: next(loader.epoch(0, sampler.batches_per_epoch // 2)))
    found["memory at the end"] = _peak()
    return found


def orders(counts: list[int]) -> None:
    """What the order alone takes, of samples that are nowhere."""
    from plx_train.data.loader import Sampler

    for count in counts:
        sampler = Sampler(count, BATCH, seed=0)
        for name, cursor in (("first", 0), ("last", sampler.batches_per_epoch - 1)):
            began = time.perf_counter()
            next(sampler.batches(1, cursor))
            print(f"{count:>10} samples, {name:5} batch of an epoch: {1000 * (time.perf_counter() - began):8.1f} ms")


def _peak() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


PARTS = {"measure": measure, "remember": remember, "known": measure_known}

if __name__ == "__main__":
    os.environ["PLX_TRAIN_CACHE"] = f"{sys.argv[2]}/cache"
    print(json.dumps(PARTS[sys.argv[1]](Path(sys.argv[2]))))
