"""A run's part in a sweep: it says what each evaluation gave and hears whether to go on; alone, nothing happens."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plx_train.ground.files import read_limited, replace_file
from plx_train.ground.parsed import parse_json
from plx_train.runs.folder import MOST_RECORD_BYTES, PRUNED_FILE, REPORTS_FILE

VARIABLE = "PLX_TRAIN_TRIAL"
"""Environment variable by which a sweep tells a run what it is, as JSON."""


class Pruned(SystemExit):
    """The end of a run that its sweep has no more use for."""

    def __init__(self, reason: str, step: int) -> None:
        super().__init__(0)
        self.reason, self.step = reason, step

    def __str__(self) -> str:
        return f"pruned at step {self.step}: {self.reason}"


@dataclass(frozen=True)
class Trial:
    """What a run knows of the sweep it belongs to.

    Attributes:
        folder: of the run; None: it belongs to none.
        tags: for its record in MLflow.
        params: what varies in the sweep, by key.
        objectives: names of the metrics that the sweep wants at the end.
    """

    folder: Path | None = None
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    objectives: tuple[str, ...] = ()

    def report(self, step: int, epochs: tuple[float, float], monitor: str, metrics: dict[str, float]) -> None:
        """Says what an evaluation gave.

        Args:
            epochs: done, and planned.
            monitor: name of the metric that picks the best checkpoint.
        """
        if self.folder is None:
            return
        line = {"step": step, "epochs": epochs[0], "planned_epochs": epochs[1], "monitor": monitor, "metrics": metrics}
        with (self.folder / REPORTS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def is_pruned(self) -> bool:
        """Whether the run is to end."""
        return self.folder is not None and (self.folder / PRUNED_FILE).exists()

    def reason(self) -> str:
        """Why it is to end."""
        return (self.folder / PRUNED_FILE).read_text("utf-8").strip() if self.folder else ""


def current_trial(folder: Path) -> Trial:
    """That of this process, whose run is in `folder`."""
    given = parse_json(os.environ.get(VARIABLE) or "null")
    if not given or Path(given["folder"]) != folder.absolute():
        return Trial()
    return Trial(folder, given["tags"], given["params"], tuple(given["objectives"]))


def environment_of(folder: Path, tags: dict[str, str], params: dict[str, Any], objectives: list[str]) -> dict[str, str]:
    """What a sweep sets so that the run in `folder` finds itself."""
    given = {"folder": str(folder.absolute()), "tags": tags, "params": params, "objectives": objectives}
    return {VARIABLE: json.dumps(given)}


def prune(folder: Path, reason: str) -> None:
    """Tells the run in `folder` to end."""
    replace_file(folder / PRUNED_FILE, f"{reason}\n")


def read_reports(folder: Path) -> list[dict[str, Any]]:
    """What the run in `folder` has said, by step, each evaluation once; a line that is still being written is left."""
    try:
        text = read_limited(folder / REPORTS_FILE, MOST_RECORD_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    found: dict[int, dict[str, Any]] = {}
    for line in text.splitlines(keepends=True):
        try:
            report = parse_json(line)
            found.setdefault(int(report["step"]), report)
        except (ValueError, KeyError, TypeError, OverflowError):
            continue
    return [found[step] for step in sorted(found)]
