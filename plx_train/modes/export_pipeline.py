"""mode=export_pipeline: a pipeline with all its models in one folder, which runs here and in PaddleX."""

from __future__ import annotations

from plx_train.config.compose import Composed
from plx_train.ground.errors import ConfigError
from plx_train.ground.files import resolve_path
from plx_train.pipelines.freeze import freeze
from plx_train.runs.result import RunResult
from plx_train.terminal.console import make_console
from plx_train.workflow.pages import open_pipeline


def run(composed: Composed) -> RunResult:
    """Writes the folder ``output``."""
    options = composed.options
    if not options.output:
        raise ConfigError("mode=export_pipeline needs output=<folder to make>")
    pipeline = open_pipeline(options)
    folder = freeze(pipeline, resolve_path(options.output))
    rows = [(key, f"{model.name} ({model.reference}, sha256 {model.sha256[:12]})") for key, model in
            pipeline.models.items()]  # fmt: skip
    rows += [(key, said) for key, part in pipeline.parts.items() for said in part.predictor.processor.told()]
    rows += [
        ("folder", str(folder)),
        ("here", f"plx_train.pipeline({str(folder)!r})"),
        ("PaddleX", f"cd {folder} && paddlex --pipeline pipeline.yaml --input <{pipeline.SAMPLE}>"),
    ]
    make_console(quiet=options.quiet).summary(f"{pipeline.name}, frozen", rows)
    return RunResult("export_pipeline", folder)
