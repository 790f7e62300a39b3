"""Classes whose names read like those of larger ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

from plx_train.contract.check import Finding

RARE = 5
"""A class has so many times the samples of one that may be its name misspelt."""
SHORTEST = 4
"""Letters of names that are compared."""


def misspelt_findings(samples: Sequence[tuple[str, Sequence[int]]], names: Sequence[str]) -> list[Finding]:
    """A warning for each class of few samples whose name reads like that of one with many.

    Args:
        samples: ``file:line`` of the label of each training sample, and the numbers of its classes.
        names: of the classes, by number.
    """
    counts = Counter(number for _, numbers in samples for number in {*numbers})
    findings = []
    for rare, count in counts.items():
        common = [other for other in counts if counts[other] >= RARE * count and read_alike(names[rare], names[other])]
        if common:
            best = max(common, key=lambda other: counts[other])
            place = next(where for where, numbers in samples if rare in numbers)
            file, _, line = place.rpartition(":")
            reason = (
                f"the class {names[rare]!r} (samples: {count}) reads like {names[best]!r} (samples: "
                f"{counts[best]}): is it misspelt?"
            )
            findings.append(Finding(file, int(line), "warning", "class-misspelt", reason))
    return findings


def read_alike(one: str, other: str) -> bool:
    """Whether names differ by a slip, and not by a number or a word."""
    one, other = (re.sub(r"[\W_]+", "", name.casefold()) for name in (one, other))
    if re.sub(r"\d", "", one) == re.sub(r"\d", "", other) and one != other:
        return False
    shortest = min(len(one), len(other))
    are_same_letters = shortest >= SHORTEST - 1 and sorted(one) == sorted(other)
    return one == other or ((shortest >= SHORTEST or are_same_letters) and _is_a_slip_apart(one, other))


def _is_a_slip_apart(one: str, other: str) -> bool:
    """Whether one letter is missing, too many, another one, or two have changed places."""
    for _ in range(2):
        # What both begin with, then what they end with.
        shared = sum(takewhile(bool, (a == b for a, b in zip(one, other, strict=False))))
        one, other = one[shared:][::-1], other[shared:][::-1]
    return max(len(one), len(other)) == 1 or (len(one) == 2 and one == other[::-1])
