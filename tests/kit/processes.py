"""Waiting for what other processes do."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

import psutil

PATIENCE = 25.0


def until(
    condition: Callable[[], object], otherwise: str = "it did not come so far", seconds: float = PATIENCE
) -> None:
    """Waits until `condition` holds; `otherwise` says what is so if it never does."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, otherwise
        time.sleep(0.01)


def wait_for(process: subprocess.Popen[str], condition: Callable[[], object], seconds: float = 90.0) -> None:
    """Waits until what `process` does makes `condition` hold; fails with what it printed if it ends before."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < give_up, "nothing happened"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not collected does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
