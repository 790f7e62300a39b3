#!/usr/bin/env python3
"""Trains tiny networks for 10,000 steps with 200 evaluations, and says whether what a run holds stays as it was.

python scripts/long_run.py image_cls ts_forecast --picture docs/pictures/long_run.svg
python scripts/long_run.py ts_forecast --steps 1000 --evaluations 20 --every 0.1

The runs are those of the command, with loader processes, checkpoints and a store. Memory, descriptors and threads of
the trainer and of its loaders are read while it goes on. The first tenth warms up; what a line through the rest rises
by until the end is held against what it may. Ends with 1 if anything grew.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from plx_train.runs.folder import SPOOL_NAME  # noqa: E402

TINY = {
    "image_cls": (
        *("module.network=PP-LCNet_x0_25", "module.size=[32,32]", "weights=null", "dataset.limit=32"),
        *("trainer.batch_size=4", "device.num_workers=1"),
    ),
    "ts_forecast": ("trainer.patience=null",),
}
TAIL_BYTES = 1 << 16
MOST_ROWS = 300
"""Of the many that are read; a line through them takes each two of them."""
ALLOWED = {"trainer_mib": 16.0, "loaders_mib": 16.0, "descriptors": 1.0, "threads": 1.0, "processes": 0.5}
"""What each may be more by at the end than after the first tenth. 16 MiB are 1.8 KiB a step of 9,000."""


@dataclass(frozen=True)
class Row:
    """What a run held at a step; descriptors and threads are those of all its processes."""

    step: int
    seconds: float
    trainer_mib: float
    loaders_mib: float
    descriptors: int
    threads: int
    processes: int


@dataclass(frozen=True)
class Change:
    """A quantity after the first tenth of a run, at its end, and what a line through all between rises by."""

    name: str
    before: float
    after: float
    rise: float

    @property
    def is_flat(self) -> bool:
        """Whether it rises by no more than it may."""
        return self.rise <= ALLOWED[self.name]


def watched(room: str, folder: Path, steps: int, evaluations: int, every: float) -> list[Row]:
    """The rows of one run, read each `every` seconds from its first logged step to its last."""
    run = folder / room
    command = [
        *(sys.executable, "-m", "plx_train", f"module={room}", "device=cpu", *TINY[room], "seed=1", "quiet=true"),
        *("trainer.epochs=null", f"trainer.max_steps={steps}", "trainer.eval_every_epochs=null"),
        *(f"trainer.eval_every_steps={steps // evaluations}", f"output={run}"),
        f"tracking.uri=sqlite:///{folder}/{room}.db",
    ]
    log = folder / f"{room}.log"
    rows, began = [], time.monotonic()
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file)
        trainer = psutil.Process(process.pid)
        while process.poll() is None:
            time.sleep(every)
            step = last_step(run / SPOOL_NAME)
            row = held(trainer, step, time.monotonic() - began) if 0 < step < steps else None
            rows += [row] if row else []
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\n{log.read_text()[-2000:]}")
    print(f"{room}: {last_step(run / SPOOL_NAME)} steps, {num_evaluated(run / SPOOL_NAME)} evaluations", flush=True)
    return rows


def held(trainer: psutil.Process, step: int, seconds: float) -> Row | None:
    """What the processes of a run hold now; None where one of them has just ended."""
    try:
        loaders = trainer.children(recursive=True)
        mib = [one.memory_info().rss / 2**20 for one in (trainer, *loaders)]
        descriptors, threads = (
            sum(counted(one) for one in (trainer, *loaders))
            for counted in (psutil.Process.num_fds, psutil.Process.num_threads)
        )
    except psutil.Error:
        return None
    return Row(step, round(seconds, 1), round(mib[0], 2), round(sum(mib[1:]), 2), descriptors, threads, len(mib))


def last_step(spool: Path) -> int:
    """The newest step that a run has logged; 0 where there is none yet."""
    if not spool.exists():
        return 0
    with spool.open("rb") as file:
        file.seek(max(0, spool.stat().st_size - TAIL_BYTES))
        # The first line may be cut off, the last not be written yet; the machine's figures count otherwise.
        lines = [line for line in file.read().split(b"\n")[1:-1] if b'"train/loss"' in line]
    return int(json.loads(lines[-1])["step"]) if lines else 0


def num_evaluated(spool: Path) -> int:
    """Steps at which a run has evaluated, those before the first and after the last one among them."""
    return sum(b'"kind":"metrics"' in line and b'"val/' in line for line in spool.read_bytes().split(b"\n"))


def changes(rows: Sequence[Row], steps: int) -> list[Change]:
    """How each quantity went from the first tenth on; the line through it is Theil and Sen's, which no peak bends."""
    warm = [row for row in rows if row.step >= steps / 10]
    warm = warm[:: -(-len(warm) // MOST_ROWS)] if warm else []
    if len(warm) < 10:
        raise SystemExit(f"{len(warm)} rows are too few to draw a line through: read them more often by --every")
    end = max(len(warm) // 10, 1)
    found = []
    for name in ALLOWED:
        points = [(row.step, float(getattr(row, name))) for row in warm]
        slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in itertools.combinations(points, 2) if x2 > x1]
        before, after = (statistics.median(y for _, y in part) for part in (points[:end], points[-end:]))
        found.append(Change(name, before, after, statistics.median(slopes) * (points[-1][0] - points[0][0])))
    return found


def read_row(line: list[str]) -> Row:
    """A row from the words of a CSV file's line."""
    numbers: list[Any] = [float(word) if "." in word else int(word) for word in line]
    return Row(*numbers)


def kept(path: Path, make: Callable[[], list[Row]]) -> list[Row]:
    """The rows in a CSV file; made and written where there is none."""
    if not path.exists():
        rows = make()
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(one.name for one in fields(Row))
            writer.writerows(map(astuple, rows))
    with path.open(encoding="utf-8") as file:
        return [read_row(line) for line in list(csv.reader(file))[1:]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="+", choices=tuple(TINY))
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--every", type=float, default=0.5, help="seconds from one row to the next")
    parser.add_argument("--keep", type=Path, help="a folder where runs and rows stay; rows that are there are not made")
    parser.add_argument("--picture", type=Path, help="an SVG file to draw the rows into")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="long_run_") as temporary:
        folder = (given.keep or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        found = {
            room: kept(
                folder / f"{room}.csv",
                partial(watched, room, folder, given.steps, given.evaluations, given.every),
            )
            for room in given.rooms
        }
    has_grown = False
    for room, rows in found.items():
        print(f"\n| {room}, {len(rows)} rows | after a tenth | at the end | rises by | |\n|---|---|---|---|---|")
        for change in changes(rows, given.steps):
            word = "flat" if change.is_flat else f"GREW, more than {ALLOWED[change.name]:g}"
            has_grown |= not change.is_flat
            print(f"| {change.name} | {change.before:.1f} | {change.after:.1f} | {change.rise:+.2f} | {word} |")
    if given.picture:
        from long_chart import drawn

        given.picture.write_text(drawn({room: [asdict(row) for row in rows] for room, rows in found.items()}), "utf-8")
    return int(has_grown)


if __name__ == "__main__":
    sys.exit(main())
