"""The readers that are fuzzed, a file each, found by name."""

from __future__ import annotations

import importlib

from fuzzing.reader import Reader
from fuzzing.readers import graphs, images, indexes, labels, pdfs, runfolders, settings, tables, weights

READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        graphs.READER,
        weights.SAFETENSORS,
        weights.PDPARAMS,
        settings.READER,
        runfolders.READER,
        images.READER,
        pdfs.READER,
        tables.READER,
        labels.READER,
        indexes.READER,
    )
}


def reader_named(name: str) -> Reader:
    """The reader of a name, or at ``module:attribute``."""
    module, colon, attribute = name.partition(":")
    found: Reader = getattr(importlib.import_module(module), attribute) if colon else READERS[name]
    return found
