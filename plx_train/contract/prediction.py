"""What a model finds in one sample, as a result of a pipeline says it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Prediction(ABC):
    """What a model finds in one sample; rooms derive theirs from it, as a frozen dataclass."""

    @abstractmethod
    def to_json(self) -> Any:
        """Plain values."""

    def findings(self) -> dict[str, Any]:
        """What a pipeline's result says, by PaddleX's names; arrays where there are many numbers."""
        found: dict[str, Any] = self.to_json()
        return found

    def captions(self) -> list[tuple[str, float]] | None:
        """Names and scores to write over the picture, best first; None: the room's overlay shows them."""
        return None
