"""How many planted wrong labels mode=audit finds: wrong ones are planted in a copy of a dataset, and looked for.

    python scripts/audit_labels.py                                  # clothes, 5 % of the training labels, seeds 1, 2, 3
    python scripts/audit_labels.py audit.size=null --seeds 4 5      # options of the command come first

Features are computed once; the planting and the search are repeated for every seed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plx_train.config.compose import compose_run
from plx_train.few.suspects import Folds, suspected_classes
from plx_train.workflow.audit import looks_at
from plx_train.workflow.workbench import open_workbench


@dataclass(frozen=True)
class Outcome:
    """What came of one planting.

    Attributes:
        precision: share of planted labels among as many suspects as were planted.
        right: share of right suggestions for those.
        listed: suspects of the training split.
        found: planted ones among all of them.
    """

    precision: float
    right: float
    listed: int
    found: int


def planted(classes: np.ndarray, places: int, number: int, share: float, seed: int) -> tuple[np.ndarray, set[int]]:
    """Classes of which a share of the first `places` is another one, drawn evenly, and the places where it is."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(places)[: round(share * places)]
    wrong = classes.copy()
    wrong[chosen] = (wrong[chosen] + rng.integers(1, number, len(chosen))) % number
    return wrong, {int(place) for place in chosen}


def outcome(looks: Sequence[np.ndarray], classes: np.ndarray, places: int, share: float, seed: int) -> Outcome:
    """What `suspected_classes` finds of labels planted by `seed` among the first `places`."""
    number = int(classes.max()) + 1
    wrong, chosen = planted(classes, places, number, share, seed)
    names = tuple(map(str, range(number)))
    judged = suspected_classes(looks, wrong.tolist(), names, Folds(5, 1))
    found = [one for one in judged.found if one[0] < places]
    hits = [one for one in found[: len(chosen)] if one[0] in chosen]
    right = statistics.mean([one.truth == str(classes[place]) for place, one in hits] or [0])
    return Outcome(len(hits) / len(chosen), right, len(found), sum(place in chosen for place, _ in found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.05, help="of the training labels that are made wrong")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("options", nargs="*", help="of the command")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="plx_train-audit-") as output:
        fixed = ["mode=audit", "tracking=off", "quiet=true", f"output={output}"]
        with open_workbench(compose_run(["module=image_cls", *given.options, *fixed])) as bench:
            data, train = bench.data, bench.data.checked.train
            samples = [*train, *data.checked.val]
            looks = looks_at(bench.session, data, None, samples)
    classes = np.asarray([data.room.classes_in(sample)[0] for sample in samples])
    found = [outcome(looks, classes, len(train), given.share, seed) for seed in given.seeds]
    print(f"{'seed':>6} {'precision':>10} {'right':>7} {'listed':>7} {'found':>6}")
    for seed, one in zip(given.seeds, found, strict=True):
        print(f"{seed:6} {one.precision:10.3f} {one.right:7.3f} {one.listed:7} {one.found:6}")
    columns = ("precision", "right", "listed", "found")
    mean = [statistics.mean(getattr(one, name) for one in found) for name in columns]
    print(f"{'mean':>6} {mean[0]:10.3f} {mean[1]:7.3f} {mean[2]:7.0f} {mean[3]:6.1f}")
    print(f"{round(given.share * len(train))} of {len(train)} training labels were planted")


if __name__ == "__main__":
    main()
