"""The test split of a run: nothing is chosen by it, and the finished model is measured on it once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from plx_train.contract.check import Checked
from plx_train.contract.division import LineRuns
from plx_train.contract.module import Module
from plx_train.contract.processor import Processor
from plx_train.data.formats.dataset_format import TEST
from plx_train.export.static_model import StaticModel, folder_engine
from plx_train.metrics.evaluate import evaluate
from plx_train.workflow.dataset import RunData
from plx_train.workflow.prepare import Prepared, prepare, test_file
from plx_train.workflow.record import Record


def measure_test(
    record: Record, data: RunData, module: Module[Any], export: Path, processor: Processor, num_threads: int
) -> dict[str, float]:
    """What the exported folder reaches on the samples that were kept apart for it; nothing where there are none.

    Runs of a sweep leave it alone: whoever compares them would choose by it.
    """
    session = record.session
    options = session.options
    file = None if record.trial.params else test_file(session.output)
    if file is None:
        return {}
    measured = replace(options, dataset=replace(options.dataset, val=file))
    prepared = prepare(measured, session.output, known=session.output)
    read = data.room.read(prepared.dataset, options.module)
    checked = data.room.check(read, data.processor, prepared.dataset, options.module)
    samples = checked.val
    _tell_lost(record, prepared, checked, file)
    if not samples:
        return {}
    model = StaticModel(export, options.device.name, threads=1)
    test = module.dataset(samples, "val", 0)
    if not len(test):
        session.console.warn(f"{file} holds no sample that can be measured")
        return {}
    found = evaluate(module, folder_engine(model, processor), test, processor, num_threads)
    session.console.info(f"{len(test)} samples of {file}, by which nothing was chosen, were measured once")
    return {f"{TEST}/{name}": value for name, value in found.metrics.items()}


def _tell_lost(record: Record, prepared: Prepared, checked: Checked[Any], file: str) -> None:
    """Writes down how much of the split is measured; nobody looked at its errors before."""
    lines = (prepared.origins or {}).get(file, ())
    of_tables = isinstance(lines, LineRuns)
    counts = {} if of_tables else {"samples": len(lines)}
    errors = tuple(one for one in checked.report.errors if one.path == file)
    record.write(test={**counts, "measured": len(checked.val), "errors": len(errors)})
    if errors:
        first = prepared.original(errors[0])
        measured = f"{len(checked.val)} of {len(lines)} samples of {file} can be measured"
        measured = f"{len(checked.val)} series of {file} can be measured" if of_tables else measured
        record.session.console.warn(f"{measured}, its number of errors is {len(errors)}: {first}")
