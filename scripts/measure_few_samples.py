#!/usr/bin/env python
"""What unlabelled samples bring, at equal time: labels alone, the same with the rest as a pool, and all labels.

    python scripts/measure_few_samples.py --root data --val val.txt --test test.txt --labelled 1/class,2/class \
        --draws 3 --seeds 3 --time 20m --output measured module=image_cls device=cpu

For each number of labels, draw of them and seed two runs of the same time are made, and one of all labels for each
seed. All are measured on the test split, by which nothing was chosen: a label file that no run reads. What is there
already is not made again, so the command can be given as often as it is stopped. It ends with a table of means and
deviations, the share of the gap between labels alone and all labels that is closed, the worst of the paired
differences, and the processor time of a run with the pool as a multiple of one with labels alone.
`scripts/clothes_with_test.py` writes such a folder.

Where other work disturbs clocks, equal time is had by steps: `--alone trainer.max_steps=1200 --pool
trainer.max_steps=240`, options of the runs of one way alone; the last column says how equal it was.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ALONE, POOL, ALL = "labels alone", "with the pool", "all labels"


@dataclass(frozen=True)
class Case:
    """One run.

    Attributes:
        labelled: part of the labels; None: all.
        draw: of that part.
    """

    way: str
    labelled: str | None
    draw: int
    seed: int

    @property
    def name(self) -> str:
        """That of its folder."""
        part = (self.labelled or "all").replace("/", "_").replace("%", "pct")
        return f"{self.way.replace(' ', '_')}-{part}-{self.draw}-{self.seed}"

    def overrides(self) -> list[str]:
        """What its command adds to that of all."""
        own = [f"seed={self.seed}", f"dataset.labelled_seed={self.draw}"]
        if self.labelled is not None:
            own += [f"dataset.labelled={self.labelled}", "dataset.pool=rest"]
        return own if self.way == POOL else [*own, "few=off"]


def cases(labelled: Sequence[str], draws: int, seeds: int) -> Iterator[Case]:
    """All runs, those of one draw and seed one after the other."""
    for seed in range(seeds):
        yield Case(ALL, None, 0, seed)
    for draw, seed, part in itertools.product(range(draws), range(seeds), labelled):
        yield Case(ALONE, part, draw, seed)
        yield Case(POOL, part, draw, seed)


@dataclass(frozen=True)
class Measured:
    """A run's metric on the test split, and its processor time in seconds."""

    metric: float
    seconds: float


def measured(case: Case, given: argparse.Namespace, overrides: Sequence[str]) -> Measured:
    """A case on the test split; made where it is not there."""
    run, test = given.output / case.name, given.output / f"{case.name}-test"
    spent = given.output / f"{case.name}.seconds"
    own = given.pool if case.way == POOL else given.alone
    data = [f"dataset.root={given.root}", f"dataset.train={given.train}", f"dataset.val={given.val}"]
    if not (test / "metrics.json").is_file():
        time = [] if given.time is None else [f"trainer.max_time={given.time}"]
        before = _seconds()
        _command([*data, *time, *overrides, *own, *case.overrides(), f"output={run}", "resume=auto", "tracking=off"])
        spent.write_text(f"{_seconds() - before + (float(spent.read_text()) if spent.is_file() else 0)}\n", "utf-8")
        where = [each for each in overrides if each.startswith("device")]
        _command(["mode=evaluate", f"run={run}", *where, f"dataset.val={given.test}", f"output={test}", "tracking=off"])
    monitor = json.loads((run / "run.json").read_text("utf-8"))["monitor"]
    metric = float(json.loads((test / "metrics.json").read_text("utf-8"))[monitor])
    return Measured(metric, float(spent.read_text("utf-8")))


def _seconds() -> float:
    """Processor time of all commands that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _command(arguments: Sequence[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "plx_train", *arguments, "quiet=true"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}\n{done.stderr[-2000:]}")


def told(found: dict[Case, Measured], labelled: Sequence[str]) -> Iterator[str]:
    """The table, line by line."""
    every = [value.metric for case, value in found.items() if case.way == ALL]
    yield "| labels | alone | with the pool | all labels | of the gap | worst pair | pairs | time |"
    yield "|---|---|---|---|---|---|---|---|"
    for part in labelled:
        pairs = [
            (value, found[Case(POOL, part, case.draw, case.seed)])
            for case, value in found.items()
            if case.way == ALONE and case.labelled == part and Case(POOL, part, case.draw, case.seed) in found
        ]
        if not pairs or not every:
            continue
        alone, pool = ([pair[place].metric for pair in pairs] for place in (0, 1))
        time = sum(after.seconds for _, after in pairs) / sum(before.seconds for before, _ in pairs)
        gap = statistics.fmean(every) - statistics.fmean(alone)
        closed = (statistics.fmean(pool) - statistics.fmean(alone)) / gap if gap else float("nan")
        worst = min(after.metric - before.metric for before, after in pairs)
        numbers = [_spread(alone), _spread(pool), _spread(every), f"{closed:.0%}", f"{worst:+.4f}"]
        yield f"| {' | '.join([part, *numbers, str(len(pairs)), f'{time:.2f}'])} |"


def _spread(values: Sequence[float]) -> str:
    deviation = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.3f}{deviation}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--train", default="train.txt")
    parser.add_argument("--val", default="val.txt")
    parser.add_argument("--test", required=True, help="label file of the test split, in the same folder")
    parser.add_argument("--labelled", default="1/class,2/class,5/class,10/class", help="parts of the labels")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--time", help="of each run, as trainer.max_time takes it; left out: as the recipe has it")
    parser.add_argument("--alone", action="append", default=[], help="option of the runs without a pool; repeatable")
    parser.add_argument("--pool", action="append", default=[], help="option of those with one; repeatable")
    parser.add_argument("--output", type=Path, required=True)
    given, overrides = parser.parse_known_args()
    labelled = given.labelled.split(",")
    given.output.mkdir(parents=True, exist_ok=True)
    found: dict[Case, Measured] = {}
    for case in cases(labelled, given.draws, given.seeds):
        found[case] = measured(case, given, overrides)
        print(f"{case.name}: {found[case].metric:.4f} in {found[case].seconds:.0f} s", flush=True)
    print(*told(found, labelled), sep="\n")


if __name__ == "__main__":
    main()
