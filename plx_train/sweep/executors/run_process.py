"""One run as a process on this machine: what every engine starts in the end, wherever it does so."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plx_train.distributed.guard import kill_group
from plx_train.ground.errors import UserError
from plx_train.sweep.executors import executor as engine
from plx_train.sweep.executors.executor import Ended
from plx_train.sweep.executors.nursery import BornGuard, Nursery

GUARD = ("-m", "plx_train.sweep.executors.run_guard")
WAIT_SECONDS = 0.05
NEVER_BEGAN = Ended(-signal.SIGTERM, "was stopped before it began")
CLOSING_SECONDS = 5.0
"""What the guards get beside the runs' own time, before everything is killed at once."""


class RunProcess:
    """A command in a session of its own, which ends with this process and leaves nothing behind.

    Args:
        environment: variables beside those of this process.
        log: gets what the command writes, appended.
        kill_after: seconds that `stop` leaves it; `engine.KILL_AFTER_SECONDS` unless given.
        folder: that it starts in; this process's unless given.
        nursery: gives birth to it where it can, so that nothing has to be imported.

    Raises:
        UserError: this system has no process groups, or no process can be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        kill_after: float | None = None,
        folder: Path | None = None,
        nursery: Nursery | None = None,
    ) -> None:
        if not hasattr(os, "killpg"):
            raise UserError("a sweep's runs need Linux or macOS")
        self.kill_after = engine.KILL_AFTER_SECONDS if kill_after is None else kill_after
        self._ended: Ended | None = None
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as file:
                born = nursery.guard_of(command, environment, file, self.kill_after) if nursery else None
                self._guard = born or subprocess.Popen(
                    [sys.executable, *GUARD, str(self.kill_after), *command],
                    env={**os.environ, **environment},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=file,
                    cwd=folder,
                    start_new_session=True,
                    bufsize=0,
                )
        except OSError as error:
            raise UserError(f"a run can't be started in {log.parent} ({error.strerror or error})") from None

    def poll(self) -> Ended | None:
        """How it ended; None while it goes on."""
        if self._ended is None and self._guard.poll() is not None:
            self._ended = self._read_end()
        return self._ended

    def stop(self) -> None:
        """Asks it to save and end, and has it killed later; once it has ended, does nothing."""
        with contextlib.suppress(OSError, ValueError):
            self._pipe("stdin").write(b"stop\n")

    def kill(self) -> None:
        """Has everything killed at once."""
        with contextlib.suppress(OSError):
            self._pipe("stdin").close()

    def _read_end(self) -> Ended:
        told: dict[str, Any] = {}
        with contextlib.closing(self._pipe("stdin")), contextlib.closing(self._pipe("stdout")):
            for line in self._said().splitlines():
                told |= json.loads(line)
        if "failure" in told:
            return Ended(127, f"could not be started: {told['failure']}")
        if "code" not in told:
            if "pid" in told:
                kill_group(told["pid"])
            return Ended(-signal.SIGKILL, "was ended because the process that guards it was killed")
        return Ended(told["code"], _reason(told["code"], self.kill_after if told["is_killed"] else None))

    def _said(self) -> bytes:
        if isinstance(self._guard, BornGuard):
            return self._guard.told()
        said = self._pipe("stdout")
        # Where only the guard's first process was killed, the second still holds the other end.
        os.set_blocking(said.fileno(), False)
        return said.read(1 << 16) or b""

    def _pipe(self, name: str) -> Any:
        return getattr(self._guard, name)


def _reason(code: int, killed_after: float | None) -> str | None:
    if killed_after is not None:
        return f"was killed, not having ended within {killed_after:g} s of being asked to"
    if code == -signal.SIGKILL:
        return "was killed by SIGKILL, as the system does when memory runs out"
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else None


def end_all(processes: Iterable[RunProcess]) -> None:
    """Stops processes and waits until none is left."""
    left = [process for process in processes if process.poll() is None]
    for process in left:
        process.stop()
    give_up = time.monotonic() + max((process.kill_after for process in left), default=0.0) + CLOSING_SECONDS
    while left := [process for process in left if process.poll() is None]:
        if time.monotonic() >= give_up:
            for process in left:
                process.kill()
        time.sleep(WAIT_SECONDS)
