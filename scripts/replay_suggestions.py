"""Replays labelling: a classifier on frozen features learns of suggested pictures, and of as many random ones.

The labels of a classification dataset are hidden. Suggestions are asked for in rounds, each with the labels of those
before; a logistic regression on the features of the published weights is the judge, on the validation split. Against it
stand truly random draws from the same pictures.

    python scripts/replay_suggestions.py                        # clothes, 10, 20, 30, 50 labels
    python scripts/replay_suggestions.py --first-random --rounds 50,75,100,150,200
    python scripts/replay_suggestions.py -- module=image_cls dataset.root=/my/data
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from plx_train.config.compose import compose_run
from plx_train.contract.rooms import load_room
from plx_train.few.directions import directions
from plx_train.few.suggest import Known, margin_doubt, suggest
from plx_train.weights import load_weights
from plx_train.workflow.dataset import RunData, check, starting_weights
from plx_train.workflow.pool import features_of

SHARE = 0.8
"""Of the training pictures that each repetition is given."""
SUGGEST, DOUBT = "suggest", "doubt"
STEP = 5
"""Labels between two points of the curves."""


@dataclass(frozen=True)
class Pictures:
    """Directions of features, and classes, of the training and of the validation pictures."""

    features: np.ndarray
    classes: np.ndarray
    val_features: np.ndarray
    val_classes: np.ndarray

    def judge(self, places: np.ndarray) -> tuple[float, np.ndarray]:
        """Accuracy of what learned of some training pictures, and its doubts of all of them."""
        from sklearn.linear_model import LogisticRegression

        known = self.classes[places]
        if len(set(known.tolist())) < 2:
            return float((self.val_classes == known[0]).mean()), np.zeros(len(self.classes))
        model = LogisticRegression(C=100.0, max_iter=500).fit(self.features[places], known)
        doubts = [margin_doubt(scores) for scores in model.predict_proba(self.features)]
        return float(model.score(self.val_features, self.val_classes)), np.asarray(doubts)


def load(overrides: list[str]) -> Pictures:
    """The pictures of a run, as the weights that it would begin with see them."""
    options = compose_run(overrides).options
    with tempfile.TemporaryDirectory() as folder:
        processor, checked = check(options, Path(folder))
    assert processor is not None
    data = RunData(load_room(options.module.name), processor, checked)
    source = starting_weights(options)
    module = data.build(options, is_fine_tuning=source is not None)
    if source is not None:
        load_weights(module.network, source, False, module.optional_weights, adapt=module.adapt_weights)
    seen = directions(features_of(module, [*checked.train, *checked.val]))
    classes = (np.asarray([data.room.classes_in(one)[0] for one in part]) for part in (checked.train, checked.val))
    of_train, of_val = classes
    return Pictures(seen[: len(of_train)], of_train, seen[len(of_train) :], of_val)


def suggested(
    pictures: Pictures, pool: np.ndarray, rounds: list[int], first: list[int], seed: int, by: str = SUGGEST
) -> list[int]:
    """Places in the pool in the order that they were suggested in, round by round, after `first`."""
    labelled = list(first)
    num_classes, rng = len(set(pictures.classes.tolist())), np.random.default_rng(seed)
    for goal in rounds:
        rest = np.setdiff1d(np.arange(len(pool)), labelled)
        order = np.asarray([*labelled, *rest], np.int64)
        doubts = pictures.judge(pool[labelled])[1][pool[rest]].tolist() if labelled else None
        if by == DOUBT:
            labelled += rest[np.argsort(doubts or rng.random(len(rest)))[::-1][: goal - len(labelled)]].tolist()
            continue
        known = Known(len(labelled), len(labelled) / num_classes)
        found = suggest(pictures.features[pool[order]], known, goal - len(labelled), doubts, seed)
        labelled += [int(rest[place]) for place in found.places]
    return labelled


def replay(pictures: Pictures, arguments: argparse.Namespace) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Numbers of labels, and the accuracies with suggested (seeds, numbers) and with random ones (draws, numbers)."""
    rounds = [int(text) for text in arguments.rounds.split(",")]
    numbers = sorted({*range(rounds[0], rounds[-1] + 1, STEP), *rounds})
    of_suggested, of_random = [], []
    for seed in range(arguments.seeds):
        rng = np.random.default_rng(seed)
        pool = np.sort(rng.permutation(len(pictures.classes))[: round(SHARE * len(pictures.classes))])
        draws = [rng.permutation(len(pool))[: rounds[-1]].tolist() for _ in range(arguments.draws)]
        first = draws[0][: rounds[0]] if arguments.first_random else []
        order = suggested(pictures, pool, rounds[1:] if first else rounds, first, seed, arguments.by)
        of_suggested.append([pictures.judge(pool[order[:number]])[0] for number in numbers])
        of_random += [[pictures.judge(pool[one[:number]])[0] for number in numbers] for one in draws]
    return numbers, np.asarray(of_suggested), np.asarray(of_random)


def needed(numbers: list[int], curve: np.ndarray, goal: float) -> float:
    """The number of labels at which a curve first reaches a goal, between points along a line; NaN: it never does."""
    for place, value in enumerate(curve.tolist()):
        if value >= goal:
            if not place:
                return float(numbers[0])
            low = float(curve[place - 1])
            return numbers[place - 1] + (goal - low) / (value - low) * (numbers[place] - numbers[place - 1])
    return float("nan")


def main() -> None:
    """Prints the curves, and how many labels suggestions saved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", default="10,20,30,50", help="labels after each round of suggestions")
    parser.add_argument("--seeds", type=int, default=5, help="repetitions, each of other pictures")
    parser.add_argument("--draws", type=int, default=10, help="random draws in each repetition")
    parser.add_argument("--by", choices=(SUGGEST, DOUBT), default=SUGGEST, help="doubt: the largest alone")
    parser.add_argument("--first-random", action="store_true", help="the first round is a random draw")
    parser.add_argument("overrides", nargs="*", default=["module=image_cls", "dataset=clothes"])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    numbers, ours, random = replay(load(arguments.overrides), arguments)
    print(f"{'labels':>6}  {'suggested':>15}  {'random':>15}")
    for place, number in enumerate(numbers):
        cells = [f"{part[:, place].mean():.3f} ± {part[:, place].std(ddof=1):.3f}" for part in (ours, random)]
        print(f"{number:>6}  {cells[0]:>15}  {cells[1]:>15}")
    goal, last = float(random[:, -1].mean()), numbers[-1]
    reached = needed(numbers, ours.mean(axis=0), goal)
    print(f"random's accuracy at {last} labels, {goal:.3f}, is reached with {reached:.0f} suggested: "
          f"{1 - reached / last:.0%} fewer")  # fmt: skip


if __name__ == "__main__":
    main()
