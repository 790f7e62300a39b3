"""A run's record: tracking while it goes on, and ``run.json``, by which later commands find it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plx_train.dataset_check import CheckReport
from plx_train.modes.prepare import RUN_FILE, Session
from plx_train.tracking import Terminated, TrackedDataset, Tracker, environment_tags, start_tracking, tracked


@dataclass
class Record:
    """What is known of a run so far."""

    session: Session
    tracker: Tracker
    facts: dict[str, Any] = field(default_factory=dict)

    def write(self, **facts: Any) -> None:
        """Adds `facts` to ``run.json``, which is replaced in one piece."""
        self.facts |= facts | {"run_id": self.tracker.run_id}
        path = self.session.output / RUN_FILE
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.facts, indent=1, default=str), "utf-8")
        temporary.replace(path)


@contextmanager
def recording(session: Session, report: CheckReport, weights: Any) -> Iterator[Record]:
    """Tracks the run inside; its status is true however it ends, in MLflow and in ``run.json``."""
    options = session.options
    tags = environment_tags(Path.cwd()) | {
        "module": options.module.name,
        "dataset": options.dataset.name,
        "device": options.device.name,
        "mode": options.mode,
        "dataset.fingerprint": report.fingerprint,
        "weights": str(weights) if weights else "none",
    }
    source = Path(options.dataset.root)
    tracker = start_tracking(
        options.tracking,
        params=session.composed.flat,
        tags=tags,
        output=session.output,
        datasets=[
            TrackedDataset(options.dataset.name, report.fingerprint, context, source, report.statistics.get(split, {}))
            for context, split in (("train", "train"), ("validation", "val"))
        ],
        config_yaml=session.composed.yaml,
        warn=session.console.warn,
    )
    record = Record(session, tracker)
    record.write(
        status="RUNNING",
        mode=options.mode,
        overrides=list(session.composed.overrides),
        fingerprint=report.fingerprint,
        tracking_uri=tracker.uri,
        weights=str(weights) if weights else None,
    )
    try:
        with tracked(tracker):
            yield record
    except BaseException as error:
        status = "KILLED" if isinstance(error, KeyboardInterrupt | Terminated) else "FAILED"
        record.write(status=status, reason=str(error) or type(error).__name__)
        raise
    record.write(status="FINISHED")
