"""What a run says of itself when it begins: parameters and datasets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plx_train.ground.characters import json_text
from plx_train.tracking.mlflow_writer import LONGEST_PARAM

LONG_PARAMS_NAME = "long_params.json"
LONGEST_DIGEST = 32


@dataclass(frozen=True)
class TrackedDataset:
    """A dataset the run read."""

    name: str
    fingerprint: str
    """Hash of the content; its first 32 characters are what MLflow shows as digest."""
    context: str
    """train or validation."""
    source: Path
    profile: dict[str, Any] = field(default_factory=dict)
    """Counts to show beside it, JSON-ready."""


def split_params(params: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Parameters as text, as users write them; those MLflow would cut are kept apart, and pointed to."""
    texts = {key: _param_text(value) for key, value in params.items()}
    long = {key: text for key, text in texts.items() if len(text) > LONGEST_PARAM}
    return {key: f"see artifact {LONG_PARAMS_NAME}" if key in long else text for key, text in texts.items()}, long


def _param_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json_text(value, default=str)


def dataset_content(dataset: TrackedDataset) -> dict[str, Any]:
    """A dataset as a record, JSON-ready."""
    return {
        "name": dataset.name,
        "digest": dataset.fingerprint[:LONGEST_DIGEST],
        "context": dataset.context,
        "source": str(dataset.source.absolute()),
        "profile": dataset.profile,
    }
