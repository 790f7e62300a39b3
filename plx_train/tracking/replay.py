"""Sends what a run left unsent, after its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plx_train.tracking.delivery import Feed
from plx_train.tracking.mlflow_writer import MlflowSink
from plx_train.tracking.spool import all_entries, cursor_path, load_cursor


@dataclass(frozen=True)
class Replayed:
    """What came of it.

    Attributes:
        run_id: MLflow's, None if the store has never been reached.
        sent: records delivered just now.
        left: records that still wait.
    """

    run_id: str | None
    sent: int
    left: int


def unsent(spool: Path) -> int:
    """Records of a spool that were not delivered yet."""
    if not spool.is_file():
        return 0
    return sum(1 for _ in all_entries(spool, load_cursor(cursor_path(spool), spool).offset))


def replay(spool: Path, uri: str, warn: Callable[[str], None] = lambda sentence: None) -> Replayed:
    """Delivers the records of a spool that nobody writes to any more; never raises for a store that fails."""
    if not spool.is_file():
        return Replayed(None, 0, 0)
    before = unsent(spool)
    feed = Feed(MlflowSink(uri, warn), spool, load_cursor(cursor_path(spool), spool), warn)
    # An artifact that fails is tried twice before it is passed over.
    if before and not feed.pump(may_pause=False):
        feed.pump(may_pause=False)
    left = feed.pending()
    return Replayed(feed.cursor.run_id, before - left, left)
