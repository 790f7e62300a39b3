"""What a finished model says of the series it was trained on: its export's settings, or its checkpoint's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from plx_train.ground.errors import WeightsError
from plx_train.runs.checkpoint import is_checkpoint
from plx_train.runs.exported import is_export, read_inference


def recorded_processor(folder: Path) -> dict[str, Any] | None:
    """The processor's fields that a checkpoint keeps; None where `folder` is an export.

    Raises:
        WeightsError: it is neither, or can't be read.
    """
    if is_export(folder):
        return None
    if not is_checkpoint(folder):
        raise WeightsError(f"{folder} is neither a checkpoint nor an exported folder")
    try:
        found = json.loads((folder / "state.json").read_text("utf-8"))["processor"]
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f"{folder / 'state.json'} can't be read ({type(error).__name__})") from None
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}


def trained_processor(folder: Path, kind: Any, from_inference: Any) -> Any:
    """The processor of a finished model: of `kind` from a checkpoint, by `from_inference` from an export.

    Raises:
        WeightsError: `folder` is neither, or can't be read.
    """
    recorded = recorded_processor(folder)
    return from_inference(read_inference(folder)) if recorded is None else kind(**recorded)
