"""Options that rooms of series have in common."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import at_least, option


@dataclass
class SizeOptions:
    """Options of a network's size."""

    hidden: int | None = option(None, at_least(1))
    """Width of the network; null: its own default."""
    depth: int | None = option(None, at_least(1))
    """Layers of the network; null: its own default."""
    dropout: float | None = option(None, at_least(0, below=1))
    """Share of features left out in training; null: the network's own default."""

    @property
    def sizes(self) -> tuple[int | None, int | None, float | None]:
        """Width, layers and dropout, as networks are built by name."""
        return self.hidden, self.depth, self.dropout
