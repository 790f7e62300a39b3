"""Options that rooms of series have in common."""

from __future__ import annotations

from dataclasses import dataclass

LOSSES = ("mse", "mae", "huber")


@dataclass
class SizeOptions:
    """How large a network is."""

    hidden: int | None = None
    """Width of the network; null: its own default."""
    depth: int | None = None
    """Layers of the network; null: its own default."""
    dropout: float | None = None
    """null: the network's own default."""

    @property
    def sizes(self) -> tuple[int | None, int | None, float | None]:
        """Width, layers and dropout, as networks are built by name."""
        return self.hidden, self.depth, self.dropout
