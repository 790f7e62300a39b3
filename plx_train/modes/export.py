"""mode=export: a run's best weights as PaddleX's folder, proven equal to the network."""

from __future__ import annotations

from plx_train.config.compose import Composed
from plx_train.export.write import export
from plx_train.ground.errors import ConfigError
from plx_train.machine.device import check_device
from plx_train.runs.result import RunResult
from plx_train.workflow.session import check_data, open_session, split, start_device, with_processor
from plx_train.workflow.source import find_source, load_source, with_recorded_options


def run(composed: Composed) -> RunResult:
    """Writes ``<output>/export``."""
    check_device(composed.options.device)
    source = find_source(composed.options)
    if source.export:
        raise ConfigError(f"run={composed.options.run} is an exported folder already")
    session = open_session(with_recorded_options(composed, source))
    options = session.options
    report, checked = check_data(session, source.checkpoint)
    val = split(checked, options.dataset, options.seed).val
    device = start_device(options)
    module, state = load_source(options.module, source)
    exported = export(
        module,
        with_processor(module, state["processor"]),
        session.output / "export",
        options.module.model_name,
        {"run": source.run.name if source.run else "", "dataset_fingerprint": report.fingerprint},
        module.dataset(val, "val", 0),
        onnx=options.onnx,
        num_threads=device.eval_threads,
    )
    session.console.summary("export", [("folder", str(exported.folder)), ("proof", exported.parity.sentence)])
    metrics = {f"val/{exported.parity.monitor}": exported.parity.exported}
    return RunResult("export", session.output, metrics, export=exported.folder)
