#!/usr/bin/env python3
"""When a training has its published weights, and its first step, on a machine where nothing is cached; in turn.

python scripts/bench_first_start.py                        # against 396acc8e, three rounds
python scripts/bench_first_start.py --before HEAD~1 --rounds 5 module=image_cls dataset.root=datasets/clothes

Seconds by the clock since the command was given: median (lowest to highest). The package index is asked each time, and
compiled modules are kept; a round before the first is not counted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import bench_commands  # noqa: E402

BEFORE = "396acc8e"
COMMAND = ("module=text_det", f"dataset.root={ROOT}/datasets/pages")
SHORT = ("device=cpu", "tracking=off", "trainer.max_steps=1", "dataset.limit=4")
SAID = {"data": "device: ", "weights": "weights: ", "first step": "step "}
"""How the first line begins that is said once each is there."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default=BEFORE, help="commit that is compared with")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("command", nargs="*", default=COMMAND)
    given = parser.parse_args()
    spent: dict[str, list[dict[str, float]]] = {"before": [], "after": []}
    temporary = tempfile.TemporaryDirectory(prefix="bench-start-")
    with temporary as folder, bench_commands.checkout(given.before, folder) as before:
        trees = {"before": before, "after": ROOT}
        for number in range(1 + given.rounds):
            for side in list(trees)[:: 1 if number % 2 else -1]:
                took = start(given.command, trees[side], Path(folder, side))
                print(number, side, *(f"{what} {seconds:.1f}" for what, seconds in took.items()), file=sys.stderr)
                spent[side] += [took] if number else []
    for what in SAID:
        texts = (f"{side} {bench_commands.shown([one[what] for one in rounds])}" for side, rounds in spent.items())
        print(f"{what:12}", *texts, sep="   ")


def start(command: list[str], tree: Path, place: Path) -> dict[str, float]:
    """Seconds until each thing was there, with an empty cache."""
    place.mkdir(exist_ok=True)
    own = bench_commands.own_folders(place)
    shutil.rmtree(own["PLX_TRAIN_CACHE"], ignore_errors=True)
    own |= {"PYTHONPATH": str(tree), "PYTHONUNBUFFERED": "1", "PIP_NO_CACHE_DIR": "1", "OMP_NUM_THREADS": "1"}
    program = [sys.executable, "-m", "plx_train", *command, *SHORT]
    found: dict[str, float] = {}
    began = time.perf_counter()
    with subprocess.Popen(program, cwd=place, env={**os.environ, **own}, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        for line in started.stdout:
            for what, beginning in SAID.items():
                if line.startswith(beginning) and "fetching" not in line:
                    found.setdefault(what, time.perf_counter() - began)
            if len(found) == len(SAID):
                break
        # What follows is no matter of beginning.
        started.kill()
    if len(found) < len(SAID):
        sys.exit(f"{' '.join(program)} in {tree} said only when there was {', '.join(found) or 'nothing'}")
    return found


if __name__ == "__main__":
    main()
