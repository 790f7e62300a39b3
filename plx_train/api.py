"""The same from Python: ``plx_train.run(["module=text_det", …])``."""

from __future__ import annotations

import html
import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from plx_train.ground.errors import UserError
from plx_train.onednn.choice import restore_convolutions


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
        cells = "".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in rows.items())
        return f"<table>{cells}</table>"


@contextmanager
def needing_the_workbench() -> Iterator[None]:
    """Says what to install where the block imports what the light installation lacks.

    Raises:
        UserError: a package is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("plx_train"):
            raise
        raise UserError(f"this needs the workbench, {error.name} above all: pip install 'plx_train[train]'") from None


def run(overrides: Sequence[str] = ()) -> RunResult:
    """Runs one command line's worth of ``key=value`` overrides in this process.

    Raises:
        plx_train.UserError: a mistake in the overrides, the data or the environment, in one sentence.
    """
    with needing_the_workbench():
        from plx_train.config.compose import compose_run

    shows_config = "--cfg" in overrides
    composed = compose_run([text for text in overrides if text != "--cfg"])
    if shows_config:
        print(composed.yaml, end="")
        return RunResult("cfg", Path())
    mode = importlib.import_module(f"plx_train.modes.{composed.options.mode}")
    try:
        return mode.run(composed)
    finally:
        restore_convolutions()
