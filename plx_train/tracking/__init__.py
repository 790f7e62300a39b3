"""Records of runs in MLflow and VisualDL, written off the hot path; importing this imports neither."""

from plx_train.config.options import TrackingOptions
from plx_train.runs.folder import SPOOL_NAME
from plx_train.tracking.content import TrackedDataset
from plx_train.tracking.dead_runs import SILENT_REASON, end_held_record, end_record, has_died, is_folder_of
from plx_train.tracking.ending import tracked
from plx_train.tracking.environment import environment_tags
from plx_train.tracking.found_run import RunRecord, find_run
from plx_train.tracking.replay import replay, unsent
from plx_train.tracking.spool import read_metrics, read_run_tags
from plx_train.tracking.store import resolve_uri
from plx_train.tracking.tracker import RunTracker, start_tracking

__all__ = [
    "SILENT_REASON",
    "SPOOL_NAME",
    "RunRecord",
    "RunTracker",
    "TrackedDataset",
    "TrackingOptions",
    "end_held_record",
    "end_record",
    "environment_tags",
    "find_run",
    "has_died",
    "is_folder_of",
    "read_metrics",
    "read_run_tags",
    "replay",
    "resolve_uri",
    "start_tracking",
    "tracked",
    "unsent",
]
