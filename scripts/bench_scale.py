#!/usr/bin/env python3
"""How commands, data and steps grow with what there is of it; docs/performance.md has the figures.

python scripts/bench_scale.py store --runs 10 1000 100000      # an MLflow store with so many runs, in SQLite
python scripts/bench_scale.py folders --runs 10 1000 10000     # mode=sync over so many runs' folders
python scripts/bench_scale.py sweep --trials 20 200 1000       # mode=sweep_report of sweeps with so many trials
python scripts/bench_scale.py images --lines 100 10000 100000  # label files with so many lines, an image each
python scripts/bench_scale.py images --links --lines 1000000   # links of few images, the check of what is known alone
python scripts/bench_scale.py steps                            # a training step by image size, batch and classes
python scripts/bench_scale.py ranks                            # what two processes exchange over gloo
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "tests")]
COUNTS = {
    "store": ("--runs", [10, 1000, 100_000]),
    "folders": ("--runs", [10, 1000, 10_000]),
    "sweep": ("--trials", [20, 200, 1000]),
    "images": ("--lines", [100, 10_000, 100_000]),
}
ORDERED = [100, 10_000, 1_000_000, 10_000_000]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    for name, (option, counts) in COUNTS.items():
        part = parts.add_parser(name)
        part.add_argument(option, dest="counts", type=int, nargs="+", default=counts)
        if name == "images":
            part.add_argument("--links", action="store_true", help="links of few files, checked as known ones")
        part.add_argument("--keep", type=Path, help="a folder where what was made stays, and is taken from")
    parts.add_parser("steps")
    parts.add_parser("ranks")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench_scale_") as folder:
        os.environ["PLX_TRAIN_CACHE"] = f"{folder}/cache"
        globals()[given.part](Path(folder), given)


def store(folder: Path, given: argparse.Namespace) -> None:
    began = time.perf_counter()
    import mlflow  # noqa: F401

    print(f"import mlflow: {time.perf_counter() - began:.2f} s")
    import scale_store

    for count in given.counts:
        path = (given.keep or folder) / str(count) / "mlflow.db"
        uri = f"sqlite:///{path}"
        if not path.exists():
            path.parent.mkdir(parents=True)
            print(f"{count} runs: filled in {scale_store.fill(uri, count):.0f} s", flush=True)
        print(f"{count} runs: {path.stat().st_size / 1e6:.0f} MB", flush=True)
        for name, seconds in scale_store.calls(uri, count, folder / str(count)):
            print(f"{count:>7} runs  {name:42} {1000 * seconds:9.1f} ms", flush=True)
        for name, seconds in scale_store.commands(uri, count, folder):
            print(f"{count:>7} runs  {name:42} {1000 * seconds:9.0f} ms  whole command", flush=True)


def folders(folder: Path, given: argparse.Namespace) -> None:
    import scale_folders

    for count in given.counts:
        place = (given.keep or folder) / f"folders{count}"
        if not place.exists():
            scale_folders.make_runs(place / "outputs", count)
        for name, seconds in scale_folders.sync(place):
            print(f"{count:>7} runs  {name:42} {1000 * seconds:9.1f} ms", flush=True)


def sweep(folder: Path, given: argparse.Namespace) -> None:
    import scale_folders

    for count in given.counts:
        place = (given.keep or folder) / f"sweep{count}"
        if not place.exists():
            scale_folders.make_sweep(place, count)
        for name, seconds in scale_folders.report(place):
            print(f"{count:>7} trials  {name:42} {1000 * seconds:9.1f} ms", flush=True)


def images(folder: Path, given: argparse.Namespace) -> None:
    import scale_images

    for count in given.counts:
        root = (given.keep or folder) / f"{'links' if given.links else 'images'}{count}"
        if not root.exists():
            (scale_images.make_links if given.links else scale_images.make)(root, count)
        for part in ("remember", "known") if given.links else ("measure",):
            # A process of its own for each: what memory one has held says nothing of the next.
            command = [sys.executable, scale_images.__file__, part, str(root)]
            done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True)
        for name, value in json.loads(done.stdout).items():
            shown = f"{value:9.0f} MB" if name.startswith("memory") else f"{1000 * value:9.1f} ms"
            print(f"{count:>8} lines  {name:24} {shown}", flush=True)
    scale_images.orders(ORDERED)


def steps(folder: Path, given: argparse.Namespace) -> None:
    import scale_steps

    scale_steps.steps()


def ranks(folder: Path, given: argparse.Namespace) -> None:
    import scale_steps

    scale_steps.exchanges(folder)


if __name__ == "__main__":
    main()
