"""Options of what is done with a finished model: it is promoted, or quantised."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import at_least, option


@dataclass
class PromoteOptions:
    """How a model is promoted; each key may be written without `promote.`, as in alias=champion."""

    alias: str = "champion"
    """Alias that moves to the version, and that pipelines and the server follow."""
    registered: str | None = None
    """Name of the registered model; null: the module's."""
    part: str | None = None
    """Part of the pipeline that the model takes, as in TextDetection; null: by the registered model's name."""
    history: bool = False
    """Shows every attempt so far."""
    rollback: bool = False
    """Points the alias at the version before."""
    force: bool = False
    """Moves the alias although gates do not hold; needs a reason."""
    reason: str | None = None
    """Reason in your words, which is kept in the ledger."""
    delete: str | None = None
    """Deletes this version, if no alias points at it."""


@dataclass
class QuantizeOptions:
    """How an export is brought to int8."""

    samples: int = option(64, at_least(1))
    """Training samples by which the ranges of activations are found."""
    tolerance: float = option(0.01, at_least(0))
    """Loss of the metric above which int8 is advised against; where the metric is an error, a share of it."""
