"""What runs left unsent: found below a folder, and sent by whoever comes after them."""

from __future__ import annotations

import fnmatch
import os
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from plx_train.ground.errors import UserError
from plx_train.runs.folder import CHECKPOINTS, EXPORT, OVERLAYS, RANKS, SAMPLES, SPOOL_NAME, SPOOL_PATTERN
from plx_train.runs.lock import hold, is_held
from plx_train.tracking.dead_runs import SILENT_REASON, end_record, has_died
from plx_train.tracking.replay import Replayed, replay, unsent
from plx_train.tracking.store import ARTIFACTS_NAME

WITHOUT_SPOOLS = (CHECKPOINTS, EXPORT, OVERLAYS, SAMPLES, RANKS)
"""Folders of a run in which no other run lies."""
IDLE_SECONDS = 30.0
"""A store that takes nothing for so long is waited for no more."""
MOST_SECONDS = 600.0
PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class LeftOver:
    """Records that still wait.

    Attributes:
        records: how many.
        runs: of how many runs.
    """

    records: int
    runs: int


def find_spools(root: Path) -> list[Path]:
    """Spools of a run's folder, or of all runs below a folder, older ones of the same run first."""
    found = []
    for place, folders, files in os.walk(root):
        spools = fnmatch.filter(files, SPOOL_PATTERN)
        found += [Path(place, name) for name in spools]
        # Trials lie below their sweep's own spool, so the search goes on there; what else runs keep is most of it all.
        skipped = (ARTIFACTS_NAME, *WITHOUT_SPOOLS) if spools else (ARTIFACTS_NAME,)
        folders[:] = [name for name in folders if name not in skipped]
    return sorted(found)


def waiting_spools(root: Path) -> list[Path]:
    """Spools below a folder with records that are not sent, or without the end that their run could not write."""
    return [path for path in find_spools(root) if unsent(path) or is_of_dead_run(path)]


def is_of_dead_run(spool: Path) -> bool:
    """Whether the run of this spool says that it goes on, while nobody is at it."""
    return spool.name == SPOOL_NAME and has_died(spool.parent)


def send(spool: Path, uri: str, warn: Callable[[str], None], is_wanted: Callable[[], bool] = lambda: True) -> Replayed:
    """Sends what a run left, and its end where it could not write one.

    Raises:
        UserError: the run goes on.
        OSError: its folder can't be written.
    """
    if is_of_dead_run(spool):
        end_record(spool.parent, None, "KILLED", SILENT_REASON)
    with closing(hold(spool.parent)):
        return replay(spool, uri, warn, is_wanted)


def send_all(root: Path, uri: str, say: Callable[[str], None], is_wanted: Callable[[], bool]) -> LeftOver:
    """Sends what the runs below a folder left, and waits for a slow store as long as it takes something.

    Args:
        say: is told that it is waited for.
        is_wanted: whether to go on waiting.
    """
    last_progress = time.monotonic()
    give_up = last_progress + MOST_SECONDS
    waiting = waiting_spools(root)
    if waiting:
        records = sum(map(unsent, waiting))
        say(f"{records} records of {len(waiting)} runs have not reached MLflow yet: they are sent now")
    while waiting and is_wanted() and time.monotonic() < min(give_up, last_progress + IDLE_SECONDS):
        # Those that go on send their own.
        free = [spool for spool in waiting if not is_held(spool.parent)]
        if not free:
            break
        if sum(_sent(spool, uri, lambda: is_wanted() and time.monotonic() < give_up) for spool in free):
            last_progress = time.monotonic()
        else:
            time.sleep(PAUSE_SECONDS)
        waiting = waiting_spools(root)
    left = [unsent(spool) for spool in waiting_spools(root)]
    return LeftOver(sum(left), len(left))


def _sent(spool: Path, uri: str, is_wanted: Callable[[], bool]) -> int:
    try:
        return send(spool, uri, lambda sentence: None, is_wanted).sent
    except (UserError, OSError):
        return 0
