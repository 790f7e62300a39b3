"""Where the files that ship with the package lie: beside it in a checkout, inside it once installed."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def conf_dir() -> Path:
    """The folder of Hydra's YAML files."""
    return _shipped("conf")


def datasets_dir() -> Path:
    """The folder of the embedded datasets."""
    return _shipped("datasets")


def _shipped(name: str) -> Path:
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name
