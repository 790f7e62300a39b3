"""A run's record: parameters, metrics, artifacts and the way it ended."""

from __future__ import annotations

import atexit
import contextlib
import logging
import math
import os
import shlex
import shutil
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plx_train.config.options import TrackingOptions
from plx_train.ground.characters import json_text
from plx_train.runs.folder import CONFIG_FILE, SPOOL_NAME, VISUALDL
from plx_train.tracking.content import LONG_PARAMS_NAME, TrackedDataset, dataset_content, split_params
from plx_train.tracking.dead_runs import Watchman
from plx_train.tracking.delivery import Delivery, Feed
from plx_train.tracking.machine import machine_tags
from plx_train.tracking.mlflow_writer import MlflowSink
from plx_train.tracking.spool import Cursor, Spool, cursor_path, load_cursor, marks, read_run_tags
from plx_train.tracking.store import is_server, resolve_uri, run_url, ui_command
from plx_train.tracking.system_metrics import SystemMetrics
from plx_train.tracking.visualdl_writer import VisualdlSink
from plx_train.tracking.words import path_text

STATUSES = ("FINISHED", "FAILED", "KILLED")

# How long the end of a run waits for a store in which nothing moves. A database is mostly only slow: it
# may be made for the first time while other runs wait for the same.
SERVER_PATIENCE_SECONDS = 10.0
DATABASE_PATIENCE_SECONDS = 90.0
EXIT_PATIENCE_SECONDS = 5.0
KILLED_PATIENCE_SECONDS = 2.5
"""A signal leaves ten seconds for everything."""
SOURCE_TAGS = {"mlflow.source.name": "plx_train", "mlflow.source.type": "LOCAL"}


class RunTracker:
    """Takes a run's records at once, whatever state the store is in; none of its methods raises.

    Everything goes into a spool file in the run's folder, from which one thread delivers it; see `Spool`.
    """

    def __init__(self, output: Path, uri: str | None, warn: Callable[[str], None], goes_on: bool = False) -> None:
        self.output = output
        self.uri = uri
        self.seconds_logging = 0.0
        """Time spent in the callers' thread."""
        self._marks = marks(output / SPOOL_NAME) if goes_on else {}
        self.spool = Spool(output / SPOOL_NAME, goes_on)
        self._warn = warn
        self._sink = MlflowSink(uri, warn, output, may_exist=goes_on) if uri else None
        self._feed: Feed | None = None
        self._delivery: Delivery | None = None
        self._system: SystemMetrics | None = None
        self._status: str | None = None

    @property
    def run_id(self) -> str | None:
        """MLflow's id of the run; None when off, and until the store has answered."""
        return self._feed.cursor.run_id if self._feed else None

    @property
    def ui_command(self) -> str | None:
        """The command that opens MLflow's pages on a local store; None when off or on a server."""
        return ui_command(self.uri) if self.uri else None

    @property
    def run_url(self) -> str | None:
        """The page of this run, on the server or on the one `ui_command` starts."""
        if not self.uri or not self._sink or not self._sink.experiment or not self.run_id:
            return None
        return run_url(self.uri, self._sink.experiment, self.run_id)

    @property
    def unsent(self) -> int:
        """Records the store has not got, refused ones included; 0 when off."""
        if not self._feed or not self._sink:
            return 0
        return self._waiting() + len(self._sink.refused) + self.spool.lost

    def _waiting(self) -> int:
        return self._feed.pending() + len(self._feed.cursor.skipped) if self._feed else 0

    def wait_until_connected(self, seconds: float) -> bool:
        """Waits until the run has an id, at most `seconds` or until the store has failed once."""
        give_up = time.monotonic() + seconds
        while self._feed and self.run_id is None and not self._feed.failures and time.monotonic() < give_up:
            time.sleep(0.02)
        return self.run_id is not None

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Records numbers at an optimizer step; NaN and infinities become tags, as charts can't show them.

        A metric has one number at a step: a run that goes on from a checkpoint comes by steps it has logged before.
        """
        if self._status:
            return
        started = time.perf_counter()
        values: dict[str, float] = {}
        nonfinite: dict[str, str] = {}
        for name, value in metrics.items():
            if self._marks.get(name, -1) >= step:
                continue
            self._marks[name] = step
            number = float(value)
            if math.isfinite(number):
                values[name] = number
            else:
                nonfinite[name] = str(number)
        content: dict[str, Any] = {"step": int(step), "values": values}
        if values or nonfinite:
            self.spool.append("metrics", content | {"nonfinite": nonfinite} if nonfinite else content)
        self.seconds_logging += time.perf_counter() - started

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Records a file or a folder of the run's, which must stay where it is until it is sent."""
        # By its place in the run's folder, which may have moved until then.
        place = os.path.relpath(Path(path).absolute(), self.output)
        self._append("artifact", {"path": place, "folder": folder})

    def log_text(self, text: str, name: str) -> None:
        """Records `text` as an artifact called `name`."""
        self._append("text", {"name": name, "text": text})

    def set_tags(self, tags: dict[str, Any]) -> None:
        """Records facts about the run; a later value replaces an earlier one."""
        self._append("tags", {"tags": {key: str(value) for key, value in tags.items()}})

    def sync(self) -> None:
        """Returns when all that was recorded is on disk."""
        self.spool.sync()

    def finish(self, status: str, reason: str | None = None) -> None:
        """Ends the record as FINISHED, FAILED or KILLED and sends what waits; a second call changes nothing.

        Called from an ``except`` block with FAILED, it adds the traceback as an artifact. When the store does
        not answer it gives up after some seconds, with KILLED very soon: `unsent` then says how much waits.
        """
        if status == "KILLED":
            self._finish(status, reason, KILLED_PATIENCE_SECONDS, KILLED_PATIENCE_SECONDS)
            return
        is_database = self.uri is None or not is_server(self.uri)
        self._finish(status, reason, DATABASE_PATIENCE_SECONDS if is_database else SERVER_PATIENCE_SECONDS)

    def _finish(self, status: str, reason: str | None, patience_seconds: float, most_seconds: float = math.inf) -> None:
        if self._status:
            return
        if status == "FAILED" and sys.exc_info()[1] is not None:
            self.log_text(traceback.format_exc(), "traceback.txt")
        self._append("finish", {"status": status if status in STATUSES else "FAILED", "reason": reason})
        self._status = status
        atexit.unregister(self._finish_at_exit)
        if self._system:
            self._system.stop()
        if self._delivery:
            with contextlib.suppress(KeyboardInterrupt):
                self._delivery.close(patience_seconds, most_seconds)
        self._report_unsent()
        self.spool.close()

    def _report_unsent(self) -> None:
        waiting = self._waiting()
        if waiting:
            command = f"python -m plx_train mode=sync run={shlex.quote(str(self.output))}"
            command += f" {shlex.quote(f'tracking.uri={self.uri}')}"
            self._warn(f"{waiting} records did not reach MLflow; they are kept, and sent by: {command}")
        if self.spool.lost:
            self._warn(f"{self.spool.lost} records could not be written to {self.spool.path}")

    def _append(self, kind: str, content: dict[str, Any]) -> None:
        if self._status:
            return
        started = time.perf_counter()
        self.spool.append(kind, content)
        self.seconds_logging += time.perf_counter() - started

    def _finish_at_exit(self) -> None:
        self._finish("FAILED", "the process ended before the run did", EXIT_PATIENCE_SECONDS)

    def _start(self, visualdl: bool, system_metrics: bool) -> None:
        feeds = []
        if self._sink:
            cursor = load_cursor(cursor_path(self.spool.path), self.spool.path)
            self._feed = Feed(self._sink, self.spool.path, cursor, self._warn)
            feeds.append(self._feed)
        if visualdl:
            # Made anew from the spool when a run goes on: what of its files had reached the disk can't be told.
            shutil.rmtree(self.output / VISUALDL, ignore_errors=True)
            feeds.append(Feed(VisualdlSink(self.output / VISUALDL), self.spool.path, Cursor(), self._warn))
        if system_metrics:
            # Not `log_metrics`: what the sampling thread spends is no time of the callers'.
            first = max((step for name, step in self._marks.items() if name.startswith("system/")), default=-1) + 1
            self._system = SystemMetrics(self._log_sample, self.output, first)
        if feeds:
            chore = Watchman(self._sink, lambda: self.run_id, self._warn) if self._sink else _nothing
            self._delivery = Delivery(feeds, self.spool.sync, chore)
        atexit.register(self._finish_at_exit)

    def _log_what_it_reads(self, long_params: dict[str, str], datasets: list[TrackedDataset]) -> None:
        if long_params:
            self.log_text(json_text(long_params, indent=1), LONG_PARAMS_NAME)
        for dataset in datasets:
            self.spool.append("dataset", dataset_content(dataset))

    def _log_sample(self, values: dict[str, float], step: int) -> None:
        self.spool.append("metrics", {"step": step, "values": values})


def start_tracking(
    options: TrackingOptions,
    *,
    params: dict[str, Any],
    tags: dict[str, Any],
    output: Path,
    datasets: list[TrackedDataset],
    config_yaml: str,
    warn: Callable[[str], None] | None = None,
    resume: bool = False,
) -> RunTracker:
    """Starts a run's record and returns at once; the store is made, reached and written in a thread.

    Args:
        options: `options.uri` None means a database in the folder ``outputs``.
        params: resolved parameters by dotted key; primitives and lists of them.
        tags: facts about the run, `environment_tags` for example.
        output: the run's folder, which exists; spool and VisualDL files are written there.
        datasets: what the run reads.
        config_yaml: the composed configuration, kept as the artifact ``config.yaml``.
        warn: is told when the store can't be reached, from another thread; a log message by default.
        resume: goes on with the record that is in `output`, if there is one: the same run, each point once.

    Raises:
        ConfigError: `options.uri` is no address of a store.
    """
    uri = resolve_uri(options.uri) if options.backend == "mlflow" else None
    goes_on = resume and bool(read_run_tags(output / SPOOL_NAME))
    tracker = RunTracker(output.absolute(), uri, warn or logging.getLogger("plx_train.tracking").warning, goes_on)
    own_tags = machine_tags() | {"plx.output": path_text(output.absolute())}
    if goes_on:
        own_tags["plx.resumed"] = time.strftime("%Y-%m-%d %H:%M:%S")
        tracker.spool.append("resume", {"tags": own_tags})
        tracker._start(options.visualdl, options.system_metrics)
        return tracker
    short, long = split_params(params)
    run = {
        "experiment": options.experiment,
        "name": options.run_name or output.absolute().name,
        "token": uuid.uuid4().hex,
        "uri": uri,
        "tags": {key: str(value) for key, value in (own_tags | SOURCE_TAGS | tags).items()},
        "params": short,
    }
    tracker.spool.append("run", run)
    tracker.log_text(config_yaml, CONFIG_FILE)
    tracker._log_what_it_reads(long, datasets)
    tracker._start(options.visualdl, options.system_metrics)
    return tracker


def _nothing() -> None:
    """Where there is no store, there is no heart to beat."""
