"""What mode=promote works on: the candidate that ``run=`` names, and what its gates are judged by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.config.compose import Composed
from plx_train.config.options import RunOptions
from plx_train.contract.pipelines import declaration_of, part_for, place_of
from plx_train.export.graphs.checked import check_every_graph
from plx_train.export.static_model import processor_of
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import resolve_path
from plx_train.ground.places import datasets_dir
from plx_train.pipelines.config import read_config, with_models
from plx_train.registry.candidate import Candidate, Measurement, read_candidate
from plx_train.registry.promotion import Judges
from plx_train.registry.resolve import PREFIXES, resolve, resolver
from plx_train.runs.exported import exported_in, is_export, read_inference
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import CONFIG_FILE, EXPORT, RUN_FILE
from plx_train.sweep.command import sweeps_folder
from plx_train.sweep.history import best_run, find_sweep
from plx_train.vision.image import IMAGE_SUFFIXES
from plx_train.workflow.inputs import find_files
from plx_train.workflow.source import Source

if TYPE_CHECKING:
    from plx_train.workflow.workbench import Workbench


def find_candidate(options: RunOptions, uri: str) -> tuple[Candidate, Source]:
    """The exported folder that `options.run` names, or a sweep's best run, and the source that leads to its dataset.

    Raises:
        UserError: there is none.
    """
    name = str(options.run or best_run(find_sweep(sweeps_folder(), str(options.sweep.id)), options.trust))
    if name.startswith(PREFIXES):
        return _from_store(name, uri)
    folder = resolve_path(name)
    if not folder.exists():
        from plx_train.tracking import find_run, is_folder_of

        record = find_run(uri, name)
        is_here = record.output is not None and is_folder_of(record.output, record.run_id)
        if record.output is None or not is_here or not is_export(record.output / EXPORT):
            return _from_store(f"runs:/{record.run_id}", uri)
        folder = record.output
    export = exported_in(folder)
    if export is None:
        raise UserError(f"run={name}: {folder} holds no exported model: run mode=export run={name}")
    parent = export.parent
    run_id = read_facts(parent).get("run_id") if (parent / RUN_FILE).is_file() else None
    has_config = (parent / CONFIG_FILE).is_file()
    return read_candidate(export, run_id), Source(None, export, parent if has_config else None)


def _from_store(reference: str, uri: str) -> tuple[Candidate, Source]:
    found = resolve(reference, uri)
    return read_candidate(found.folder, found.run_id), Source(None, found.folder, _run_folder(found.run_id, uri))


def _run_folder(run_id: str | None, uri: str) -> Path | None:
    """The run's folder, where it is on this machine: its configuration names the dataset."""
    from plx_train.tracking import find_run, is_folder_of

    try:
        record = find_run(uri, run_id) if run_id else None
    except UserError:
        return None
    if record is None or record.output is None or not is_folder_of(record.output, record.run_id):
        return None
    return record.output if (record.output / CONFIG_FILE).is_file() else None


def make_judges(composed: Composed, candidate: Candidate, source: Source, name: str, uri: str) -> Judges:
    """
    Raises:
        ConfigError: it is not known in which pipeline the model is to run, or that has no such part.
    """
    options = composed.options
    pipeline, part = _place(options, name, candidate.module)
    # Said before a version is made, and where no gate would ask because the alias stands on it already.
    with_models(read_config(pipeline), {part: str(candidate.folder)})
    check_every_graph(candidate.folder)

    def load(folder: Path) -> Any:
        from plx_train.pipelines.load import load_pipeline

        return load_pipeline(pipeline, models={**options.models, part: str(folder)}, resolve=resolver(uri))

    def measure(folder: Path) -> Measurement:
        return remeasure(composed, candidate, source, folder)

    return Judges(measure, load, part, sample_file(options, processor_of(read_inference(candidate.folder)).suffixes))


def _place(options: RunOptions, name: str, module: str) -> tuple[str, str]:
    """The pipeline and its part that the model is for: what the command says, else what pipelines declare.

    Raises:
        ConfigError: neither says it.
    """
    known, part = place_of(name) or place_of(module), options.promote.part
    if options.pipeline and not part:
        part = part_for(declaration_of(read_config(options.pipeline)), name, module)
    if known:
        return options.pipeline or known[0], part or known[1]
    if not options.pipeline or not part:
        raise ConfigError(f"it is not known in which pipeline {name} runs: give pipeline=… and part=…")
    return options.pipeline, part


def sample_file(options: RunOptions, suffixes: frozenset[str]) -> Path | None:
    """What latency is measured on: the first file of `input`, else a page that comes with plx_train; None for series.

    Raises:
        UserError: `input` holds no file that can be read.
    """
    if options.input:
        found = find_files(resolve_path(options.input), suffixes)
        if not found.files:
            raise found.faults[0]
        return next(iter(found.files.values()))
    if not suffixes >= IMAGE_SUFFIXES:
        return None
    return next(iter(find_files(datasets_dir() / "pages" / "images").files.values()))


def remeasure(composed: Composed, candidate: Candidate, source: Source, folder: Path) -> Measurement:
    """What the exported `folder` reaches on the candidate's dataset, by the evaluator that training uses.

    Raises:
        UserError: the dataset is not here, or has changed.
    """
    from plx_train.workflow.workbench import open_workbench

    with open_workbench(composed, source) as bench:
        return _remeasured(bench, candidate, folder)


def _remeasured(bench: Workbench, candidate: Candidate, folder: Path) -> Measurement:
    from plx_train.workflow.evaluation import evaluate_source

    assert candidate.measurement is not None
    session, fingerprint = bench.session, bench.data.report.fingerprint
    if fingerprint != candidate.measurement.fingerprint:
        raise UserError(
            f"the dataset at {session.options.dataset.root} has the fingerprint {fingerprint[:12]}, but the "
            f"candidate was measured on {candidate.measurement.fingerprint[:12]}: give dataset.root=…"
        )
    session.console.info("the current version was never measured on this dataset, so it is measured now")
    _, evaluation = evaluate_source(bench, Source(None, folder, None))
    metric = candidate.measurement.metric
    if metric not in evaluation.metrics:
        raise UserError(f"the evaluation gives no {metric}, only {', '.join(evaluation.metrics)}")
    return Measurement(metric, evaluation.metrics[metric], fingerprint, len(bench.splits.val))
