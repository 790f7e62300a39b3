"""Options of what is done with a finished model: it is promoted, quantised, or fills an index."""

from __future__ import annotations

from dataclasses import dataclass, field

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


@dataclass
class IndexOptions:
    """How an index of known images is built, and changed."""

    source: str | None = None
    """Index that `input` is added to, or `remove` is taken from: its folder, or models:/<name>@<alias>; null: a new
    one."""
    remove: list[str] = field(default_factory=list)
    """Labels, or numbers of single images, that are taken out."""
    registered: str | None = None
    """Name under which the index becomes a version of the registry, to which `alias` moves; null: it does not."""
    alias: str = "champion"
    """Alias that moves to the version."""
