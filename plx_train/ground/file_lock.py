"""The operating system's locks on files: a killed holder leaves nothing behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST_LOCK_SECONDS = 180.0


def try_lock(descriptor: int) -> bool | None:
    """Locks an open file for this process: True, or False while another holds it, or None where locks don't work."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # Some network mounts have no locks; Windows calls a held one PermissionError.
        return False if isinstance(error, PermissionError) else None
    return True


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Holds a lock file; where locks don't work it is held by nobody.

    Raises:
        TimeoutError: somebody else has held it for LONGEST_LOCK_SECONDS.
    """
    with path.open("a+b") as file:
        give_up = time.monotonic() + LONGEST_LOCK_SECONDS
        while try_lock(file.fileno()) is False:
            if time.monotonic() > give_up:
                raise TimeoutError(f"{path} is held by another process")
            time.sleep(0.05)
        yield
