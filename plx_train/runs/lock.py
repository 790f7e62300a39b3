"""The lock on a run's folder: whoever holds it is alive, and alone."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import stat
from pathlib import Path
from typing import BinaryIO

from plx_train.ground.errors import UserError
from plx_train.ground.file_lock import try_lock
from plx_train.ground.parsed import parse_json
from plx_train.runs.folder import LOCK_FILE, RANK_LOCK_FILE


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
        UserError: another process is running there, or the lock can't be written.
    """
    try:
        return hold_writable(folder)
    except OSError as error:
        raise UserError(f"{folder / LOCK_FILE} can't be written ({error.strerror or error})") from None


def hold_writable(folder: Path) -> RunLock:
    """`hold` for who explains a disk's faults.

    Raises:
        UserError: another process is running there.
        OSError: the lock can't be written.
    """
    lock = _hold(folder, LOCK_FILE)
    # A command that was killed may be survived by its processes for a moment.
    if _is_locked(folder / RANK_LOCK_FILE):
        lock.close()
        raise _in_use(folder)
    return lock


def hold_rank(folder: Path) -> RunLock:
    """Locks a run's folder for the first of several processes, whose command works there.

    Raises:
        UserError: those of another command are running there.
    """
    try:
        return _hold(folder, RANK_LOCK_FILE)
    except OSError as error:
        raise UserError(f"{folder / RANK_LOCK_FILE} can't be written ({error.strerror or error})") from None


def _hold(folder: Path, name: str) -> RunLock:
    file = _opened(folder / name, os.O_CREAT)
    if try_lock(file.fileno()) is False:
        holder = _holder(file)
        file.close()
        raise _in_use(folder, holder)
    # Where the disk is full the lock holds all the same.
    with contextlib.suppress(OSError):
        file.truncate(0)
        file.seek(0)
        file.write(json.dumps({"process": os.getpid(), "host": socket.gethostname()}).encode())
        file.flush()
    return RunLock(file)


def is_held(folder: Path) -> bool | None:
    """Whether a living process runs in the folder; None where that can't be told."""
    return True if _is_locked(folder / RANK_LOCK_FILE) else _is_locked(folder / LOCK_FILE)


def is_trained_in(folder: Path) -> bool:
    """Whether several processes, of one machine or more, train in the folder."""
    return bool(_is_locked(folder / RANK_LOCK_FILE))


def _is_locked(path: Path) -> bool | None:
    """Whether a process holds a lock; None where that can't be told."""
    try:
        with _opened(path) as file:
            free = try_lock(file.fileno())
    except (OSError, UserError):
        return None
    return None if free is None else not free


def _in_use(folder: Path, holder: str = "") -> UserError:
    return UserError(f"{folder} is in use by a run that is going on{holder}: wait for it, or end it first")


def refuse_in_use(folder: Path) -> None:
    """
    Raises:
        UserError: a living process runs in the folder.
    """
    if is_held(folder):
        hold(folder).close()


def _opened(path: Path, more: int = 0) -> BinaryIO:
    """The lock's file itself, whatever lies in its place: a link would have another file written to.

    Raises:
        UserError: it is none.
        OSError: it can't be opened.
    """
    special = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, os.O_RDWR | special | more, 0o644)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise UserError(f"{path} is no file, as the lock of a run's folder is: take it away") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError(f"{path} is no file, as the lock of a run's folder is: take it away")
    return os.fdopen(descriptor, "r+b")


def _holder(file: BinaryIO) -> str:
    try:
        content = parse_json(file.read())
        return f" (process {content['process']} on {content['host']})"
    except (OSError, ValueError, KeyError, TypeError):
        # Windows lets nobody read what is locked.
        return ""
