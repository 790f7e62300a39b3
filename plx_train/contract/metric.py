"""What a metric offers to the evaluator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from plx_train.contract.sample import Sample


class Metric(ABC):
    """Accumulates over samples."""

    errors: ClassVar[frozenset[str]]
    """Names of `compute`'s numbers that are better when lower; all others are better when higher."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not isinstance(getattr(cls, "errors", None), frozenset):
            raise TypeError(f"{cls.__name__} must say which of its numbers are errors: errors = frozenset({{…}})")

    @abstractmethod
    def update(self, prediction: Any, sample: Sample) -> float:
        """Takes in one sample and returns its own value, which ranks the samples and is better as the monitor is."""

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """The numbers over all samples, by name."""

    def curve(self) -> Sequence[tuple[float, float]]:
        """(recall, precision) pairs; nothing where there is no such curve."""
        return ()
