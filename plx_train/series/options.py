"""Options that all rooms of series have."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import Trait, at_least, option


@dataclass
class NetworkOptions:
    """Which network it is, and how large; rooms say which ones there are."""

    name: str = option("", Trait.INTERNAL)
    network: str = ""
    """Network that is trained."""
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
