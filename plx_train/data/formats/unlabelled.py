"""A folder of images that nobody labelled: what they show stands in a file of corrections alone."""

from __future__ import annotations

from plx_train.contract.truth import Truth
from plx_train.data.formats.dataset_format import TRAIN, Annotations, DataFolder, DatasetFormat

BARE = "images"


class BareImages(DatasetFormat):
    """Images and nothing else; no folder looks like it, for all others may hold images without labels too."""

    name = BARE
    title = "images whose labels stand in dataset.corrections"
    truths = frozenset({Truth.CLASS, Truth.LABELS, Truth.TEXT, Truth.TEXTS, Truth.BOXES, Truth.MASKS})
    names_all = False
    is_seen = False

    def sign(self, folder: DataFolder) -> str | None:
        """None: it is taken where nothing else is, and labels are given."""
        return None

    def read(self, folder: DataFolder) -> Annotations:
        """No label."""
        return Annotations(folder.truth, {TRAIN: []})
