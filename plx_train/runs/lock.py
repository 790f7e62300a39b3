"""The lock on a run's folder: whoever holds it is alive, and alone."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path
from typing import BinaryIO

from plx_train.ground.errors import UserError
from plx_train.ground.file_lock import try_lock
from plx_train.runs.folder import LOCK_FILE


class RunLock:
    """A lock that this process holds until it closes it or ends."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def close(self) -> None:
        """Lets go of the folder."""
        self._file.close()


def hold(folder: Path) -> RunLock:
    """Locks a run's folder for this process; child processes don't inherit it.

    Raises:
        UserError: another process is running there.
    """
    path = folder / LOCK_FILE
    try:
        file = path.open("r+b" if path.exists() else "w+b")
    except OSError as error:
        raise UserError(f"{path} can't be written ({error.strerror or error})") from None
    if try_lock(file.fileno()) is False:
        holder = _holder(file)
        file.close()
        raise UserError(f"{folder} is in use by a run that is going on{holder}: wait for it, or end it first")
    # Where the disk is full the lock holds all the same.
    with contextlib.suppress(OSError):
        file.truncate(0)
        file.seek(0)
        file.write(json.dumps({"process": os.getpid(), "host": socket.gethostname()}).encode())
        file.flush()
    return RunLock(file)


def is_held(folder: Path) -> bool | None:
    """Whether a living process runs in the folder; None where that can't be told."""
    path = folder / LOCK_FILE
    try:
        with path.open("r+b") as file:
            free = try_lock(file.fileno())
    except OSError:
        return None
    return None if free is None else not free


def _holder(file: BinaryIO) -> str:
    try:
        content = json.loads(file.read())
        return f" (process {content['process']} on {content['host']})"
    except (OSError, ValueError, KeyError, TypeError):
        # Windows lets nobody read what is locked.
        return ""
