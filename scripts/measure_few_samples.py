#!/usr/bin/env python
"""What unlabelled samples bring, at equal time: labels alone, the same with the rest as a pool, and all labels.

    python scripts/measure_few_samples.py --root data --val val.txt --test test.txt --labelled 1/class,2/class \
        --draws 3 --seeds 3 --time 20m --output measured module=image_cls device=cpu

For each number of labels, draw of them and seed two runs of the same time are made, and one of all labels for each
seed. All are measured on the test split, by which nothing was chosen: a label file that no run reads. What is there
already is not made again, so the command can be given as often as it is stopped. It ends with a table of means and
deviations, the share of the gap between labels alone and all labels that is closed, the worst of the paired
differences, and the processor time of a run with the pool as a multiple of one with labels alone.
`scripts/clothes_with_test.py` writes such a folder. Where label files name the labelled samples of each draw, their
name with {draw} in it stands for a number: `--labelled 'annotations/instance_train_5pct_seed{draw}.json'`.

`--floors` adds what simpler ways come to with the same labels: a logistic regression on frozen features, the same after
labels were spread to the pool, and naive pseudo-labels, of which a run with labels alone is certain and from which
another one of the same length learns. `--stress imbalance` has labels ten to one over the classes, and the
pool the other way round; with `--stress foreign` 30 % of the pool show other things, with `--stress wrong` one label in
ten of the training file is another's. The dataset's own folder stays as it is: a copy lies in the output.

Where other work disturbs clocks, equal time is had by steps: `--alone trainer.max_steps=1200 --pool
trainer.max_steps=240`, options of the runs of one way alone; the last column says how equal it was.
"""

from __future__ import annotations

import argparse
import itertools
import re
import statistics
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from few_floors import FEATURES, NAIVE, SPREAD, floors, naive_labels
from few_stress import FOREIGN, IMBALANCE, KINDS, copied, unbalanced, with_foreign, with_wrong
from measured_runs import Measured, measured, spread

from plx_train.few.pool import find_pool
from plx_train.ground.places import datasets_dir
from plx_train.vision.image import IMAGE_SUFFIXES

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
        part = re.sub(r"[/.{}]+", "_", self.labelled or "all").replace("%", "pct")
        return f"{self.way.replace(' ', '_')}-{part}-{self.draw}-{self.seed}"

    @property
    def is_listed(self) -> bool:
        """Whether a label file names the labelled samples, one for each draw."""
        return "{draw}" in (self.labelled or "")

    def overrides(self) -> list[str]:
        """What its command adds to that of all."""
        own = [f"seed={self.seed}", f"dataset.labelled_seed={self.draw}"]
        if self.is_listed:
            own += [f"dataset.train={str(self.labelled).format(draw=self.draw)}"]
        elif self.labelled is not None:
            own += [f"dataset.labelled={self.labelled}", "dataset.pool=rest"]
        return own if self.way == POOL else [*own, "few=off"]


def cases(labelled: Sequence[str], draws: int, seeds: int) -> Iterator[Case]:
    """All runs, those of one draw and seed one after the other."""
    for seed in range(seeds):
        yield Case(ALL, None, 0, seed)
    for draw, seed, part in itertools.product(range(draws), range(seeds), labelled):
        yield Case(ALONE, part, draw, seed)
        yield Case(POOL, part, draw, seed)


class Bench:
    """Runs all cases on one dataset, as it is or under stress."""

    def __init__(self, given: argparse.Namespace, overrides: Sequence[str]) -> None:
        self.given, self.overrides = given, overrides
        is_copied = given.stress or given.floors
        self.root = copied(given.root, given.output / "data") if is_copied else given.root
        if given.stress == FOREIGN:
            listed = find_pool(given.train, self.root, IMAGE_SUFFIXES)
            with_foreign(self.root / "pool", [path for _, path in listed.paths()], given.foreign)

    def training(self, case: Case) -> list[str]:
        """Options of the case's run, but its folder."""
        given = self.given
        data = [f"dataset.root={self.root}", f"dataset.train={given.train}", f"dataset.val={given.val}"]
        own = given.pool if case.way == POOL else given.alone
        time = [] if given.time is None else [f"trainer.max_time={given.time}"]
        test = [f"dataset.test={given.test}"]
        pool = [f"dataset.pool={self.root / given.train}"] if case.is_listed and case.way == POOL else []
        return [*data, *test, *time, *self.overrides, *own, *case.overrides(), *pool, *self._stress(case)]

    def _stress(self, case: Case) -> list[str]:
        """Those that take the place of its own under stress; all labels are those that were given."""
        kind, part = self.given.stress, case.labelled
        if kind is None or part is None:
            return []
        if kind == IMBALANCE:
            train, pool = unbalanced(self.root, self.given.train, part, case.draw)
            return [train, pool if case.way == POOL else "dataset.pool=null", "dataset.labelled=null"]
        if kind == FOREIGN:
            return [f"dataset.pool={self.root / 'pool'}"] if case.way == POOL else []
        return [f"dataset.train={with_wrong(self.root, self.given.train, case.draw)}"]

    def measured(self, case: Case) -> Measured:
        """A case on the test split; made where it is not there."""
        return self._measured(case.name, self.training(case))

    def _measured(self, name: str, training: Sequence[str]) -> Measured:
        return measured(self.given.output / name, training, self.given.test)

    def floors(self, case: Case) -> dict[str, float]:
        """What simpler ways come to with the labels of a case with labels alone."""
        output, with_pool = self.given.output, self.training(replace(case, way=POOL))
        found = floors(output / f"{case.name}.floors.json", with_pool, self.given.test)
        name = f"naive-{case.name}"
        file = self.root / f"{name}.txt"
        if not file.is_file() and not naive_labels(output / case.name, with_pool, file):
            file.write_text("", "utf-8")
        if not file.read_text("utf-8"):
            return found | {NAIVE: self.measured(case).metric}
        training = [*self.training(case), f"dataset.train={file.name}", "dataset.labelled=null", "few=off"]
        return found | {NAIVE: self._measured(name, training).metric}


def told(found: dict[Case, Measured], below: dict[Case, dict[str, float]], labelled: Sequence[str]) -> Iterator[str]:
    """The table, line by line.

    Args:
        below: what simpler ways come to, by the case with labels alone of the same draw and seed.
    """
    ways = (FEATURES, SPREAD, NAIVE) if below else ()
    every = [value.metric for case, value in found.items() if case.way == ALL]
    names = ("labels", *ways, "alone", "with the pool", "all labels", "of the gap", "worst pair", "pairs", "time")
    yield f"| {' | '.join(names)} |"
    yield "|" + "---|" * len(names)
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
        numbers = [spread(alone), spread(pool), spread(every), f"{closed:.0%}", f"{worst:+.4f}"]
        simpler = [spread([one[way] for case, one in below.items() if case.labelled == part]) for way in ways]
        yield f"| {' | '.join([part, *simpler, *numbers, str(len(pairs)), f'{time:.2f}'])} |"


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
    parser.add_argument("--stress", choices=KINDS, help="makes it hard to learn from the pool; one output each")
    parser.add_argument(
        "--foreign", type=Path, default=datasets_dir() / "pages", help="where foreign images are cut from"
    )
    parser.add_argument("--floors", action="store_true", help="what simpler ways come to, of module=image_cls alone")
    parser.add_argument("--output", type=Path, required=True)
    given, overrides = parser.parse_known_args()
    warnings.simplefilter("ignore")
    labelled = given.labelled.split(",")
    given.output.mkdir(parents=True, exist_ok=True)
    given.output = given.output.resolve()
    bench = Bench(given, overrides)
    found: dict[Case, Measured] = {}
    below: dict[Case, dict[str, float]] = {}
    for case in cases(labelled, given.draws, given.seeds):
        found[case] = bench.measured(case)
        print(f"{case.name}: {found[case].metric:.4f} in {found[case].seconds:.0f} s", flush=True)
        if given.floors and case.way == ALONE:
            below[case] = bench.floors(case)
            print(*(f"{case.name}, {way}: {value:.4f}" for way, value in below[case].items()), sep="\n", flush=True)
    print(*told(found, below, labelled), sep="\n")


if __name__ == "__main__":
    main()
