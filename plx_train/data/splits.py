"""Splits by document: pages of one book must not stand on both sides of a split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from plx_train.contract.check import Checked

MIN_GROUPS = 3
"""Fewer documents than this are no basis for holding out whole ones."""


class OfDocument(Protocol):
    """A sample that knows where it comes from."""

    @property
    def document(self) -> str: ...


Page = TypeVar("Page", bound=OfDocument)


@dataclass(frozen=True)
class CheckedDocuments(Checked[Page]):
    """The report, and samples that name the document they come from."""

    def hold_out(self, train: list[Page], share: float, seed: int) -> tuple[list[Page], list[Page]]:
        """Samples to train on and those held out, by what each names as its ``document``."""
        kept, held = holdout_split([sample.document for sample in train], share, seed)
        return [train[index] for index in kept], [train[index] for index in held]


def document_of(name: str) -> str:
    """The document a sample comes from: its file's path without suffix, trailing number and separators.

    ``scans/guide_0012.jpg`` is of the document ``scans/guide``, ``guide/0012.jpg`` of ``guide/``.
    """
    return re.sub(r"[\s_.\-]*\d*$", "", Path(name).with_suffix("").as_posix())


def holdout_split(names: Sequence[str], share: float, seed: int) -> tuple[list[int], list[int]]:
    """Splits samples into those to train on and those held out, by whole documents.

    Documents (`document_of`) are drawn at random until the share is reached as nearly as whole ones allow.
    With fewer than three documents, or where each is at least twice as large as that share, single samples
    are drawn.

    Args:
        names: one file name per sample.
        share: of the samples to hold out, 0 to 1; 0 holds out none.
        seed: of the draw.

    Returns:
        indices kept and indices held out, each in order; both hold one at least where there are two samples
        and the share is above 0.
    """
    if share <= 0 or len(names) < 2:
        return list(range(len(names))), []
    rng = np.random.default_rng(seed)
    target = min(max(round(share * len(names)), 1), len(names) - 1)
    members: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        members.setdefault(document_of(name), []).append(index)
    held = _whole_documents(list(members.values()), target, rng) if len(members) >= MIN_GROUPS else []
    if not held:
        held = rng.permutation(len(names))[:target].tolist()
    chosen = set(held)
    return [index for index in range(len(names)) if index not in chosen], sorted(chosen)


def _whole_documents(documents: list[list[int]], target: int, rng: np.random.Generator) -> list[int]:
    """About `target` samples of whole documents; none where every document is twice as large or larger."""
    num_samples = sum(len(document) for document in documents)
    held: list[int] = []
    for position in rng.permutation(len(documents)):
        document = documents[position]
        comes_nearer = abs(len(held) + len(document) - target) < abs(len(held) - target)
        if comes_nearer and len(held) + len(document) < num_samples:
            held += document
    return held
