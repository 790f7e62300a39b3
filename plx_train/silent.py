"""A tracker that records nothing, for all processes of a run but the first."""

from __future__ import annotations

from typing import Any


class SilentTracker:
    """Has the methods of `tracking.Tracker` that are used during a run."""

    uri: str | None = None
    run_id: str | None = None
    run_url: str | None = None
    ui_command: str | None = None

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Nothing."""

    def set_tags(self, tags: dict[str, Any]) -> None:
        """Nothing."""

    def sync(self) -> None:
        """Nothing."""

    def finish(self, status: str, reason: str | None = None) -> None:
        """Nothing."""
