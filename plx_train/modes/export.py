"""mode=export: a run's best weights as PaddleX's folder, proven equal to the network."""

from __future__ import annotations

from plx_train.config.compose import Composed
from plx_train.export.write import export
from plx_train.ground.errors import ConfigError
from plx_train.machine.device import check_device
from plx_train.runs.folder import EXPORT
from plx_train.runs.result import RunResult
from plx_train.workflow.source import find_source, load_source
from plx_train.workflow.workbench import open_workbench


def run(composed: Composed) -> RunResult:
    """Writes ``<output>/export``."""
    check_device(composed.options.device)
    source = find_source(composed.options)
    if source.export:
        raise ConfigError(f"run={composed.options.run} is an exported folder already")
    bench = open_workbench(composed, source)
    session, options = bench.session, bench.session.options
    module = load_source(options, bench.data, source)
    exported = export(
        module,
        bench.data.processor,
        session.output / EXPORT,
        bench.data.room.model_name(options.module),
        {"run": source.run.name if source.run else "", "dataset_fingerprint": bench.data.report.fingerprint},
        module.dataset(bench.splits.val, "val", 0),
        onnx=options.onnx,
        num_threads=bench.device.eval_threads,
    )
    session.console.summary("export", [("folder", str(exported.folder)), ("proof", exported.parity.sentence)])
    metrics = {f"val/{exported.parity.monitor}": exported.parity.exported}
    return RunResult("export", session.output, metrics, export=exported.folder)
