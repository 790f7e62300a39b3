"""What samples say of their classes: weights, imbalance, and names in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from plx_train.contract.check import Finding

IMBALANCE = 20
"""The largest class is so many times the smallest when the check speaks of it."""
LISTED = 10


def balanced_weights(truths: Sequence[Hashable], classes: Sequence[Hashable]) -> list[float]:
    """Weights with which the `classes` count alike, and samples 1 on average; 0 for those that no sample has."""
    counts = Counter(truths)
    present = max(sum(counts[each] > 0 for each in classes), 1)
    return [len(truths) / (present * counts[each]) if counts[each] else 0.0 for each in classes]


def imbalance_findings(file: str, counts: Mapping[Any, int], noun: str) -> list[Finding]:
    """A warning where one class has far more training samples, called `noun`, than another."""
    if len(counts) < 2 or max(counts.values()) < IMBALANCE * min(counts.values()):
        return []
    reason = (
        f"the largest class has {max(counts.values())} {noun} and the smallest {min(counts.values())}: "
        "consider module.class_weights=balanced"
    )
    return [Finding(file, 0, "warning", "imbalance", reason)]


def listed(names: Sequence[Any]) -> str:
    """The first of `names`, and how many more there are."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(map(str, names[:LISTED])) + more
