"""What to label next: what is typical while labels are few, what is doubtful and new once they are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plx_train.few.doubtful import doubtful_and_new
from plx_train.few.typical import typical_first
from plx_train.few.worth import in_order_of_worth

TYPICAL, DOUBTFUL, NEW = "typical", "doubtful", "new"
FEW_PER_CLASS = 5
"""Labels of a class up to which a model's doubts say less than what is typical."""
FEW_IN_ALL = 50
"""The same for samples that have no classes."""
DIRECTIONS = 50
"""Components of the features that are looked at: distances along many are all alike."""


@dataclass(frozen=True)
class Known:
    """What is labelled already.

    Attributes:
        number: of labelled samples.
        per_class: labels of a class on average; None where samples have no classes.
    """

    number: int
    per_class: float | None

    @property
    def are_few(self) -> bool:
        """Whether doubts of a model that learned of them say less than what is typical."""
        return self.number <= FEW_IN_ALL if self.per_class is None else self.per_class <= FEW_PER_CLASS

    def __str__(self) -> str:
        if not self.number:
            return "no labels yet"
        if self.per_class is None:
            return f"{self.number} labelled image{'' if self.number == 1 else 's'} (up to {FEW_IN_ALL} are few)"
        labels = "1 label" if self.per_class == 1 else f"{self.per_class:.3g} labels"
        return f"{labels} a class (up to {FEW_PER_CLASS} are few)"


@dataclass(frozen=True)
class Suggested:
    """Unlabelled samples in the order that they are best labelled in.

    Attributes:
        places: among the unlabelled samples, the best first.
        sizes: how many samples are of the kind that each stands for.
        way: `TYPICAL`, `DOUBTFUL` or `NEW`.
        reason: why that way, a sentence.
    """

    places: tuple[int, ...]
    sizes: tuple[int, ...]
    way: str
    reason: str


def suggest(
    features: np.ndarray, known: Known, number: int, doubts: Sequence[float] | None, seed: int, why_no_doubts: str = ""
) -> Suggested:
    """What of the unlabelled samples to label next.

    Args:
        features: float (N, D), as `directions` gives them, of the labelled samples first.
        number: of suggestions.
        doubts: of a model about each unlabelled sample, 0 to 1; None: nobody has any.
        seed: from which random choices follow.
        why_no_doubts: in words.
    """
    seen = leading(features, seed)
    weights = None
    if known.are_few:
        way, reason = TYPICAL, f"typical images of every kind, because there are {known}"
        found, groups = typical_first(seen, known.number, number, seed)
    elif doubts is None:
        way, reason = NEW, f"images unlike what is labelled, because there are {known}, and {why_no_doubts}"
        found, groups = doubtful_and_new(seen, known.number, number, None, seed)
    else:
        way, reason = DOUBTFUL, f"doubtful images unlike each other, because there are {known}"
        found, groups = doubtful_and_new(seen, known.number, number, doubts, seed)
        weights = np.concatenate([np.zeros(known.number), doubts])
    found = in_order_of_worth(seen, found, known.number, seed, weights)
    sizes = np.bincount(groups)[groups[found]]
    return Suggested(tuple(place - known.number for place in found), tuple(sizes.tolist()), way, reason)


def margin_doubt(scores: np.ndarray) -> float:
    """How near the second likeliest class comes to the likeliest, 0 to 1, of the scores of all classes (classes,)."""
    first = np.sort(scores)[::-1][:2]
    return float(1 - (first[0] - first[1])) if len(first) == 2 else 0.0


def leading(features: np.ndarray, seed: int) -> np.ndarray:
    """Features (N, D) in their directions of largest variance, float64 (N, at most `DIRECTIONS`)."""
    from sklearn.decomposition import PCA

    number = min(DIRECTIONS, *features.shape)
    solver = "full" if number == min(features.shape) else "randomized"
    return np.asarray(PCA(number, svd_solver=solver, random_state=seed).fit_transform(features), np.float64)
