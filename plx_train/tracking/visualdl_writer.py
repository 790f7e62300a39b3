"""Sends a run's metrics to VisualDL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plx_train.tracking.spool import Cursor, SpoolEntry
from plx_train.tracking.words import clean_text


class VisualdlSink:
    """Scalars in VisualDL's log file; show them with ``visualdl --logdir FOLDER``."""

    name = "VisualDL"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer: Any = None

    def deliver(self, entries: list[SpoolEntry], cursor: Cursor) -> Iterator[int]:
        """Sends `entries`; see `delivery.Sink`."""
        if self._writer is None:
            from visualdl import LogWriter

            self._writer = LogWriter(logdir=str(self.folder))
        for entry in entries:
            if entry.kind == "metrics":
                self._add(entry)
            elif entry.kind == "finish":
                self._writer.close()
            yield entry.end

    def _add(self, entry: SpoolEntry) -> None:
        for name, value in entry.content["values"].items():
            self._writer.add_scalar(
                tag=clean_text(name), value=value, step=entry.content["step"], walltime=entry.milliseconds
            )
