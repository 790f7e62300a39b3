"""The files that make up an exported model, and the hashes by which they are told apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

from plx_train.export.static_model import STEM

PARITY_FILE = "parity.json"
READ_BYTES = 1 << 20


def file_hashes(folder: Path) -> dict[str, str]:
    """sha256 of each ``inference.*`` in `folder` by name: graph, parameters, settings, ONNX.

    Raises:
        OSError: one can't be read.
    """
    return {path.name: sha256(path) for path in sorted(folder.glob(f"{STEM}.*")) if path.is_file()}


def sha256(path: Path) -> str:
    """Of a file's content, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
