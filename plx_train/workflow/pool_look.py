"""What the images of a pool show beside those that are known: which of them are left out, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.config.options import RunOptions
from plx_train.few.pool import REST, Pool, find_pool
from plx_train.few.twins import repeats, thumbnails, twins
from plx_train.ground.errors import ConfigError
from plx_train.vision.image import IMAGE_SUFFIXES
from plx_train.workflow.dataset import RunData, Splits
from plx_train.workflow.kept_apart import images_of_test

UNREADABLE, OF_VALIDATION, OF_TEST, LABELLED, AGAIN = "unreadable", "validation", "test", "labelled", "again"
WORDS = {
    UNREADABLE: "can't be read",
    OF_VALIDATION: "show the same as validation images",
    OF_TEST: "show the same as test images",
    LABELLED: "show the same as labelled images",
    AGAIN: "show the same as earlier ones of the pool",
}
"""Why images of a pool are left out, as it is told of several."""


@dataclass(frozen=True)
class PoolLook:
    """The images of a pool beside those that are known.

    Attributes:
        root: the folder that holds all of them.
        samples: in order.
        reasons: why each is left out, one of `WORDS`; empty: it is not.
    """

    root: Path
    samples: list[Any]
    reasons: list[str]

    @property
    def kept(self) -> list[Any]:
        """What is not left out."""
        return [one for one, reason in zip(self.samples, self.reasons, strict=True) if not reason]

    @property
    def counts(self) -> Counter[str]:
        """How many are left out for each reason."""
        return Counter(reason for reason in self.reasons if reason)

    def __str__(self) -> str:
        counts = self.counts
        left = ", ".join(f"{counts[reason]} {words}" for reason, words in WORDS.items() if counts[reason])
        return f"of {len(self.samples)} images " + (f"are left out: {left}" if left else "none is left out")


def look_at_pool(
    options: RunOptions,
    data: RunData,
    splits: Splits,
    runs: Sequence[Path],
    listed: Pool | None = None,
    has_repeats: bool = True,
) -> PoolLook:
    """The images that ``dataset.pool`` names beside those of all splits.

    Args:
        runs: folders that the dataset's label files may have been written into.
        listed: what was found before in the place of the pool; None: nothing was looked for yet.
        has_repeats: leaves out what shows the same as an earlier image of the pool too.

    Raises:
        UserError: the pool holds no image, or the file of the test split is not there.
    """
    root, samples = unlabelled_samples(options, data, splits, listed)
    test = [data.room.unlabelled(path, path.name) for path in images_of_test(options, runs)]
    seen, can_be_read = thumbnails(samples)
    known = ((OF_VALIDATION, splits.val), (OF_TEST, test), (LABELLED, [*splits.train, *splits.holdout]))
    found = [(UNREADABLE, ~can_be_read), *((reason, twins(seen, thumbnails(given)[0])) for reason, given in known)]
    if has_repeats:
        found.append((AGAIN, repeats(seen)))
    reasons = np.full(len(samples), "", object)
    for reason, is_so in reversed(found):
        reasons[is_so] = reason
    return PoolLook(root, samples, reasons.tolist())


def unlabelled_samples(
    options: RunOptions, data: RunData, splits: Splits, listed: Pool | None = None
) -> tuple[Path, list[Any]]:
    """The folder that holds all images of ``dataset.pool``, and a sample of each.

    Args:
        listed: what was found there before; None: nothing was looked for yet.

    Raises:
        UserError: there are none.
    """
    given, root = options.dataset.pool, Path(options.dataset.root)
    if given == REST:
        if not splits.rest:
            raise ConfigError(
                "dataset.pool=rest: no label is left out: say how many are kept, as in dataset.labelled=10%"
            )
        return root, splits.rest
    pool = listed or find_pool(str(given), root, IMAGE_SUFFIXES)
    return pool.root, [data.room.unlabelled(path, name) for name, path in pool.paths()]
