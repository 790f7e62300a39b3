"""Samples of validation that were trained on: one policy for rooms of images and of series."""

from __future__ import annotations

from plx_train.contract.check import Finding

MANY = 0.05
"""Share of validation's samples that are trained on from which on its figures are worth nothing."""


def trained_on_findings(file: str, equal: int, total: int, noun: str, how: str = "") -> list[Finding]:
    """An error where more than a few samples of validation equal trained ones; each of them is warned of elsewhere.

    Args:
        equal: how many of the `total` do.
        noun: what samples are, in the plural.
        how: in words, as ``, under other names``.
    """
    if equal <= max(MANY * total, 1):
        return []
    reason = f"{equal} of {total} {noun} are trained on as well{how}: what is measured on them is learned by heart"
    return [Finding(file, 0, "error", "validation-is-trained-on", reason)]
