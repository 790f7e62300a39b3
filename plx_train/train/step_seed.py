"""Random draws of a step as a function of (seed, step, rank): there is no generator's state to carry over."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

import numpy as np

from plx_train.distributed import ranks

WORDS_AT_ONCE = 64
"""Made in a row a word takes a fifth of the time that it takes between the operations of two steps."""


class StepSeed:
    """Has every generator of this process begin anew at each step."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._generator: Any = None

    def __call__(self, step: int) -> None:
        """Begins `step`."""
        block, place = divmod(step, WORDS_AT_ONCE)
        word = _words(self.seed, ranks.rank(), block)[place]
        random.seed(word)
        np.random.seed(word)
        self._seed_paddle(word)

    def _seed_paddle(self, word: int) -> None:
        if self._generator is not None:
            self._generator.manual_seed(word)
            return
        import paddle

        generator = paddle.seed(word)
        # Other devices have generators beside the one that is returned.
        if paddle.device.get_device() == "cpu":
            self._generator = generator


@lru_cache(maxsize=4)
def _words(seed: int, rank: int, block: int) -> list[int]:
    first = block * WORDS_AT_ONCE
    steps = range(first, first + WORDS_AT_ONCE)
    return [int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0]) for step in steps]
