"""The one thread that takes a run's records from the spool to their receivers."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from plx_train.ground.credentials import LOGIN_HINT, wants_login, without_credentials
from plx_train.tracking.spool import Cursor, SpoolEntry, all_entries, read_entries

INTERVAL_SECONDS = 1.0
LONGEST_INTERVAL_SECONDS = 5.0
LARGEST_SHARE = 0.01
LONGEST_PAUSE_SECONDS = 60.0
FAILING_SECONDS = 10.0


class Sink(Protocol):
    """A receiver of records."""

    name: str

    def deliver(self, entries: list[SpoolEntry], cursor: Cursor) -> Iterator[int]:
        """Sends `entries` in order and yields, after each part, the offset up to which all is delivered."""
        ...


class Feed:
    """A sink with its place in the spool, and patience when it fails."""

    def __init__(
        self,
        sink: Sink,
        spool: Path,
        cursor: Cursor,
        warn: Callable[[str], None],
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """
        Args:
            is_wanted: is asked after each part, whether to go on.
        """
        self.sink = sink
        self.spool = spool
        self.cursor = cursor
        self.warn = warn
        self.failures = 0
        self.last_progress = time.monotonic()
        self.is_given_up = False
        """Nothing more is to be sent."""
        self._is_wanted = is_wanted
        self._next_try = 0.0

    def pump(self, may_pause: bool) -> bool:
        """Delivers all that waits; True when nothing is left."""
        if may_pause and time.monotonic() < self._next_try:
            return False
        try:
            while True:
                entries, end = read_entries(self.spool, self.cursor.offset)
                if end == self.cursor.offset:
                    return True
                for offset in self.sink.deliver(entries, self.cursor):
                    self._advance(offset)
                    if self.is_given_up or not self._is_wanted():
                        return False
                self._advance(end)
        except Exception as error:  # whatever a receiver does, training goes on
            self._failed(error)
            return False

    def _advance(self, offset: int) -> None:
        self.cursor.offset = offset
        self.cursor.save()
        if self.failures:
            self.warn(f"{self.sink.name} answers again; what waited is being sent")
        self.failures = 0
        self.last_progress = time.monotonic()

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        self._next_try = time.monotonic() + min(2.0**self.failures, LONGEST_PAUSE_SECONDS)
        if self.failures == 1:
            reason = first_line(error)
            self.warn(
                f"{self.sink.name} can't be written ({reason}); the run goes on, its records wait in {self.spool}"
                + (f"; {LOGIN_HINT}" if wants_login(error) else "")
            )

    def pending(self) -> int:
        """Records not delivered yet."""
        return sum(1 for _ in all_entries(self.spool, self.cursor.offset))


class Delivery:
    """Runs the feeds in a daemon thread, about once a second."""

    def __init__(self, feeds: list[Feed], before: Callable[[], None], chore: Callable[[], None]) -> None:
        """
        Args:
            before: is called before records are sent, to have them on disk: a crash must not forget what was sent.
            chore: is called every time that all was sent.
        """
        self.feeds = feeds
        self.before = before
        self.chore = chore
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="plx-tracking", daemon=True)
        self._thread.start()

    def close(self, patience_seconds: float, most_seconds: float = math.inf) -> None:
        """Delivers the rest; gives up once nothing has moved for `patience_seconds`, sooner on failures.

        Args:
            most_seconds: gives up after these, whatever moves.
        """
        closed_at = time.monotonic()
        self._closing.set()
        self._wake.set()
        while self._thread.is_alive():
            self._thread.join(0.05)
            idle = time.monotonic() - max([closed_at, *(feed.last_progress for feed in self.feeds)])
            fails = any(feed.failures for feed in self.feeds)
            too_long = time.monotonic() - closed_at > most_seconds
            if too_long or idle > (min(FAILING_SECONDS, patience_seconds) if fails else patience_seconds):
                self._given_up.set()
                for feed in self.feeds:
                    feed.is_given_up = True
                return

    def _run(self) -> None:
        pause = INTERVAL_SECONDS
        while True:
            self._wake.wait(pause)
            is_closing = self._closing.is_set()
            began = time.thread_time()
            self.before()
            results = [feed.pump(may_pause=not is_closing) for feed in self.feeds]
            if all(results):
                self.chore()
            busy = time.thread_time() - began
            if is_closing and (all(results) or self._given_up.wait(INTERVAL_SECONDS)):
                return
            # Batches get larger rather than cost training more than about a hundredth of one core.
            pause = min(max(INTERVAL_SECONDS, busy / LARGEST_SHARE), LONGEST_INTERVAL_SECONDS)


def first_line(error: BaseException) -> str:
    """An exception as a short phrase without passwords; of a failed connection only what the system said of it."""
    # Cut first, a password would lose what it is known by.
    message = without_credentials(str(error))
    system = re.search(r"\[Errno -?\d+\] ([^'\")]+)|((?:[Rr]ead )?timed out)", message)
    if "HTTPConnectionPool" in message or "HTTPSConnectionPool" in message:
        return (system[1] or system[2]).strip().lower() if system else "no answer"
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text if len(text) <= 200 else f"{text[:200]}…"
