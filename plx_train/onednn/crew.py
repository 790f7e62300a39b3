"""Threads that compute parts of one operation side by side; each part is computed by one thread, whichever it is.

They are those of OpenMP, which oneDNN computes by too: others would have to share cores with these, which wait for
work without sleeping, and would take ten times as long to wake.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

from plx_train.onednn.cache import CACHE, Kept
from plx_train.onednn.library import openmp

Part = Callable[[int], None]
_REGION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def gather(threads: int) -> None:
    """Has `threads` compute what this thread asks for from now on, itself among them: parts, and what primitives do.

    Other threads, which compute samples side by side, have a core each already.
    """
    CACHE.own.state.threads = threads


def side_by_side(work: Part, parts: int) -> None:
    """Calls `work` with 0 … `parts` - 1, each once; all is done, in whatever order, when this returns.

    Raises:
        BaseException: the first that `work` raised; the thread that raised it leaves what remains to the others.
    """
    owner = CACHE.own
    threads = min(owner.state.threads, parts)
    if threads < 2:
        for number in range(parts):
            work(number)
        return

    def of_number(number: int) -> Kept:
        if number and number not in owner.helpers:
            owner.helpers[number] = Kept()
        return owner.helpers[number] if number else owner

    remaining = iter(range(parts))
    faults: list[BaseException] = []

    def take(unused: int | None) -> None:
        try:
            # What a thread of OpenMP holds of Python's ends with each call.
            CACHE.own = of_number(openmp().omp_get_thread_num())
            # An iterator over a range gives each number to one thread only.
            for number in remaining:
                work(number)
        except BaseException as error:
            faults.append(error)

    gathered, owner.state.threads = owner.state.threads, 1
    try:
        openmp().GOMP_parallel(_REGION(take), None, threads, 0)
    finally:
        owner.state.threads = gathered
    if faults:
        raise faults[0]


def _alone() -> None:
    if CACHE.is_used:
        CACHE.own.state.threads = 1


if hasattr(os, "register_at_fork"):
    # In a process that was forked off OpenMP would wait for threads that are not there.
    os.register_at_fork(after_in_child=_alone)
