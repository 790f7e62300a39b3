"""The typed options of a run outside the module; each default stands in this wing alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from plx_train.config.audit_options import AuditOptions
from plx_train.config.device_options import DeviceOptions
from plx_train.config.few_options import FewOptions, SuggestOptions
from plx_train.config.model_options import IndexOptions, PromoteOptions, QuantizeOptions
from plx_train.config.serve_options import ServeOptions
from plx_train.config.studio_options import StudioOptions
from plx_train.config.sweep_options import SweepOptions
from plx_train.config.training_options import OptimizerOptions, TrainerOptions
from plx_train.contract.dataset_options import ColumnsOptions as ColumnsOptions
from plx_train.contract.dataset_options import DatasetOptions
from plx_train.contract.option import Trait, TypedAs, at_least, one_of, option

MODES = {
    "train": "fine-tune, evaluate, export and prove the export (the default)",
    "check_dataset": "check every label line and image, with a report",
    "audit": "labels that are likely wrong, with what they should say, by module=… and dataset=…, or by run=…",
    "convert": "dataset.root=… copied to output=DIR in PaddleX's format, and checked",
    "evaluate": "metrics of run=<run id, run folder, checkpoint or exported folder>, or of weights=",
    "export": "write inference.json, .pdiparams and .yml of run=… or weights=…, and prove them",
    "predict": "what run=…, weights=… or pipeline=OCR finds in input=<file or folder>",
    "suggest": "which suggest.number=50 images of dataset.pool=… to label next, ranked; by run=… or published weights",
    "quantize": "run=… or weights=… in int8, and what its metric loses by that",
    "build_index": "an index of known images, input=<folders or label file>, by the features of run=…; index.source=…",
    "export_pipeline": "pipeline=OCR with its models in one folder, output=…, for here and PaddleX",
    "benchmark": "where the time goes: step, loop, loader, evaluation; of run=… or weights=…: engines",
    "sync": "send records that did not reach MLflow: run=…, or those of all runs in outputs",
    "reproduce": "run a recorded run again and say where it first differs: run=…",
    "promote": "run=… becomes a version, and alias=champion moves to it if gates hold; history=true, rollback=true",
    "sweep_report": "table and plots of sweep_id=<id or folder>",
    "doctor": "versions, devices, memory, rights; doctor.bundle=report.zip packs them",
    "serve": "a pipeline over HTTP, with a web page: pipeline=ocr serve.port=8080",
    "studio": "all of this in a browser: python -m plx_train studio",
}
"""What a command can do; each is the file of its name under ``modes/``."""


@dataclass
class WeightsOptions:
    """Where the network starts."""

    source: str | None = option("auto", TypedAs("weights"))
    """Catalogue name, file or folder of the weights; auto: the module's published ones; null: from scratch. They are
    where training starts, and the model itself for evaluate, export, quantize, benchmark and predict without `run`."""
    allow_partial: bool = False
    """Starts although some of the network's weights are missing there; those begin at random."""


@dataclass
class TrackingOptions:
    """Where a run is recorded."""

    backend: str = option("mlflow", one_of("mlflow", "off"))
    """Keeper of the record; off: nothing but the run's own folder."""
    uri: str | None = option(None, Trait.HARMLESS)
    """Address of the MLflow server or database; null: a database in the folder `outputs`."""
    experiment: str = "plx_train"
    """Name of MLflow's experiment."""
    run_name: str | None = None
    """Name of MLflow's run; null: the run's folder."""
    visualdl: bool = option(False, Trait.HARMLESS)
    """Writes the record for VisualDL too."""
    system_metrics: bool = option(True, Trait.HARMLESS)
    """Records how busy processor, memory and accelerators are."""


@dataclass
class DoctorOptions:
    """What is done with the findings of mode=doctor."""

    bundle: str | None = None
    """Zip file to write, to attach to a bug report."""
    json: bool = False
    """Prints the findings as JSON."""


@dataclass
class RunOptions:
    """One run: module x dataset x device."""

    mode: str = option("train", one_of(*MODES), Trait.SURROUNDING, Trait.FIXED_IN_SWEEP, Trait.OF_FUSION)
    """Task of the command."""
    module: Any = "???"
    """What is trained; its options are those of its room."""
    dataset: DatasetOptions = field(default_factory=DatasetOptions)
    device: DeviceOptions = field(default_factory=DeviceOptions)
    few: FewOptions = field(default_factory=FewOptions)
    suggest: SuggestOptions = field(default_factory=SuggestOptions)
    audit: AuditOptions = option(AuditOptions, Trait.HARMLESS)
    trainer: TrainerOptions = field(default_factory=TrainerOptions)
    optimizer: OptimizerOptions = field(default_factory=OptimizerOptions)
    weights: WeightsOptions = field(default_factory=WeightsOptions)
    tracking: TrackingOptions = option(TrackingOptions, Trait.FIXED_IN_SWEEP)
    doctor: DoctorOptions = option(DoctorOptions, Trait.HARMLESS)
    promote: PromoteOptions = option(PromoteOptions, Trait.BARE)
    quantize: QuantizeOptions = field(default_factory=QuantizeOptions)
    index: IndexOptions = option(IndexOptions, Trait.HARMLESS)
    serve: ServeOptions = field(default_factory=ServeOptions)
    studio: StudioOptions = option(StudioOptions, Trait.HARMLESS)
    sweep: SweepOptions = option(SweepOptions, Trait.FIXED_IN_SWEEP)
    output: str | None = option(*(None, Trait.SURROUNDING, Trait.FIXED_IN_SWEEP, Trait.HOW_TO_SWEEP, Trait.OF_FUSION))
    """Folder of the run; null: outputs/<module>-<mode>-<time>."""
    run: str | None = option(None, Trait.FIXED_IN_SWEEP)
    """Model to evaluate, export, quantize, benchmark, suggest or predict with: a run id (or its beginning), a run
    folder, a checkpoint or an exported folder; null: what `weights` names, as they are."""
    input: str | None = None
    """Image, table or folder of them to predict."""
    pipeline: str | None = None
    """Pipeline to predict with, export or serve: OCR, another one's name, a YAML in PaddleX's schema, or a frozen
    folder."""
    pipeline_parameters: dict[str, Any] = field(default_factory=dict)
    """Parameters of the pipeline's calls, by PaddleX's names, typed as pipeline.<parameter>=…, for mode=predict and
    serve."""
    models: dict[str, str] = field(default_factory=dict)
    """Models of the pipeline's parts: an exported folder, a run's folder, models:/<name>@<alias> or runs:/<run id>."""
    resume: str | None = option(None, Trait.SURROUNDING, Trait.FIXED_IN_SWEEP, Trait.OF_FUSION)
    """Goes on with a run: its id or folder, or auto for the one in `output`, which begins if there is none."""
    trust: bool = option(False, Trait.SURROUNDING, Trait.FIXED_IN_SWEEP, Trait.HOW_TO_SWEEP, Trait.OF_FUSION)
    """Goes on with, repeats or sends a run that somebody else made, or another machine, as if it were one's own: look
    through its config.yaml first. Its numbers are read without."""
    teacher: str | None = None
    """Model that says what the pool shows, and where there is no pool what the training images do: a run, an exported
    folder or models:/<name>@<alias>; null: what the run itself has learned so far."""
    init_from: str | None = None
    """Starts a new run from the best weights of this run, checkpoint or export."""
    seed: int = option(1, at_least(0, at_most=2**31 - 1))
    """Number from which every random choice follows, whatever the number of loader workers."""
    deterministic: bool = True
    """Takes those kernels of a GPU that give the same bits again."""
    onnx: bool = option(False, Trait.HARMLESS)
    """Exports ONNX too (extra onnx)."""
    quiet: bool = option(False, Trait.SURROUNDING, Trait.FIXED_IN_SWEEP, Trait.HOW_TO_SWEEP)
    """Shows warnings, errors and the final summary only."""
