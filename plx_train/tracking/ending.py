"""Sees to it that a run's record says how the run ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from plx_train.contract.tracker import Tracker
from plx_train.ground.errors import UserError
from plx_train.ground.stop import Stopped
from plx_train.runs.trial import Pruned
from plx_train.tracking.delivery import first_line


@contextmanager
def tracked(tracker: Tracker) -> Iterator[None]:
    """Finishes `tracker` with the status that is true.

    FINISHED when the block ends, FAILED on an exception, KILLED on Ctrl-C, other signals and when a sweep prunes it;
    the exception goes on.
    """
    try:
        yield
    except Stopped as error:
        tracker.finish("KILLED", f"stopped by {error}")
        raise
    except Pruned as error:
        tracker.set_tags({"pruned_at": error.step})
        tracker.finish("KILLED", str(error))
        raise
    except KeyboardInterrupt:
        tracker.finish("KILLED", "interrupted")
        raise
    except SystemExit as error:
        tracker.finish("FAILED" if error.code else "FINISHED", f"exit code {error.code}" if error.code else None)
        raise
    except UserError as error:
        tracker.finish("FAILED", str(error))
        raise
    except BaseException as error:
        tracker.finish("FAILED", f"{type(error).__name__}: {first_line(error)}")
        raise
    tracker.finish("FINISHED")
