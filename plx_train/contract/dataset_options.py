"""Options of the dataset; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from plx_train.contract.option import FILLED, PATTERNS, PORTION, Trait, above, at_least, one_of, option

BACKGROUNDS = {"white": 255, "grey": 128, "black": 0}
"""Levels of what transparent pixels can be laid on, by name."""
WHITE = "white"
FILL_POLICIES = ("error", "linear", "forward", "zero", "mean", "drop")
SPLITS = ("auto", "none", "classes", "documents", "groups", "images", "time")


@dataclass
class ColumnsOptions:
    """Which columns of a table of time series hold what; images have none."""

    time: str | None = None
    """Column of times; null: date, time, timestamp, datetime or ds, whichever there is."""
    targets: list[str] | None = option(None, FILLED)
    """Columns that are forecast, looked at for anomalies, or classified by; null: all numbers that are nothing else."""
    past_covariates: list[str] = field(default_factory=list)
    """Columns known up to the present."""
    future_covariates: list[str] = field(default_factory=list)
    """Columns known ahead, over the horizon too."""
    static_covariates: list[str] = field(default_factory=list)
    """Columns with one number per series."""
    group: str | None = None
    """Column that says which series a row belongs to; null: group_id, where there is such a column."""
    label: str | None = None
    """Column of anomalies or classes, of images too; null: label, where there is such a column."""


@dataclass
class DatasetOptions:
    """Where samples come from."""

    name: str = "custom"
    """Name of the data in records and reports; yours are called by their folder's name."""
    root: str = option("???", Trait.HARMLESS)
    """Folder of the dataset; paths in the label files are relative to it."""
    train: str = "train.txt"
    """Label file, or table, of the training split, in the dataset's folder."""
    val: str = "val.txt"
    """Label file, or table, of the validation split."""
    test: str | None = None
    """Label file of a test split, of which nothing but the images is read: what shows the same is left out of `pool`.
    null: test.txt beside `val`, or instance_test.json beside instance_val.json, where there is one."""
    format: str = "auto"
    """Format of the files; auto: PaddleX's own label files where `train` is there, else what the folder looks like."""
    split: str = option("auto", one_of(*SPLITS))
    """Division of data that hold no validation split: into equal shares of each class (classes), by whole documents,
    by the groups that `split_by` tells, by single images, or by time; auto: groups where `split_by` is given, classes
    where images or series have one, time for other series, else documents; none: not at all."""
    split_by: str | None = option(None, PATTERNS)
    """Regular expression with one group, found in image paths or ids of series: what it holds is never on two sides of
    a division."""
    split_gap: int | None = option(None, at_least(0))
    """Rows left out between the parts of a division by time; null: those of a window, fewer where a series is short."""
    split_seed: int = option(1, at_least(0))
    """Number from which a division follows; another `seed` of the run leaves it alone."""
    val_share: float = option(0.2, above(0, below=1))
    """Share of the samples that a division gives to validation."""
    test_share: float = option(0.0, at_least(0, below=1))
    """Share that a division keeps apart in test.txt, of series test.csv: nothing is chosen by it, and
    `dataset.val=test.txt` measures it."""
    corrections: str | None = None
    """File of corrections, as mode=audit drafts it: true labels of single images, and images that are left out; the
    dataset's own files stay as they are. null: none."""
    label_folder: str | None = option(None, Trait.INTERNAL, Trait.HARMLESS)
    """Folder of the label files that were written for a run; null: they lie in `root`."""
    holdout_share: float = option(0.15, at_least(0, below=1), Trait.OF_FUSION)
    """Share of the training samples kept apart, whole documents at a time, to calibrate post-processing."""
    background: str = option(WHITE, one_of(*BACKGROUNDS))
    """Colour that transparent pixels of images lie on; a model remembers it for its predictions."""
    cache_mb: int = option(512, at_least(0), Trait.HARMLESS)
    """Memory for decoded images in each loader worker, in MiB; 0 for none."""
    limit: int | None = option(None, at_least(1))
    """Uses only this many samples of each split; null: all."""
    labelled: str | None = option(None, PORTION)
    """Part of the training samples that is learned with its labels: 10%, 200 or 5/class; null: all. An epoch stays as
    long as with all, so that runs of different parts compare; a larger part of one draw holds the smaller ones."""
    labelled_seed: int = option(1, at_least(0))
    """Number from which that part is drawn; another `seed` of the run leaves it alone."""
    pool: str | None = None
    """Unlabelled images to learn from too: a folder, a label file of which nothing but the images is read, a pattern
    such as 'scans/*.jpg', or rest: the training images that `labelled` leaves out; null: none."""
    overfit: bool = False
    """Evaluates on the training samples: a model that can't learn them by heart has a fault in data or labels."""
    columns: ColumnsOptions = field(default_factory=ColumnsOptions)
    fill: str = option("error", one_of(*FILL_POLICIES))
    """Treatment of missing values of a series: they are an error, are filled, or their rows are dropped."""
    missing: list[float] = field(default_factory=list)
    """Numbers of a series that mark missing values, as in [-200, -9999]; an exported model remembers them."""
    time_zone: str | None = None
    """Time zone of times that name none, as in Europe/Berlin; null: UTC."""
    unreadable: str = option("fail", one_of("fail", "skip"), Trait.HARMLESS)
    """Effect of a training sample that can't be read: fail ends the run; skip leaves it out and counts it."""
    ignore_findings: bool = False
    """Trains although the check found errors; samples with errors are left out, and said so."""
