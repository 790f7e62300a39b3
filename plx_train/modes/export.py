"""mode=export: a run's best weights, or weights without a run, as PaddleX's folder, proven equal to the network."""

from __future__ import annotations

from plx_train.config.compose import Composed
from plx_train.ground.errors import ConfigError
from plx_train.machine.device import check_device
from plx_train.runs.result import RunResult
from plx_train.workflow.exporting import export_source
from plx_train.workflow.source import find_source
from plx_train.workflow.workbench import open_workbench


def run(composed: Composed) -> RunResult:
    """Writes ``<output>/export``."""
    check_device(composed.options.device)
    source = find_source(composed)
    if source.export:
        raise ConfigError(f"{source.export} is an exported folder already")
    with open_workbench(composed, source) as bench:
        exported = export_source(bench, source)
        rows = [("folder", str(exported.folder)), ("proof", exported.parity.sentence)]
        of_weights = [("weights", f"{source.weights}, as they are")] if source.weights else []
        bench.session.console.summary("export", [*of_weights, *rows])
    metrics = {f"val/{exported.parity.monitor}": exported.parity.exported}
    return RunResult("export", bench.session.output, metrics, export=exported.folder)
