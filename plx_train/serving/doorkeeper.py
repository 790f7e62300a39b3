"""Accepts connections, as many as there may be, and closes those that keep others out."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from plx_train.serving.connection import Connection, ConnectionLimits
from plx_train.serving.metrics import Metrics

logger = logging.getLogger(__name__)
SPARE = 64
"""Descriptors kept for all but connections, beside what decoders, pages and fetches need."""
A_DECODER = 5
"""Descriptors of a decoder: its line, its two memories, and those of one that takes its place."""
FETCHES = 48
"""Descriptors of fetches and of names that are looked up."""
TOLD = 32
"""Connections beyond the most there may be that are told so; more are closed without a word."""
FEWEST = 4
AT_A_TIME = 32
"""Connections accepted before others' bytes are looked at again."""
RETRY_SECONDS = 0.1
SAY_SECONDS = 60.0
"""How often a trouble that goes on is logged."""
UNSENT_BYTES = 256 << 20
"""Bytes of answers that all clients together may leave untaken."""
OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Protocol = Callable[[], Connection]


class Doorkeeper:
    """Connections of one server.

    Args:
        connections: those that are open; each adds and removes itself.
        spare: descriptors that are needed for other things than usual.
    """

    def __init__(
        self,
        connections: set[Connection],
        limits: ConnectionLimits,
        most: int,
        most_of_one: int | None,
        metrics: Metrics,
        spare: int = 0,
    ) -> None:
        self._connections = connections
        self._limits = limits
        self._most = within_descriptors(most, SPARE + TOLD + spare)
        self._most_of_one = most_of_one
        self._metrics = metrics
        metrics.connections.set_function(lambda: len(connections))
        self._tasks: list[asyncio.Task[None]] = []
        self._opening: set[asyncio.Task[object]] = set()
        self._said: dict[str, float] = {}
        self._reserve: int | None = _reserved()

    def start(self, listeners: Iterable[socket.socket], protocol: Protocol) -> None:
        """Begins to accept, within the running event loop."""
        self._tasks = [asyncio.create_task(self._accept(listener, protocol)) for listener in listeners]

    def stop(self) -> None:
        """Accepts no more."""
        for task in self._tasks:
            task.cancel()
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None

    def sweep(self) -> None:
        """Closes what has passed a limit; to be called about once a second."""
        now, unsent = time.monotonic(), 0
        for one in list(self._connections):
            reason = one.overdue(now, self._limits)
            unsent += one.unsent()
            if reason == "headers":
                one.tell(408, f"The headers did not arrive within {self._limits.head:g} s")
                self._metrics.closed.labels(reason).inc()
            elif reason:
                self._abort(one, reason)
        if unsent > UNSENT_BYTES:
            self._drop_largest(unsent - UNSENT_BYTES)

    def _drop_largest(self, excess: int) -> None:
        for one in sorted(self._connections, key=Connection.unsent, reverse=True):
            if excess <= 0:
                return
            excess -= one.unsent()
            self._abort(one, "answer")

    async def _accept(self, listener: socket.socket, protocol: Protocol) -> None:
        loop = asyncio.get_running_loop()
        accepted = 0
        while True:
            try:
                opened, place = await loop.sock_accept(listener)
            except OSError as error:
                if error.errno in OUT_OF_RESOURCES:
                    self._out_of_resources(listener, error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._welcome(opened, str(place[0]) if isinstance(place, tuple) else "", protocol)
            accepted += 1
            # What is there already is accepted without a pause, so that a flood would leave no time for the rest.
            if accepted % AT_A_TIME == 0:
                await asyncio.sleep(0)

    def _welcome(self, opened: socket.socket, address: str, protocol: Protocol) -> None:
        is_taken = self._has_room(address)

        def made() -> Connection:
            one = protocol()
            one.address, one.is_unwelcome = address, not is_taken
            return one

        async def connect() -> None:
            # It may be gone by now.
            with suppress(OSError):
                _, one = await asyncio.get_running_loop().connect_accepted_socket(made, opened)
                if not is_taken or not self._keeps_its_share(one):
                    one.tell(503, "The server has all the connections it can take", 1)
                    self._metrics.closed.labels("refused").inc()

        if not is_taken and len(self._connections) + len(self._opening) > self._most + TOLD:
            opened.close()
            self._metrics.closed.labels("refused").inc()
            return
        task: asyncio.Task[object] = asyncio.create_task(connect())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def _keeps_its_share(self, newcomer: Connection) -> bool:
        """Whether its address holds no more than one may; another that is idle may be closed for it.

        It is asked when the connection is made: until then many of one address may be on their way.
        """
        if self._most_of_one is None:
            return True
        others = [one for one in self._of(newcomer.address) if one is not newcomer]
        return len(others) < self._most_of_one or self._close_idle(others, 1) > 0

    def _of(self, address: str) -> list[Connection]:
        """The connections that an address holds."""
        return [one for one in self._connections if one.address == address and not one.is_leaving()]

    def _has_room(self, address: str) -> bool:
        """Whether one more connection can be held; one that is idle may be closed for it, an address's own first."""
        if self._most_of_one is not None and len(own := self._of(address)) >= self._most_of_one:
            return self._close_idle(own, 1) > 0
        if len(self._connections) + len(self._opening) < self._most:
            return True
        return self._close_idle(self._connections, 1) > 0

    def _close_idle(self, among: Iterable[Connection], count: int) -> int:
        """Closes so many that wait without a request, first of the address that has most of them; how many."""
        idle = [one for one in among if one.is_idle() and not one.is_leaving()]
        held = Counter(one.address for one in idle)
        idle.sort(key=lambda one: (-held[one.address], one.since))
        for one in idle[:count]:
            self._abort(one, "crowd")
        return min(count, len(idle))

    def _abort(self, one: Connection, reason: str) -> None:
        one.transport.abort()
        self._metrics.closed.labels(reason).inc()

    def _out_of_resources(self, listener: socket.socket, error: OSError) -> None:
        """Says so, and makes room; where none is to be had, whoever waits longest is sent away."""
        if not _has_arrivals(listener):
            return
        self._say(
            f"No connection can be accepted ({error.strerror}) with {len(self._connections)} open: those that are idle "
            "are closed; more need a higher limit of open files (ulimit -n)"
        )
        if self._close_idle(self._connections, 16) or self._reserve is None:
            return
        os.close(self._reserve)
        self._reserve = None
        with suppress(OSError):
            listener.accept()[0].close()
        self._reserve = _reserved()

    def _say(self, message: str) -> None:
        now = time.monotonic()
        if now - self._said.get(message[:20], -SAY_SECONDS) >= SAY_SECONDS:
            self._said[message[:20]] = now
            logger.error(message)


def spare_descriptors(num_decoders: int, max_batch: int, fetches: bool) -> int:
    """What a server's decoders, large pages and fetches may hold."""
    return A_DECODER * num_decoders + 2 * max_batch + (FETCHES if fetches else 0)


def within_descriptors(most: int, spare: int) -> int:
    """How many of `most` connections the limit of open files leaves room for; it is raised where it may be."""
    try:
        import resource
    except ImportError:  # Not on this system.
        return most
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = Path("/dev/fd")
    used = len(list(opened.iterdir())) if opened.is_dir() else SPARE
    needed = most + used + spare
    if soft != resource.RLIM_INFINITY and soft < needed:
        with suppress(ValueError, OSError):
            raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = min(most, max(soft - used - spare, (soft - used) // 4, FEWEST))
    return most


def _reserved() -> int | None:
    with suppress(OSError):
        return os.open(os.devnull, os.O_RDONLY)
    return None


def _has_arrivals(listener: socket.socket) -> bool:
    """Whether somebody waits to be accepted: without a free descriptor, the attempt fails even where nobody does."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    return bool(poll.poll(0))
