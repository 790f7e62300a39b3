"""The names of all that lies in a run's folder; they are spelled here alone."""

from __future__ import annotations

from pathlib import Path

MOST_RECORD_BYTES = 1 << 28
"""The largest JSON or YAML file of a run or an export that is read."""

OUTPUTS = "outputs"
"""Where runs lie, beside one another, unless a command says otherwise; the store of their records too."""

CONFIG_FILE = "config.yaml"
RUN_FILE = "run.json"
SWEEP_FILE = "sweep.json"
"""What a run, and a sweep, is known by."""
LOCK_FILE = "run.lock"
RANK_LOCK_FILE = "rank.lock"
"""Locks of the command that works in the folder, and of the first of the processes that it has train together."""
CHECK_FILE = "check.json"
IMAGES_FILE = "images.json"
"""What the check of a dataset of images read of each of them."""
SAMPLES = "samples"
REPORT_FILE = "report.html"
OVERLAYS = "overlays"

METRICS_FILE = "metrics.json"
PREDICTIONS_FILE = "predictions.json"
BENCHMARK_FILE = "benchmark.json"
COMPARISON_FILE = "comparison.json"
SUGGESTIONS = "suggestions"
SUGGESTIONS_TABLE, SUGGESTIONS_LIST, SUGGESTIONS_PAGE = (f"{SUGGESTIONS}.{kind}" for kind in ("csv", "txt", "html"))
"""What to label next: as a table, as a list of images, as a page that shows them."""
NONFINITE_FILE = "nonfinite_batch.json"

SPOOL_NAME = "tracking.jsonl"
SPOOL_PATTERN = "tracking*.jsonl"
"""The run's record as it is written; that and older ones of a folder that was used again."""
VISUALDL = "visualdl"
CURVES_FILE = "precision_recall.json"
"""Among the artifacts of its record."""

JOB_FILE = "ranks.json"
RANKS = "ranks"
"""Logs of the processes that train together."""
LOG_FILE = "run.log"
REPORTS_FILE = "reports.jsonl"
PRUNED_FILE = "pruned"
"""Files in the folder of a sweep's run: what it printed; what it says, one evaluation a line; what it is told, the
reason to end."""

LABEL_FILES = "label_files"
PREPARED_FILE = "prepared.json"
"""Label files in PaddleX's format, where data come in another one or are divided; what they were made from."""

BASIS = "basis"
"""The run with labels alone, or with fewer rounds of the pool, that a run builds on."""
POOL = "pool"
POOL_LISTING = "images.json"
"""The unlabelled images that a run found when it began."""
POOL_FILE = "pool.json"
"""What a run takes for labels of unlabelled samples, in PaddleX's format; how it came to that."""
POOL_TABLE = "pool.csv"
"""Weight, confidence and origin of each of these labels."""

SUSPECTS = "suspects"
SUSPECTS_FILE = f"{SUSPECTS}.json"
SUSPECTS_TABLE = f"{SUSPECTS}.csv"
SUSPECTS_PAGE = f"{SUSPECTS}.html"
"""Labels that are likely wrong: all that is known of them, a table, and a page with pictures."""
CORRECTIONS_FILE = "corrections.json"
"""What they should say, as the option dataset.corrections takes it."""

CHECKPOINTS = "checkpoints"
BEST = "best"
STEP_PREFIX = "step_"
MANIFEST = "manifest.json"
"""sha256 of the files beside it: of a checkpoint, and of a frozen pipeline."""
STATE_FILE = "state.json"
DATASET_FILE = "dataset.txt"
"""File in each checkpoint with the dataset's fingerprint."""

EXPORT = "export"
INT8_EXPORT = "export_int8"
STEM = "inference"
ONNX_FILE = f"{STEM}.onnx"
PARAMETERS_FILE = f"{STEM}.pdiparams"
INFERENCE_FILE = f"{STEM}.yml"
PARITY_FILE = "parity.json"
CHOICE_FILE = "engine.json"
QUANTIZED_FILE = "quantized.json"

WRITTEN = (
    *(CHECK_FILE, SAMPLES, REPORT_FILE, OVERLAYS, METRICS_FILE, PREDICTIONS_FILE, BENCHMARK_FILE, COMPARISON_FILE),
    *(SUGGESTIONS_TABLE, SUGGESTIONS_LIST, SUGGESTIONS_PAGE),
    *(SPOOL_NAME, VISUALDL, LABEL_FILES, PREPARED_FILE, CHECKPOINTS, EXPORT, INT8_EXPORT, BASIS, POOL),
    *(SUSPECTS_FILE, SUSPECTS_TABLE, SUSPECTS_PAGE, CORRECTIONS_FILE),
)
"""What commands write into the folder that they are given, beside the configuration and the lock."""


def best_checkpoint(folder: Path) -> Path:
    """Where a run keeps its best weights."""
    return folder / CHECKPOINTS / BEST


def whole_run(folder: Path) -> Path:
    """The run that the run in `folder` was made for, where another builds on it; itself elsewhere."""
    while folder.name == BASIS and (folder.parent / RUN_FILE).is_file():
        folder = folder.parent
    return folder
