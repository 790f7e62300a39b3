"""The nursery as a sweep sees it: a process that has everything imported gives birth to runs, which begin at once."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any

from plx_train.config.groups import GROUPS
from plx_train.config.texts import key_of
from plx_train.distributed.guard import receive, send
from plx_train.tracking.store import SETTINGS

PROCESS = ("-m", "plx_train.workflow.nursery")
COMMAND = (sys.executable, "-m", "plx_train")
"""How the commands begin that it can carry out."""
READY_SECONDS = 120.0
"""How long it may take to come up, on a machine that has much else to do."""
BIRTH_SECONDS = 10.0
OWN_VARIABLES = ("PLX_",)
"""Beginnings of the variables that nothing reads while it is imported, and that a run may have of its own."""


class BornGuard:
    """The guard of a run that the nursery has forked: it is known by its pipes alone, and over when they are closed."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.stdin, self.stdout = stdin, stdout
        self._told = b""
        os.set_blocking(stdout.fileno(), False)

    def poll(self) -> int | None:
        """0 once it has ended, None before."""
        while (more := self.stdout.read(1 << 16)) is not None:
            if not more:
                return 0
            self._told += more
        return None

    def told(self) -> bytes:
        """All that it has said."""
        return self._told


class Nursery:
    """Gives birth to runs of one sweep, whose libraries are set up alike.

    It comes up with the first run, and is as that run needs it; a run that needs another environment, or other options
    of its device, is refused, and so is any once the process is gone: they begin as all processes do.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._kind: Any = None
        self._is_over = False

    def guard_of(
        self, command: Sequence[str], environment: Mapping[str, str], log: IO[bytes], kill_after: float
    ) -> BornGuard | None:
        """The guard of a run that has begun; None where it can't be born here."""
        if self._is_over or tuple(command[: len(COMMAND)]) != COMMAND:
            return None
        arguments, own = list(command[len(COMMAND) :]), {**os.environ, **environment}
        try:
            if self._process is None:
                self._begin(arguments, own)
            return self._born(arguments, own, log, kill_after) if self._kind == _kind_of(arguments, own) else None
        except (OSError, EOFError, ValueError):
            self.close()
            return None

    def _begin(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        """
        Raises:
            OSError: it doesn't come up in time, or not at all.
        """
        self._kind = _kind_of(arguments, environment)
        self._line, theirs = socket.socketpair()
        self._line.settimeout(READY_SECONDS)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *PROCESS, str(theirs.fileno()), *arguments],
                env=dict(environment),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        receive(self._line)
        self._line.settimeout(BIRTH_SECONDS)

    def _born(
        self, arguments: list[str], environment: Mapping[str, str], log: IO[bytes], kill_after: float
    ) -> BornGuard:
        assert self._line is not None
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        guard = BornGuard(os.fdopen(ours_in, "wb", 0), os.fdopen(ours_out, "rb", 0))
        told = {"arguments": arguments, "environment": dict(environment), "kill_after": kill_after}
        try:
            send(self._line, told, (theirs_in, theirs_out, log.fileno()))
            receive(self._line)
        except (OSError, EOFError, ValueError):
            guard.stdin.close()
            guard.stdout.close()
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        return guard

    def close(self) -> None:
        """Ends the process; what it gave birth to lives on."""
        self._is_over = True
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)
            self._process.kill()
            self._process.wait()


def _kind_of(arguments: Sequence[str], environment: Mapping[str, str]) -> Any:
    """What is read while libraries are imported: runs that agree in it can have the same ones."""
    settings = [text for text in arguments if _says_device(key_of(text))]
    variables = {
        name: text
        for name, text in environment.items()
        # A sweep may come to set the latter itself, as each run does.
        if not name.startswith(OWN_VARIABLES) and name not in SETTINGS
    }
    return settings, variables


def _says_device(key: str) -> bool:
    """Whether an override says something about the device, as presets may too."""
    return key.partition(".")[0] == "device" or (key in GROUPS and key != "dataset")
