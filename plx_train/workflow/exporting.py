"""The proven export of a checkpoint, or of weights that are used as they are."""

from __future__ import annotations

from plx_train.export.write import Exported, export
from plx_train.runs.folder import EXPORT
from plx_train.workflow.as_they_are import origin_of
from plx_train.workflow.source import Source, load_source
from plx_train.workflow.workbench import Workbench


def export_source(bench: Workbench, source: Source) -> Exported:
    """Writes ``<output>/export`` and proves it on the validation split.

    Raises:
        UserError: the model can't be loaded, or its export is not equal to it.
    """
    session, options = bench.session, bench.session.options
    module = load_source(options, bench.data, source)
    made_of = origin_of(source.weights) if source.weights else {"run": source.run.name if source.run else ""}
    return export(
        module,
        bench.data.processor,
        session.output / EXPORT,
        bench.data.room.model_name(options.module),
        made_of | {"dataset_fingerprint": bench.data.report.fingerprint},
        module.dataset(bench.splits.val, "val", 0),
        onnx=options.onnx,
        num_threads=bench.device.eval_threads,
    )
