"""Where runs are carried out: what the sweep asks of an engine, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

KILL_AFTER_SECONDS = 15.0
"""A run that was asked to end gets this long to save what it has."""


@dataclass(frozen=True)
class JobSpec:
    """One run to carry out.

    Attributes:
        name: unique in the sweep, for example ``7`` or ``7-s2``.
        command: argument vector, whose first word is the Python interpreter.
        environment: variables beside those of the sweep's own process.
        folder: of the run, which every machine sees; its output goes to ``run.log`` in it, appended.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    folder: Path


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: its exit code; -9 and the like where a signal killed it; None where it was lost with its machine.
        reason: what the engine knows beyond the code, in words.
    """

    code: int | None
    reason: str | None = None


class Handle(Protocol):
    """A run that was started."""

    slot: str

    def poll(self) -> Ended | None:
        """How it ended; None while it goes on."""

    def stop(self) -> None:
        """Asks it to save and end (SIGTERM), and kills it `KILL_AFTER_SECONDS` later; returns at once."""


class Engine(Protocol):
    """Carries runs out, each in a fresh process; used from one thread."""

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the places; may grow and shrink where machines come and go."""

    def free(self) -> bool:
        """Whether a run can be started now."""

    def start(self, spec: JobSpec) -> Handle:
        """Starts a run in a free place.

        Raises:
            UserError: nothing can be started here, and why.
        """

    def close(self) -> None:
        """Ends what is still running, and waits for it; the engine can't be used any more."""
