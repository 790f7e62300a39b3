"""The typed options of a run outside the module; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from plx_train.config.model_options import PromoteOptions, QuantizeOptions
from plx_train.config.optimizer_options import OptimizerOptions
from plx_train.config.serve_options import ServeOptions

MODES = (
    *("check_dataset", "train", "evaluate", "export", "predict", "benchmark", "sync", "reproduce"),
    *("quantize", "export_pipeline", "promote", "serve", "doctor", "sweep_report"),
)


@dataclass
class ColumnsOptions:
    """Which columns of a table of time series hold what; images have none."""

    time: str | None = None
    """null: date, time, timestamp, datetime or ds, whichever there is."""
    targets: list[str] | None = None
    """What is forecast, or looked at for anomalies, or classified by; null: all numbers that are nothing else."""
    past_covariates: list[str] = field(default_factory=list)
    """Known up to the present."""
    future_covariates: list[str] = field(default_factory=list)
    """Known ahead, over the horizon too."""
    static_covariates: list[str] = field(default_factory=list)
    """One number per series."""
    group: str | None = None
    """Which series a row belongs to; null: group_id, where there is such a column."""
    label: str | None = None
    """Of anomalies and classes; null: label, where there is such a column."""


@dataclass
class DatasetOptions:
    """Where samples come from."""

    name: str = "custom"
    root: str = "???"
    """Folder of the dataset; paths in the label files are relative to it."""
    train: str = "train.txt"
    val: str = "val.txt"
    holdout_share: float = 0.15
    """Share of the training samples kept apart, whole documents at a time, to calibrate post-processing."""
    cache_mb: int = 512
    """Memory for decoded images in each loader worker, in MiB; 0 for none."""
    limit: int | None = None
    """Uses only this many samples of each split."""
    overfit: bool = False
    """Evaluates on the training samples: a model that can't learn them by heart has a fault in data or labels."""
    columns: ColumnsOptions = field(default_factory=ColumnsOptions)
    fill: str = "error"
    """What missing values of a series do: error, or linear, forward, zero, mean or drop."""
    time_zone: str | None = None
    """Of times that name none, as in Europe/Berlin; null: UTC."""
    unreadable: str = "fail"
    """What a training sample that can't be read does: fail ends the run; skip leaves it out and counts it."""
    ignore_findings: bool = False
    """Train although the check found errors; samples with errors are left out, and said so."""


@dataclass
class DeviceOptions:
    """A hardware profile."""

    name: str = "auto"
    type: str = "auto"
    ids: list[int] = field(default_factory=lambda: [0])
    """Which accelerators; with several, one process trains on each."""
    processes: int | None = None
    """Processes that train together on this machine; null: one for each id."""
    nodes: int = 1
    """Machines that train together; the same command is given on each."""
    master: str | None = None
    """host:port of the first machine, where there are several."""
    node_rank: int | None = None
    """This machine's number, from 0; null: assigned by the first."""
    sync_bn: bool = False
    """Batch statistics over all processes, where the device has it; else each has its own."""
    precision: str = "auto"
    """fp32, bf16, fp16 or auto: what is safe for the module on this device."""
    num_workers: int | None = None
    """Loader processes; null: by the number of cores."""
    threads: int | None = None
    """Threads of the numeric libraries; null: the profile's choice."""
    conv_backend: str = "auto"
    """What computes convolutions on a CPU: native, onednn, or auto for the latter where it agrees with the former."""
    conv_precision: str = "fp32"
    """bf16 has oneDNN multiply in it in training, on processors that can; all else stays fp32."""
    flags: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)


@dataclass
class TrainerOptions:
    """The loop."""

    epochs: int = 20
    max_steps: int | None = None
    """Ends the run after this many optimizer steps, whatever `epochs` says."""
    max_time: str | None = None
    """Ends the whole run, final evaluation included, after about this long: 90s, 20m, 2h."""
    batch_size: int = 4
    accumulate_steps: int = 1
    """Batches whose gradients are averaged into one optimizer step."""
    eval_every_epochs: int | None = 5
    eval_every_steps: int | None = None
    log_every_steps: int = 10
    save_every_steps: int | None = None
    """Optimizer steps between checkpoints, beside those at each evaluation."""
    save_interval: str | None = "5m"
    """Time between checkpoints, beside those at each evaluation: 30s, 5m; null for none."""
    keep_last: int = 2
    """The newest checkpoints that are kept; two, so that a damaged one costs little."""
    keep_every_steps: int | None = None
    """Checkpoints at multiples of this stay for good."""
    ema_decay: float | None = 0.99
    """Moving average of the weights, which is what is evaluated and exported; null for none."""
    patience: int | None = None
    """Evaluations without improvement after which the run ends."""
    min_delta: float = 0.0
    """What counts as an improvement for `patience`."""
    oom: str = "fail"
    """When memory runs out: fail names the batch size that fits; halve goes on in parts of the batch."""
    nonfinite: str = "stop"
    """When a loss or gradient is not finite: stop, skip the step, or rollback to a checkpoint and halve the rate."""


@dataclass
class WeightsOptions:
    """Where the network starts."""

    source: str | None = "auto"
    """A catalogue name, a file or a folder; auto: the module's published weights; null: from scratch."""
    allow_partial: bool = False


@dataclass
class TrackingOptions:
    """Where a run is recorded."""

    backend: str = "mlflow"
    """mlflow or off."""
    uri: str | None = None
    """null: a database in the folder `outputs`."""
    experiment: str = "plx_train"
    run_name: str | None = None
    visualdl: bool = False
    system_metrics: bool = True


@dataclass
class DoctorOptions:
    """mode=doctor"""

    bundle: str | None = None
    """Zip file to write, to attach to a bug report."""
    json: bool = False


@dataclass
class SweepOptions:
    """-m: many runs of one command."""

    sampler: str = "grid"
    """grid, random, tpe, gp or cmaes: what chooses the values."""
    trials: int | None = None
    """Configurations to try; null: all of a grid, else 20."""
    pruner: str = "none"
    """none, median, asha or hyperband: what ends runs early that won't be the best."""
    warmup: int | None = None
    """Evaluations that a run has had before it may be pruned; null: a fifth of a whole run's, one at least."""
    reduction: int = 3
    """Of asha and hyperband: one run in so many goes on at each rung."""
    objectives: list[str] = field(default_factory=list)
    """What is sought, as in [val/hmean] or [val/hmean, min:latency_ms]; empty: the module's own figure."""
    seeds: int = 1
    """Runs of each configuration, with as many seeds; it is judged by their mean."""
    workers: int = 1
    """Runs at the same time."""
    slots: list[str] = field(default_factory=list)
    """Where they run, as in [gpu:0, gpu:0, gpu:1]; empty: the cards of the device, or equal shares of the cores."""
    engine: str = "local"
    """local, ray or submitit: what carries the runs out."""
    engine_options: dict[str, Any] = field(default_factory=dict)
    """Of ray: address, cpus, gpus; of submitit: executor and its parameters."""
    max_failures: int | None = 10
    """Failed configurations after which no new one begins; null: any number."""
    max_time: str | None = None
    """After this long no new configuration begins: 30m, 8h."""
    storage: str | None = None
    """Address of a database where several machines sweep together; null: a journal file in the sweep's folder."""
    params: dict[str, str] = field(default_factory=dict)
    """What varies, by key, in the syntax of the command line: interval(1e-5, 1e-3), choice(a, b), 1,2,3."""
    when: list[str] = field(default_factory=list)
    """Parameters that vary only where others have a value: [module.stem_stride if module.network=PP-LCNet_x0_5]."""
    id: str | None = None
    """Name of the sweep; null: made from the command, so that the same command goes on with it."""
    fresh: bool = False
    """Begins anew although this command was swept before."""
    seed: int = 0
    """Of the sampler."""


@dataclass
class RunOptions:
    """One run: module x dataset x device."""

    mode: str = "train"
    module: Any = "???"
    dataset: DatasetOptions = field(default_factory=DatasetOptions)
    device: DeviceOptions = field(default_factory=DeviceOptions)
    trainer: TrainerOptions = field(default_factory=TrainerOptions)
    optimizer: OptimizerOptions = field(default_factory=OptimizerOptions)
    weights: WeightsOptions = field(default_factory=WeightsOptions)
    tracking: TrackingOptions = field(default_factory=TrackingOptions)
    doctor: DoctorOptions = field(default_factory=DoctorOptions)
    promote: PromoteOptions = field(default_factory=PromoteOptions)
    quantize: QuantizeOptions = field(default_factory=QuantizeOptions)
    serve: ServeOptions = field(default_factory=ServeOptions)
    sweep: SweepOptions = field(default_factory=SweepOptions)
    output: str | None = None
    """Folder of the run; null: outputs/<module>-<time>."""
    run: str | None = None
    """evaluate, export, quantize, benchmark, predict: a run id (or its beginning), a run folder, a checkpoint or an
    exported folder."""
    input: str | None = None
    """predict: an image or a folder."""
    pipeline: str | None = None
    """predict, export_pipeline, serve: OCR, another pipeline's name, a YAML in PaddleX's schema, or a frozen folder."""
    models: dict[str, str] = field(default_factory=dict)
    """Models of the pipeline's parts: an exported folder, a run's folder, models:/<name>@<alias> or runs:/<run id>."""
    resume: str | None = None
    """Goes on with a run: its id or folder, or auto for the one in `output`, which begins if there is none."""
    init_from: str | None = None
    """Starts a new run from the best weights of this run, checkpoint or export."""
    seed: int = 1
    deterministic: bool = True
    onnx: bool = False
    """Also export ONNX (extra onnx)."""
    quiet: bool = False
