"""Labels that are likely wrong, by what a network sees in the samples that have them.

Confident learning (Northcutt et al., 2021): classifiers on frozen features say of each sample what others, without it,
take it for. How many labels are wrong is counted by the mean confidence in each class; those are suspected in whose
label the confidence is lowest. Where several labels can hold, each is judged on its own, by confidence alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plx_train.contract.doubt import Doubt, Suspicion

MOST_FEATURES = 256
"""Principal components that are looked at, at most: more take longer and say no more."""
SCALE = 7.0
"""Square of the length of a sample's features, which says how far a classifier may go."""
REPEATS = 3
"""Times that samples are dealt out anew: what one deal says depends on chance."""
MOST_STEPS = 200
LEAST_KNOWN = 2
"""Samples that a class needs: one alone is never learned of when it is asked about."""
SURE = 0.85
"""How sure it must be of a label that it does, or does not, hold: most answers between are of what is hard to see."""


@dataclass(frozen=True)
class Folds:
    """How samples are dealt out.

    Attributes:
        number: of parts, each of which is asked about what the others taught.
        seed: of the deal.
    """

    number: int
    seed: int


@dataclass(frozen=True)
class Suspected:
    """Samples whose labels are likely wrong.

    Attributes:
        found: place and suspicion of each, most suspect first.
        agreement: of the labels with what samples are taken for, 0 to 1: where it is low, little is seen in them.
            None: they were not asked what they show.
    """

    found: list[tuple[int, Suspicion]]
    agreement: float | None


def suspected_classes(
    looks: Sequence[np.ndarray], classes: Sequence[int], names: Sequence[str], folds: Folds
) -> Suspected:
    """The samples whose one class is likely another; the agreement is the share of labels that are confirmed.

    Args:
        looks: features (N, D) of each look at the samples, as `directions` gives them.
        classes: the number of each sample's.
    """
    given = np.asarray(classes, np.int64)
    scores = out_of_sample(prepared(looks), given, len(names), folds)
    places, best = doubted(scores, given)
    found = [
        (place, _of_class(float(scores[place, given[place]]), names[given[place]], names[best[place]]))
        for place in places
    ]
    return Suspected(found, float((scores.argmax(axis=1) == given).mean()))


def _of_class(confidence: float, label: str, suggestion: str) -> Suspicion:
    return Suspicion((Doubt("class", 1 - confidence, label, suggestion),), suggestion)


def suspected_labels(looks: Sequence[np.ndarray], held: np.ndarray, names: Sequence[str], folds: Folds) -> Suspected:
    """The samples of which a label likely holds, or does not, otherwise than it is told.

    The agreement is the harmonic mean of precision and recall of the labels.

    Args:
        held: which labels are said to hold, bool (N, labels).
    """
    found: dict[int, list[tuple[float, int]]] = {}
    seen, right, said = prepared(looks), 0, 0
    for number in range(held.shape[1]):
        given = held[:, number].astype(np.int64)
        scores = out_of_sample(seen, given, 2, folds)
        taken = scores[:, 1] >= 0.5
        right, said = right + int((taken & held[:, number]).sum()), said + int(taken.sum())
        doubts = 1 - scores[np.arange(len(given)), given]
        if np.bincount(given, minlength=2).min() < LEAST_KNOWN:
            continue
        for place in np.flatnonzero(doubts >= SURE).tolist():
            found.setdefault(place, []).append((float(doubts[place]), number))
    suspicions = [(place, _of_labels(held[place], names, doubts)) for place, doubts in found.items()]
    suspicions.sort(key=lambda each: (-each[1].score, each[0]))
    return Suspected(suspicions, 2 * right / max(said + int(held.sum()), 1))


def _of_labels(held: np.ndarray, names: Sequence[str], found: Sequence[tuple[float, int]]) -> Suspicion:
    told, truth = [], held.copy()
    for score, number in sorted(found, reverse=True):
        truth[number] = not held[number]
        words = (names[number], "") if held[number] else ("", names[number])
        told.append(Doubt("label" if held[number] else "no label", score, *words))
    return Suspicion(tuple(told), tuple(name for name, holds in zip(names, truth, strict=True) if holds))


def prepared(looks: Sequence[np.ndarray]) -> np.ndarray:
    """Features of samples, (N, D) of each look at them, as classifiers learn of them: float64 (N, at most 256)."""
    found = np.concatenate(looks, axis=1) / np.sqrt(len(looks))
    if min(found.shape) > MOST_FEATURES:
        from sklearn.decomposition import PCA

        found = PCA(MOST_FEATURES, svd_solver="randomized", random_state=0).fit_transform(found)
    return np.asarray(found * np.sqrt(SCALE))


def out_of_sample(features: np.ndarray, classes: np.ndarray, num_classes: int, folds: Folds) -> np.ndarray:
    """Probabilities (N, num_classes) of samples, each by classifiers that have not learned of it.

    Args:
        features: as `prepared` gives them.
        classes: the number of each sample's, int64 (N,).
    """
    found = np.zeros((len(classes), num_classes))
    for repeat in range(REPEATS):
        parts = _dealt(classes, folds.number, np.random.default_rng([folds.seed, repeat]))
        for part in range(folds.number):
            asked = parts == part
            if asked.any():
                found[asked] += _learned(features[~asked], classes[~asked], features[asked], num_classes)
    return found / REPEATS


def _dealt(classes: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """The part of each sample; each class is spread over as many parts as it has samples for."""
    parts = np.zeros(len(classes), np.int64)
    for one in np.unique(classes):
        members = rng.permutation(np.flatnonzero(classes == one))
        parts[members] = (np.arange(len(members)) + rng.integers(number)) % number
    return parts


def _learned(features: np.ndarray, classes: np.ndarray, asked: np.ndarray, num_classes: int) -> np.ndarray:
    """Probabilities (M, num_classes) of `asked` by a classifier that learned of the others."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    found, known = np.zeros((len(asked), num_classes)), np.unique(classes)
    if len(known) < 2:
        found[:, known] = 1
        return found
    with warnings.catch_warnings():
        # What is not yet settled in the last digits ranks the same.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(max_iter=MOST_STEPS, tol=1e-3).fit(features, classes)
    found[:, known] = model.predict_proba(asked)
    return found


def doubted(scores: np.ndarray, classes: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Places of the samples that are likely of another class, least sure of their own first, and the likeliest other.

    As many as have another class surer than those that are said to be of it are on average, with their own less sure
    than that: which ones is told by how sure their own class is.

    Args:
        scores: probabilities by class, out of sample, (N, classes).
        classes: what the samples are said to be, int64 (N,).
    """
    rows = np.arange(len(classes))
    counts = np.bincount(classes, minlength=scores.shape[1])
    usual = np.bincount(classes, scores[rows, classes], scores.shape[1]) / np.maximum(counts, 1)
    others = scores.copy()
    others[rows, classes] = -1
    best, own = others.argmax(axis=1), scores[rows, classes]
    is_known = counts[classes] >= LEAST_KNOWN
    is_counted = (own < usual[classes]) & ((others >= usual) & (counts >= LEAST_KNOWN)).any(axis=1) & is_known
    is_other = (others[rows, best] > own) & is_known
    order = np.argsort(own, kind="stable")
    return [int(place) for place in order if is_other[place]][: int(is_counted.sum())], best
