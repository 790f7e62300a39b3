"""What is taken from a process that reads strangers' files, once it has loaded what it needs."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

NOBODY = 65534
MOST_HANDLES = 64
"""Files that may be open at once: those of the line and a document, and fonts."""
LOOKS_SECONDS = 1.0


def confine(memory: int) -> None:
    """Takes from this process the right to write files, dump core, start others, and more than `memory` bytes.

    A superuser's becomes nobody's, who can remove and change nothing that lies about, where nobody can read the
    packages that it may have to load parts of yet.
    """
    import resource

    if os.geteuid() == 0 and _reads_as_nobody([place for place in sys.path if Path(place).exists()]):
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NOFILE": MOST_HANDLES,
        "RLIMIT_NPROC": 0,
        "RLIMIT_AS": _size() + memory,
    }
    for name, value in limits.items():
        # Systems lack some, and forbid to raise those that are stricter already.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            resource.setrlimit(getattr(resource, name), (value, value))


def allow_seconds(seconds: float) -> None:
    """Ends this process after so many more seconds of computing, should nobody be there to do it."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    until = math.ceil(used.ru_utime + used.ru_stime + seconds) + 1
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def end_with_parent() -> None:
    """Ends this process when the one that started it is gone, whatever it is at."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOKS_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _reads_as_nobody(places: Sequence[str]) -> bool:
    try:
        os.seteuid(NOBODY)
    except OSError:
        # Nobody is not known, as in some containers.
        return False
    try:
        return all(os.access(place, os.R_OK, effective_ids=True) for place in places)
    finally:
        os.seteuid(0)


def _size() -> int:
    """Bytes of addresses that this process has."""
    try:
        return int(Path("/proc/self/statm").read_text("utf-8").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 1 << 30
