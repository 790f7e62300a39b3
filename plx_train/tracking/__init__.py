"""Records of runs in MLflow and VisualDL, written off the hot path; importing this imports neither."""

from plx_train.options import TrackingOptions
from plx_train.tracking.ending import Terminated, terminable, tracked
from plx_train.tracking.environment import environment_tags
from plx_train.tracking.spool import SPOOL_NAME, read_metrics
from plx_train.tracking.store import RunRecord, find_run, resolve_uri
from plx_train.tracking.tracker import TrackedDataset, Tracker, start_tracking

__all__ = [
    "SPOOL_NAME",
    "RunRecord",
    "Terminated",
    "TrackedDataset",
    "Tracker",
    "TrackingOptions",
    "environment_tags",
    "find_run",
    "read_metrics",
    "resolve_uri",
    "start_tracking",
    "terminable",
    "tracked",
]
