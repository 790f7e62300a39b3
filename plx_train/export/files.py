"""The files that make up an exported model, and the hashes by which they are told apart."""

from __future__ import annotations

from pathlib import Path

from plx_train.export.static_model import STEM
from plx_train.ground.files import sha256

PARITY_FILE = "parity.json"


def file_hashes(folder: Path) -> dict[str, str]:
    """sha256 of each ``inference.*`` in `folder` by name: graph, parameters, settings, ONNX.

    Raises:
        OSError: one can't be read.
    """
    return {path.name: sha256(path) for path in sorted(folder.glob(f"{STEM}.*")) if path.is_file()}
