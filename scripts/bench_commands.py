#!/usr/bin/env python3
"""What whole commands take, by an earlier commit and by this checkout, in turn.

python scripts/bench_commands.py                          # commands that only look, against f733545, five rounds
python scripts/bench_commands.py --only "history" "sync"  # those whose names begin so
python scripts/bench_commands.py --runs                   # short runs too: each again on what it knows by then
python scripts/bench_commands.py --sweeps --only "sweep of" --rounds 3

Seconds of processor time (user and system, of all that a command starts) and by the clock: median (lowest to highest).
A round before the first is for caches, of the file system too, and is not counted.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import scale_folders  # noqa: E402

from plx_train.registry import ledger  # noqa: E402
from plx_train.registry.ledger import LedgerEntry  # noqa: E402
from plx_train.tracking.store import open_client, resolve_uri  # noqa: E402

BEFORE = "f733545"
LOOKS = {
    "help": "--help",
    "help of a mode": "--help mode=serve",
    "wrong module": "module=text_dt",
    "wrong key": "trainer.epohcs=3",
    "no such run": "mode=sync run=nowhere",
    "nothing to sync": "mode=sync",
    "sweep report, 20 trials": "mode=sweep_report sweep_id=known",
    "history of promotions": "mode=promote history=true",
    "check, 1,400 known images": "mode=check_dataset module=image_cls dataset.root={data}/clothes",
    "check, known series": "mode=check_dataset module=ts_forecast dataset.root={data}/traffic",
    "check, 64 known pages": "mode=check_dataset module=text_det dataset.root={data}/pages",
}
RUNS = {
    "one step, ts_forecast, not tracked": "module=ts_forecast device=cpu trainer.max_steps=1 tracking=off",
    "one step, ts_forecast, MLflow": "module=ts_forecast device=cpu trainer.max_steps=1",
}
_SEARCHED = "optimizer.lr='tag(log, interval(5e-4, 5e-3))' sweep=random sweep.trials=40 sweep.fresh=true"
SWEEPS = {
    f"sweep of 40, {workers} at a time": f"-m module=ts_forecast device=cpu trainer.epochs=6 {_SEARCHED} "
    f"sweep.workers={workers}"
    for workers in (1, 2)
}
PROMOTIONS, TRIALS = 10, 20


@dataclass(frozen=True)
class Spent:
    """Seconds of a command."""

    processor: float
    clock: float
    code: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default=BEFORE, help="commit that is compared with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=[""], help="beginnings of names")
    parser.add_argument("--runs", action="store_true", help="short runs too")
    parser.add_argument("--sweeps", action="store_true", help="sweeps of short runs too: minutes each")
    given = parser.parse_args()
    commands = {**LOOKS, **(RUNS if given.runs else {}), **(SWEEPS if given.sweeps else {})}
    chosen = {name: text for name, text in commands.items() if name.startswith(tuple(given.only))}
    with tempfile.TemporaryDirectory(prefix="bench-commands-") as folder, checkout(given.before, folder) as before:
        trees = {"before": before, "after": ROOT}
        for side in trees:
            prepare(Path(folder, side))
        print(f"{'command':36} {'processor, before':>24} {'after':>22} {'':>7} {'clock, before':>22} {'after':>22}")
        for name, text in chosen.items():
            spent = measured(text, trees, Path(folder), given.rounds)
            print(row(name, spent["before"], spent["after"]), flush=True)


@contextmanager
def checkout(commit: str, folder: str) -> Iterator[Path]:
    """A worktree of an earlier commit, for as long as it is needed."""
    tree = Path(folder, "tree")
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--detach", str(tree), commit], check=True, capture_output=True)
    try:
        yield tree
    finally:
        subprocess.run([*git, "remove", "--force", str(tree)], check=True, capture_output=True)


def prepare(place: Path) -> None:
    """A folder with a store of promotions and a sweep, in which commands are given."""
    place.mkdir()
    # Both sides take it for their user's own.
    os.environ.update(own_folders(place))
    scale_folders.make_sweep(place / "outputs/sweeps/known", TRIALS)
    uri = resolve_uri(None, place / "outputs")
    client = open_client(uri)
    for number in range(1, 1 + PROMOTIONS):
        former = str(number - 1) if number > 1 else ""
        entry = LedgerEntry("promote", "text_det", "champion", former, str(number), "promoted", "somebody", "")
        ledger.record(client, uri, entry)


def measured(text: str, trees: dict[str, Path], folder: Path, rounds: int) -> dict[str, list[Spent]]:
    """What a command took on each side, the sides in turn and in turn first."""
    spent: dict[str, list[Spent]] = {side: [] for side in trees}
    arguments = shlex.split(text.format(data=ROOT / "datasets"))
    for number in range(1 + rounds):
        for side in list(trees)[:: 1 if number % 2 else -1]:
            took = run(arguments, trees[side], folder / side)
            if number:
                spent[side].append(took)
    codes = {one.code for side in spent.values() for one in side}
    if len(codes) > 1:
        sys.exit(f"{text} ends otherwise on both sides: {codes}")
    return spent


def own_folders(place: Path) -> dict[str, str]:
    """The variables by which a side keeps to itself, its compiled modules too, which every installation has."""
    kept = {"PLX_TRAIN_CACHE": "cache", "PLX_TRAIN_STATE": "state", "PYTHONPYCACHEPREFIX": "compiled"}
    return {"PYTHONDONTWRITEBYTECODE": ""} | {name: str(place / folder) for name, folder in kept.items()}


def run(arguments: Sequence[str], tree: Path, place: Path) -> Spent:
    """One command, in a process of its own."""
    own = {"PYTHONPATH": str(tree), **own_folders(place)}
    log = (place / "log.txt").open("wb")
    with log:
        began = time.perf_counter()
        command = [sys.executable, "-m", "plx_train", *arguments]
        started = subprocess.Popen(
            command, cwd=place, env={"OMP_NUM_THREADS": "1", **os.environ, **own}, stdout=log, stderr=log
        )
        _, status, usage = os.wait4(started.pid, 0)
        seconds = time.perf_counter() - began
    started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode not in (0, 1, 2) or b"Traceback" in (place / "log.txt").read_bytes():
        sys.exit(f"{shlex.join(command)} in {tree}:\n{(place / 'log.txt').read_text()}")
    return Spent(usage.ru_utime + usage.ru_stime, seconds, started.returncode)


def row(name: str, before: list[Spent], after: list[Spent]) -> str:
    """A command's line of the table."""
    busy = [[one.processor for one in side] for side in (before, after)]
    clock = [[one.clock for one in side] for side in (before, after)]
    quicker = statistics.median(busy[0]) / statistics.median(busy[1])
    first, second, third, fourth = map(shown, (*busy, *clock))
    return f"{name:36} {first:>24} {second:>22} {f'×{quicker:.2f}':>7} {third:>22} {fourth:>22}"


def shown(values: list[float]) -> str:
    """The median, and what lies around it."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
