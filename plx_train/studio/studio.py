"""What the application holds while it runs; all of it is found again on disk."""

from __future__ import annotations

import time

from plx_train.runs.folder import SPOOL_NAME
from plx_train.studio.curves import Curves
from plx_train.studio.home import Home
from plx_train.studio.jobs import RUNNING, JobBoard
from plx_train.studio.shelf import Shelf

LOOK_SECONDS = 2.0
"""How often folders of runs are looked at for changes."""


class Studio:
    """Jobs and runs of a home, and versions that rise when what pages show of them changed."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.board = JobBoard(home, int(home.settings().get("slots", 1)))
        self.shelf = Shelf(home)
        self.curves = Curves()
        self.is_closing = False
        self.data_version = 0
        self._seen: object = None
        self._runs_version = 0
        self._looked = 0.0

    def tick(self) -> None:
        """Looks after jobs; to be called again and again."""
        self.board.tick()
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            seen = self._state_of_runs()
            self._runs_version += seen != self._seen
            self._seen = seen

    def versions(self) -> dict[str, int]:
        """Numbers by topic."""
        return {"jobs": self.board.version, "runs": self._runs_version, "data": self.data_version}

    def _state_of_runs(self) -> object:
        """Something that differs when a run began, logged or ended."""
        spools = []
        for job in self.board.all():
            if job.state == RUNNING and job.output:
                path = self.home.root / job.output / SPOOL_NAME
                spools.append(path.stat().st_size if path.exists() else 0)
        try:
            return self.home.outputs.stat().st_mtime_ns, spools, self.board.version
        except OSError:
            return None
