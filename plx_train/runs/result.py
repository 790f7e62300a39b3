"""What a mode gives back to whoever ran it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plx_train.ground.markup import escape
from plx_train.runs.exported import exported_in
from plx_train.runs.folder import REPORT_FILE


@dataclass(frozen=True)
class RunResult:
    """What a run gave.

    Attributes:
        mode: what was run.
        output: the run's folder.
        metrics: final numbers by name, for example ``val/hmean``.
        run_id: MLflow's id of the run; None with ``tracking=off`` and in modes that record nothing.
        export: the exported folder, where there is one.
        report: the HTML report, where there is one.
        exit_code: of the command; 0 when all went well.
    """

    mode: str
    output: Path
    metrics: dict[str, float] = field(default_factory=dict)
    run_id: str | None = None
    export: Path | None = None
    report: Path | None = None
    exit_code: int = 0

    def _repr_html_(self) -> str:
        facts = {"mode": self.mode, "output": self.output, "run": self.run_id, "export": self.export}
        rows = {name: str(value) for name, value in facts.items() if value is not None}
        rows |= {name: f"{value:.4g}" for name, value in self.metrics.items()}
        cells = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
        return f"<table>{cells}</table>"


def recorded_result(folder: Path, facts: Mapping[str, Any], exit_code: int = 0) -> RunResult:
    """The result of a training run, from what its ``run.json`` says."""
    # Where it lies now, and never where a record says.
    export, report = exported_in(folder), folder / REPORT_FILE
    return RunResult(
        mode="train",
        output=folder,
        metrics=facts.get("metrics", {}),
        run_id=facts.get("run_id"),
        export=export if facts.get("export") else None,
        report=report if report.is_file() else None,
        exit_code=exit_code,
    )
