"""Worker processes, each with a pipe of its own: whichever is killed, at whatever moment, nobody waits for it."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from plx_train.data.shared_slot import SharedSlot
from plx_train.terminal.streams import protect

AHEAD = 2
"""Results made ahead by each worker: enough to hide a slow page, few enough to bound memory."""


SHARES_MEMORY = hasattr(os, "memfd_create")
"""Linux alone has memory without a name; elsewhere results go through the pipes."""


class WorkerLost(Exception):
    """A worker process was killed."""


class WorkerPool:
    """Processes that compute ``task(job)``; they never import what the task doesn't need, paddle above all.

    Args:
        task: picklable; sent to each worker once.

    Raises:
        WorkerLost: one did not come up.
    """

    def __init__(self, task: Callable[[Any], Any], num_workers: int) -> None:
        self._ticket = 0
        self._lines: list[Connection] = []
        self._slots: list[list[SharedSlot]] = []
        self._processes: list[multiprocessing.process.BaseProcess] = []
        context = multiprocessing.get_context("spawn")
        with _without_main_module():
            for _ in range(num_workers):
                ours, theirs = context.Pipe()
                # A worker has as many results unread as it has slots: none is written over.
                self._slots.append([SharedSlot() for _ in range(AHEAD)] if SHARES_MEMORY else [])
                process = context.Process(target=_work, args=(theirs, task, self._slots[-1]), daemon=True)
                process.start()
                # Held by the worker alone, its end breaks with it.
                theirs.close()
                self._lines.append(ours)
                self._processes.append(process)
        try:
            for line in self._lines:
                _receive(line)
        except WorkerLost:
            self.close()
            raise

    def map(self, jobs: Iterable[Any]) -> Iterator[Any]:
        """The result of each job, in order; what an iteration that was given up has left is passed over.

        Raises:
            WorkerLost: a worker was killed; the pool is of no more use.
            Exception: what the task raised, with the worker's traceback as its cause.
        """
        first = self._ticket
        pending = iter(jobs)
        for job in pending:
            self._send(job)
            if self._ticket - first == len(self._lines) * AHEAD:
                break
        ticket = first
        while ticket < self._ticket:
            result = self._take(ticket)
            ticket += 1
            for job in pending:
                self._send(job)
                break
            yield result

    def close(self) -> None:
        """Ends the processes, at once: they hold nothing that is worth waiting for."""
        for process in self._processes:
            process.kill()
        for process, line in zip(self._processes, self._lines, strict=True):
            process.join()
            line.close()
        for slot in itertools.chain.from_iterable(self._slots):
            slot.close()
        self._processes, self._lines, self._slots = [], [], []

    def _send(self, job: Any) -> None:
        try:
            self._lines[self._ticket % len(self._lines)].send((self._ticket, self._place(self._ticket), job))
        except OSError as error:
            raise WorkerLost from error
        self._ticket += 1

    def _place(self, ticket: int) -> int:
        """Number of the slot that a result of this ticket lies in, of those of its worker."""
        return ticket // len(self._lines) % AHEAD

    def _take(self, ticket: int) -> Any:
        worker = ticket % len(self._lines)
        while True:
            found, result, error = _receive(self._lines[worker])
            # Of one that is passed over the slot may hold another's arrays by now.
            if found == ticket:
                if error is not None:
                    raise error from RuntimeError(result)
                return self._slots[worker][self._place(ticket)].read(result) if self._slots[worker] else result


def _receive(line: Connection) -> Any:
    try:
        return line.recv()
    except (EOFError, OSError) as error:
        raise WorkerLost from error


def _work(line: Connection, task: Callable[[Any], Any], slots: list[SharedSlot]) -> None:
    # Signals reach the whole process group; the parent alone decides what happens then.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    protect()
    # The processes are what works side by side.
    import cv2

    cv2.setNumThreads(1)
    jobs: queue.SimpleQueue[tuple[int, int, Any]] = queue.SimpleQueue()
    threading.Thread(target=_take_jobs, args=(line, jobs), daemon=True).start()
    line.send(None)
    while True:
        ticket, place, job = jobs.get()
        with contextlib.suppress(BrokenPipeError):
            line.send(_answer(ticket, task, job, slots[place] if slots else None))


def _answer(
    ticket: int, task: Callable[[Any], Any], job: Any, slot: SharedSlot | None
) -> tuple[int, Any, Exception | None]:
    try:
        result = task(job)
        return ticket, slot.write(result) if slot else result, None
    except Exception as error:  # it is the parent's to handle
        return ticket, traceback.format_exc(), _portable(error)


def _portable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever its pickling raises
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _take_jobs(line: Connection, jobs: queue.SimpleQueue[tuple[int, int, Any]]) -> None:
    """Takes jobs while results are being sent: two ends that both only send would wait for each other."""
    while True:
        try:
            jobs.put(line.recv())
        except (EOFError, OSError):
            # The parent has ended, perhaps without being able to end us.
            os._exit(1)


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Hides `__main__` while processes are spawned.

    Spawned processes run the caller's main script again, which breaks every script without an
    ``if __name__ == "__main__"`` guard and costs an import of paddle in each worker; ours need nothing of it.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
