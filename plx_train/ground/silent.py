"""A tracker that records nothing, for all processes of a run but the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class SilentTracker:
    """Takes everything and keeps nothing."""

    uri: str | None = None
    run_id: str | None = None
    run_url: str | None = None
    ui_command: str | None = None

    def log_metrics(self, metrics: dict[str, float], step: int) -> None: ...

    def log_artifact(self, path: Path, folder: str | None = None) -> None: ...

    def log_text(self, text: str, name: str) -> None: ...

    def set_tags(self, tags: dict[str, Any]) -> None: ...

    def sync(self) -> None: ...

    def wait_until_connected(self, seconds: float) -> bool:
        """False: there is nothing to connect to."""
        return False

    def finish(self, status: str, reason: str | None = None) -> None: ...
