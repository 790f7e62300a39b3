"""The command's watch over the ranks of this machine: who died first, whom a signal goes to, when all are ended."""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plx_train.distributed.guard import kill_group, send
from plx_train.distributed.ranks import LOST

STOP_SECONDS = 9.0
"""What ranks get to save after a signal."""
FAILURE_SECONDS = 5.0
"""What ranks get to end by themselves, and say why, after one of them has failed."""
KILL_SECONDS = 3.0
HELLO_SECONDS = 10.0
TICK_SECONDS = 0.1
TAIL_BYTES = 1 << 14
ERROR_LINE = re.compile(r"(error: |(\w+\.)*\w*(Error|Exception|Interrupt)\b).*")


@dataclass
class Rank:
    """One process of the training, as its guard tells of it.

    Attributes:
        pid: None until it is started.
        code: as of `subprocess`: below 0 the signal that killed it; None while it runs.
        failure: why it could not be started.
        is_over: its guard has gone.
    """

    number: int
    line: socket.socket
    log: Path
    log_start: int
    heard: bytes = b""
    pid: int | None = None
    code: int | None = None
    failure: str = ""
    is_over: bool = False

    @property
    def has_failed(self) -> bool:
        return self.is_over and self.code != 0

    def last_words(self) -> str:
        """The last error in its log; else, unless it was killed, the last line; empty if there is none."""
        is_killed = self.code is None or self.code < 0
        return last_words(self.log, self.log_start, only_errors=is_killed)

    def how_it_ended(self) -> str:
        """Half a sentence without subject."""
        if self.failure:
            return f"could not be started: {self.failure}"
        if self.code is None:
            return "was lost: the process that guards it was killed"
        if self.code == -signal.SIGKILL:
            return "was killed by SIGKILL, as the system does when memory runs out"
        if self.code < 0:
            return f"was killed by {signal.Signals(-self.code).name}"
        if self.code == LOST:
            return "lost the connection to the others"
        return f"ended with exit code {self.code}"


def last_words(log: Path, start: int = 0, only_errors: bool = False) -> str:
    """The last error after byte `start`; else the last line, unless `only_errors`; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(start, log.stat().st_size - TAIL_BYTES))
            lines = [text.strip() for text in file.read().decode("utf-8", "replace").splitlines()]
    except OSError:
        return ""
    said = [text for text in lines if text]
    errors = [text for text in said if ERROR_LINE.match(text)]
    return (errors or ([] if only_errors else said) or [""])[-1]


class Supervision:
    """Starts the ranks that the launcher's guards ask for, and sees them end.

    Args:
        job_of: rank and its number on this machine → job for its guard and the files it shows its output in.
        signals: numbers of the signals that have come, added to by a signal handler.
    """

    def __init__(
        self,
        listener: socket.socket,
        launcher: subprocess.Popen[bytes],
        expected: int,
        job_of: Callable[[int, int], tuple[dict[str, Any], tuple[int, ...]]],
        signals: Sequence[int],
    ) -> None:
        self.ranks: list[Rank] = []
        self.first_failed: Rank | None = None
        self.has_launcher_failed = False
        self._listener, self._launcher, self._expected = listener, launcher, expected
        self._job_of, self._signals = job_of, signals
        self._num_forwarded = 0
        self._deadline: float | None = None
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)

    def run(self) -> None:
        """Returns when all ranks have ended, by themselves or killed; nothing that they started is left then."""
        try:
            while not self._is_over():
                for key, _ in self._selector.select(TICK_SECONDS):
                    self._accept() if key.data is None else self._hear(key.data)
                self._forward_signals()
                self._look_for_failure()
                if self._deadline is not None and time.monotonic() >= self._deadline:
                    break
        finally:
            self._end_all()

    def _is_over(self) -> bool:
        return len(self.ranks) == self._expected and all(rank.is_over for rank in self.ranks)

    def _accept(self) -> None:
        line, _ = self._listener.accept()
        line.settimeout(HELLO_SECONDS)
        try:
            hello = json.loads(line.makefile("rb", buffering=0).readline())
            job, shown = self._job_of(hello["rank"], hello["local"])
            log = Path(job["log"])
            rank = Rank(hello["rank"], line, log, log.stat().st_size if log.exists() else 0)
            send(line, job, shown)
        except (OSError, ValueError):
            # The guard has ended meanwhile; the launcher ends for that, which is seen.
            line.close()
            return
        self.ranks.append(rank)
        self._selector.register(line, selectors.EVENT_READ, rank)

    def _hear(self, rank: Rank) -> None:
        try:
            data = rank.line.recv(4096)
        except OSError:
            data = b""
        if not data:
            rank.is_over = True
            self._selector.unregister(rank.line)
            rank.line.close()
            return
        *whole, rank.heard = (rank.heard + data).split(b"\n")
        for text in whole:
            message = json.loads(text)
            rank.pid = message.get("pid", rank.pid)
            rank.code = message.get("code", rank.code)
            rank.failure = message.get("failure", rank.failure)

    def _forward_signals(self) -> None:
        new = self._signals[self._num_forwarded :]
        if not new:
            return
        is_first = self._num_forwarded == 0
        self._num_forwarded += len(new)
        # Ranks that are still being started have nothing to save.
        if not is_first or len(self.ranks) < self._expected:
            self._deadline = time.monotonic()
            return
        self._deadline = time.monotonic() + STOP_SECONDS
        for rank in self.ranks:
            if rank.pid is not None and rank.code is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(rank.pid, new[0])

    def _look_for_failure(self) -> None:
        failed = [rank for rank in self.ranks if rank.has_failed]
        if self._deadline is not None and (self.first_failed is None or self.first_failed.code != LOST):
            return
        # A rank that lost another one may be heard of first.
        self.first_failed = next((rank for rank in failed if rank.code != LOST), failed[0] if failed else None)
        if self._deadline is not None:
            return
        if self.first_failed is not None:
            self._deadline = time.monotonic() + FAILURE_SECONDS
        elif self._launcher.poll() is not None and not self._is_over():
            # Ranks whose last message is on its way get the moment it takes; others were never started.
            self.has_launcher_failed = True
            self._deadline = time.monotonic() + (FAILURE_SECONDS if self.ranks else 0.0)

    def _end_all(self) -> None:
        self._listener.close()
        for rank in self.ranks:
            if rank.pid is not None and rank.code is None:
                kill_group(rank.pid)
        give_up = time.monotonic() + KILL_SECONDS
        while not all(rank.is_over for rank in self.ranks) and time.monotonic() < give_up:
            for key, _ in self._selector.select(TICK_SECONDS):
                if key.data is not None:
                    self._hear(key.data)
        kill_group(self._launcher.pid)
        self._launcher.wait()
        self._selector.close()
        for rank in self.ranks:
            rank.line.close()
