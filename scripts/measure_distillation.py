#!/usr/bin/env python
"""What a large model teaches a small one: the small alone, the small with its teacher, and the teacher.

    python scripts/measure_distillation.py --root data --test test.txt --labelled 5/class --seeds 3 --time 20m \
        --output measured module=image_cls device=cpu

The teacher is trained once, on all labels. For each seed the small network is then trained alone and with the teacher,
on all labels and, with the rest as a pool, on each part of them; and on what the teacher says of the pool alone, where
it sees no label of the user's: these labels are what a run with a pool wrote into its folder. All are measured on the
test split, which no run reads. What is there already is not made again, so the command can be given as often as it is
stopped. It ends with a table: metric, parameters, size of the exported files, and milliseconds a sample.

`--large` and `--small` are options that make the two networks; left out, those of `NETWORKS` are taken. `--time` is
that of each run, with the labels-alone part of a run with a pool in it; options of the trainer do as well.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from few_stress import copied
from measured_runs import Measured, measured, spread

from plx_train.few.pool import named_images
from plx_train.metrics.direction import LATENCY, SIZE
from plx_train.runs.checkpoint import load_checkpoint
from plx_train.runs.folder import EXPORT, POOL, POOL_FILE, best_checkpoint
from plx_train.vision.image import read_image
from plx_train.workflow.cost import cost_figures

NETWORKS = {
    "image_cls": (["module.network=EfficientNet-Lite0"], ["module.network=PP-LCNet_x0_25"]),
    "object_det": (["module.network=PicoDet_EfficientNet_Lite0"], ["module.network=PicoDet-S"]),
    "text_rec": (
        [],
        ["module.scale=0.5", "module.neck_channels=64", "weights=null", "module.dict=auto", "optimizer.freeze=[]"],
    ),
}
"""Options of the large network and of the small one, by module."""
GATHERED = ("._mean", "._variance")
"""What the names of a batch norm's statistics end with, which are no parameters."""
TEACHER, ALONE, TAUGHT, UNLABELLED = "the teacher", "small, labels alone", "small, taught", "small, no label"


@dataclass(frozen=True)
class Case:
    """One run.

    Attributes:
        labelled: part of the labels; None: all.
    """

    way: str
    labelled: str | None
    seed: int

    @property
    def name(self) -> str:
        """That of its folder."""
        part = (self.labelled or "all").replace("/", "_").replace("%", "pct")
        return f"{self.way.replace(' ', '_').replace(',', '')}-{part}-{self.seed}"


class Bench:
    """Runs all cases on one dataset, whose folder is copied: label files of a teacher's are written there."""

    def __init__(self, given: argparse.Namespace, overrides: Sequence[str]) -> None:
        self.given, self.overrides = given, overrides
        self.root = copied(given.root, given.output / "data")
        module = next((one.partition("=")[2] for one in overrides if one.startswith("module=")), "")
        if module not in NETWORKS and not (given.large and given.small):
            raise SystemExit("give module=<name>, and by --large and --small what makes the two networks")
        large, small = NETWORKS.get(module, ([], []))
        self.large, self.small = given.large or large, given.small or small
        self.teacher = given.output / Case(TEACHER, None, 0).name

    def measured(self, case: Case) -> Measured:
        """A case on the test split; made where it is not there."""
        given = self.given
        train = self._told(case.seed) if case.way == UNLABELLED else given.train
        data = [f"dataset.root={self.root}", f"dataset.train={train}", f"dataset.val={given.val}"]
        time = [] if given.time is None else [f"trainer.max_time={given.time}"]
        own = [f"dataset.test={given.test}", f"seed={case.seed}", *self._ways(case)]
        network = self.large if case.way == TEACHER else self.small
        options = [*data, *time, *self.overrides, *network, *own]
        return measured(given.output / case.name, options, given.test)

    def _ways(self, case: Case) -> Iterator[str]:
        if case.labelled is not None:
            yield from (f"dataset.labelled={case.labelled}", f"dataset.labelled_seed={case.seed}")
        if case.way != TAUGHT:
            yield "few=off"
            return
        yield f"teacher={self.teacher}"
        if case.labelled is not None:
            yield from ("dataset.pool=rest", "few=rounds")

    def _told(self, seed: int) -> str:
        """A label file in the dataset's folder with what the teacher said of the pool beside the fewest labels."""
        pool = self.given.output / Case(TAUGHT, self.given.labelled.split(",")[0], seed).name / POOL
        file = json.loads((pool / POOL_FILE).read_text("utf-8"))["file"]
        own = Path(file)
        place = self.root / own.with_name(f"told-{seed}{own.suffix}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((pool / file).read_bytes())
        return place.relative_to(self.root).as_posix()

    def cost(self, case: Case) -> list[str]:
        """Parameters, megabytes of the exported files, and milliseconds a sample, taken once for each network."""
        run = self.given.output / case.name
        place = self.given.output / f"{'large' if case.way == TEACHER else 'small'}.cost.json"
        if not place.is_file():
            network = load_checkpoint(best_checkpoint(run))[0]["network"]
            tensors = (one for name, one in network.items() if not name.endswith(GATHERED))
            figures = cost_figures((LATENCY, SIZE), run / EXPORT, _Pictures(self.root, self.given.test))  # type: ignore[arg-type]
            place.write_text(json.dumps(figures | {"parameters": sum(one.size for one in tensors)}), "utf-8")
        found = json.loads(place.read_text("utf-8"))
        return [f"{found['parameters'] / 1e6:.2f} M", f"{found[SIZE]:.2f} MB", f"{found[LATENCY]:.1f} ms"]


class _Pictures:
    """The pictures that a label file names, as a dataset gives them."""

    def __init__(self, root: Path, file: str) -> None:
        named = named_images(root / file, (root, (root / file).parent))
        self.paths = [path for _, path in named.paths()] if named else []

    def __len__(self) -> int:
        return len(self.paths)

    def original(self, index: int) -> object:
        """One of them, uint8 (H, W, 3) BGR."""
        return read_image(self.paths[index])


def cases(parts: Sequence[str], seeds: int) -> Iterator[Case]:
    """All runs, each after those that it builds on."""
    yield Case(TEACHER, None, 0)
    for seed in range(seeds):
        for part in (None, *parts):
            yield from (Case(ALONE, part, seed), Case(TAUGHT, part, seed))
        if parts:
            yield Case(UNLABELLED, None, seed)


def told(found: dict[Case, Measured], bench: Bench) -> Iterator[str]:
    """The table, line by line."""
    yield "| model | labels | metric | parameters | size | a sample | worst pair |"
    yield "|---|---|---|---|---|---|---|"
    for way, part in dict.fromkeys((case.way, case.labelled) for case in found):
        of_row = [case for case in found if (case.way, case.labelled) == (way, part)]
        pairs = [found[case].metric - found[Case(ALONE, part, case.seed)].metric for case in of_row if way == TAUGHT]
        labels = "none" if way == UNLABELLED else part or "all"
        row = [way, labels, spread([found[case].metric for case in of_row]), *bench.cost(of_row[0])]
        yield f"| {' | '.join([*row, f'{min(pairs):+.4f}' if pairs else ''])} |"
    seconds = statistics.fmean(one.seconds for one in found.values())
    yield f"\n{len(found)} runs of {seconds:.0f} s of processor time on average"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--train", default="train.txt")
    parser.add_argument("--val", default="val.txt")
    parser.add_argument("--test", required=True, help="label file of the test split, in the same folder")
    parser.add_argument("--labelled", default="", help="parts of the labels, the fewest first; the rest is the pool")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--time", help="of each run, as trainer.max_time takes it; left out: as the recipe has it")
    parser.add_argument("--large", action="append", default=[], help="option of the teacher; repeatable")
    parser.add_argument("--small", action="append", default=[], help="option of the small network; repeatable")
    parser.add_argument("--output", type=Path, required=True)
    given, overrides = parser.parse_known_args()
    warnings.simplefilter("ignore")
    given.output = given.output.resolve()
    given.output.mkdir(parents=True, exist_ok=True)
    bench, found = Bench(given, overrides), dict[Case, Measured]()
    for case in cases([part for part in given.labelled.split(",") if part], given.seeds):
        found[case] = bench.measured(case)
        print(f"{case.name}: {found[case].metric:.4f} in {found[case].seconds:.0f} s", flush=True)
    print(*told(found, bench), sep="\n")


if __name__ == "__main__":
    main()
