"""What made the vectors of an index: only vectors of the same make can be compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plx_train.runs.exported import file_hashes, lineage, model_name, read_inference
from plx_train.runs.folder import INFERENCE_FILE

STEPS = ("PreProcess", "Reading")
"""Sections of ``inference.yml`` that decide what the network sees."""


@dataclass(frozen=True)
class Maker:
    """The model that makes vectors.

    Attributes:
        fingerprint: sha256 of its graph, its parameters and how it sees images; a threshold may change.
        name: by which PaddleX knows it.
        run_id: of the run that trained it, where that is known.
    """

    fingerprint: str
    name: str
    run_id: str | None = None

    def told(self) -> str:
        """Which one it is, in words."""
        return f"{self.name} {self.fingerprint[:12]}{f' of run {self.run_id}' if self.run_id else ''}"


def maker_from(told: Any) -> Maker:
    """The model that an index's file speaks of.

    Raises:
        ValueError: it speaks of none.
    """
    parts = (told.get("fingerprint"), told.get("name"), told.get("run_id")) if isinstance(told, dict) else (None,) * 3
    fingerprint, name, run_id = parts
    if not (isinstance(fingerprint, str) and isinstance(name, str) and isinstance(run_id, str | None)):
        raise ValueError("it does not say which model made it")
    return Maker(fingerprint, name, run_id)


def maker_of(folder: Path) -> Maker:
    """The model in an exported folder.

    Raises:
        UserError: it is none.
    """
    inference = read_inference(folder)
    hashes = {name: value for name, value in file_hashes(folder).items() if name != INFERENCE_FILE}
    seen: dict[str, Any] = {name: inference.get(name) for name in STEPS}
    text = json.dumps([sorted(hashes.items()), seen], sort_keys=True)
    run_id = lineage(inference).get("run_id")
    return Maker(hashlib.sha256(text.encode()).hexdigest(), model_name(inference), str(run_id) if run_id else None)
