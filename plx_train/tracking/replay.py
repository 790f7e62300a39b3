"""Sends what a run left unsent, after its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plx_train.tracking.delivery import Feed
from plx_train.tracking.mlflow_writer import MlflowSink
from plx_train.tracking.spool import Cursor, all_entries, cursor_path, load_cursor


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
    """Records of a spool that were not delivered yet; one where it can't be read, as nothing says that all were."""
    try:
        if not spool.is_file():
            return 0
        cursor = load_cursor(cursor_path(spool), spool)
        return sum(1 for _ in all_entries(spool, cursor.offset)) + len(cursor.skipped)
    except OSError:
        return 1


def replay(
    spool: Path,
    uri: str,
    warn: Callable[[str], None] = lambda sentence: None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Replayed:
    """Delivers the records of a spool that nobody writes to any more; never raises for a store that fails.

    Args:
        is_wanted: is asked now and then, whether to go on.
    """
    before = unsent(spool)
    if not spool.is_file():
        return Replayed(None, 0, 0)
    sink = MlflowSink(uri, warn, spool.parent, may_exist=True)
    feed = Feed(sink, spool, load_cursor(cursor_path(spool), spool), warn, is_wanted)
    if before:
        _resend(sink, feed.cursor, spool)
        # An artifact that fails is tried twice before it is passed over.
        feed.pump(may_pause=False) or feed.pump(may_pause=False)
    left = feed.pending() + len(feed.cursor.skipped)
    return Replayed(feed.cursor.run_id, before - left, left)


def _resend(sink: MlflowSink, cursor: Cursor, spool: Path) -> None:
    """Sends what was passed over while the rest was not."""
    for entry in [entry for entry in all_entries(spool) if entry.sequence in cursor.skipped]:
        try:
            sink.resend(entry, cursor)
        except Exception:  # it stays where it is, and is counted
            return
        cursor.skipped.remove(entry.sequence)
        cursor.save()
