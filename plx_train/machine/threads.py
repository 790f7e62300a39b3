"""How many threads compute on a CPU; results know nothing of the number."""

from __future__ import annotations

import os

from plx_train.machine.hardware import usable_cores

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that tell numeric libraries how many threads an operation has."""
LOCAL_SIZE = "PADDLE_LOCAL_SIZE"
"""Variable of Paddle's launcher: how many processes of the run are on this machine."""
BLOCKS = 4
"""Parts of a batch that are computed by one thread each, however many there are; more threads find nothing to do."""


def num_threads() -> int:
    """Threads that compute, as numeric libraries read it when they are loaded; Paddle's default is one."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(said)) if said.isdecimal() else 1


def own_cores() -> int:
    """Cores for this process of a run: its share, where several train on this machine."""
    return max(1, usable_cores() // int(os.environ.get(LOCAL_SIZE, "1")))


def threads_by_cores() -> int:
    """Threads where nobody says how many."""
    return min(own_cores(), BLOCKS)
