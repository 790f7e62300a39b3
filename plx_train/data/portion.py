"""Some of the samples of a training set, drawn so that every class has its part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from plx_train.ground.portions import Portion

Classes = Sequence[Sequence[int]]
"""The numbers of the classes in each sample; nothing where samples have none."""


def draw(classes: Classes, portion: Portion, seed: int) -> list[int]:
    """Places of the samples that a portion is, in their order.

    All come from one random order, so that a larger number, or a larger number for each class, holds the smaller one.
    Where each sample has one class, a share or a number is given out to classes by their sizes, one to each at least
    where it suffices.
    """
    order = [int(place) for place in np.random.default_rng(seed).permutation(len(classes))]
    if portion.is_per_class:
        return sorted(_of_each_class(classes, order, portion.number))
    number = portion.of(len(classes))
    if all(len(each) == 1 for each in classes):
        return sorted(_by_size(classes, order, number))
    return sorted(order[:number])


def _of_each_class(classes: Classes, order: Sequence[int], number: int) -> list[int]:
    """As few samples, in the order, as give each class that many where it has them."""
    taken: list[int] = []
    counts: Counter[int] = Counter()
    for place in order:
        if any(counts[one] < number for one in classes[place]):
            taken.append(place)
            counts.update(classes[place])
    return taken


def _by_size(classes: Classes, order: Sequence[int], number: int) -> list[int]:
    """The first of each class in the order, its part of `number` by D'Hondt's method."""
    members: dict[int, list[int]] = {}
    for place in order:
        members.setdefault(classes[place][0], []).append(place)
    sizes = sorted(((len(found), -one) for one, found in members.items()), reverse=True)
    seats = Counter({-one: 1 for _, one in sizes[:number]})
    while seats.total() < number:
        _, _, one = max((size / (seats[-one] + 1), size, one) for size, one in sizes if seats[-one] < size)
        seats[-one] += 1
    return [place for one, found in members.items() for place in found[: seats[one]]]
