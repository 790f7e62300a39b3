"""Options of looking for wrong labels; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.contract.option import TypedAs, at_least, option


@dataclass
class AuditOptions:
    """How labels are looked through."""

    in_check: bool = option(False, TypedAs("audit"))
    """Looks through the labels in mode=check_dataset too, as mode=audit does; suspects are warnings there."""
    folds: int = option(5, at_least(2, at_most=50))
    """Parts of the samples, of which each is judged by what the others teach."""
    size: int | None = option(224, at_least(32, at_most=1024))
    """Pixels in which a classifier looks at images a second time, where it is given less: it sees more so, and takes
    longer. null: it looks once."""
    most: int = option(500, at_least(1))
    """Suspects that are listed and drafted as corrections, at most; the first of them are shown."""
