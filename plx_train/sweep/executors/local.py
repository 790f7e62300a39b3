"""Runs as processes of this machine, each in a slot: a share of its cores, or a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from plx_train.ground.errors import ConfigError, UserError
from plx_train.runs.folder import LOG_FILE
from plx_train.sweep.executors.executor import Ended, JobSpec
from plx_train.sweep.executors.nursery import Nursery
from plx_train.sweep.executors.run_process import RunProcess, end_all

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Slot:
    """A place that one run at a time is given.

    Attributes:
        name: unique, for example ``cpu:1``, ``gpu:0``, and ``gpu:0#2`` where a card is shared.
        environment: variables that its runs get beside their own, which win.
        overrides: appended to its runs' commands, where they win over earlier ones of the same key.
    """

    name: str
    environment: dict[str, str] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()


class LocalHandle:
    """A run in a slot."""

    def __init__(self, slot: str, process: RunProcess) -> None:
        self.slot = slot
        self.process = process

    def poll(self) -> Ended | None:
        """How it ended; None while it goes on."""
        return self.process.poll()

    def stop(self) -> None:
        """Asks it to save and end, and kills it `KILL_AFTER_SECONDS` later; returns at once."""
        self.process.stop()


class LocalEngine:
    """Carries runs out on this machine, one in each slot.

    A run's command is that of its `JobSpec` with the slot's overrides behind it; it ends with this process, however
    that ends, and nothing that it has started stays.
    """

    def __init__(self, slots: Sequence[Slot], is_warm: bool = False) -> None:
        """
        Args:
            is_warm: runs are born by a process that has everything imported.
        """
        self._places = tuple(slots)
        self._nursery = Nursery() if is_warm else None
        self._running: dict[str, LocalHandle] = {}

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the slots."""
        return tuple(slot.name for slot in self._places)

    def free(self) -> bool:
        """Whether a slot is empty."""
        return self._empty() is not None

    def start(self, spec: JobSpec) -> LocalHandle:
        """Starts a run in the first empty slot.

        Raises:
            UserError: there is none, or no process can be started.
        """
        slot = self._empty()
        if slot is None:
            raise UserError(f"run {spec.name} can't be started: all of {', '.join(self.slots)} are taken")
        command = (*spec.command, *slot.overrides)
        environment = {**slot.environment, **spec.environment}
        process = RunProcess(command, environment, spec.folder / LOG_FILE, nursery=self._nursery)
        handle = self._running[slot.name] = LocalHandle(slot.name, process)
        return handle

    def close(self) -> None:
        """Ends what is still running, and waits for it."""
        end_all(handle.process for handle in self._running.values())
        self._running.clear()
        if self._nursery is not None:
            self._nursery.close()

    def _empty(self) -> Slot | None:
        self._running = {name: handle for name, handle in self._running.items() if handle.poll() is None}
        return next((slot for slot in self._places if slot.name not in self._running), None)


def local_slots(
    workers: int | None,
    slots: Sequence[str] | str | int | None,
    device_type: str,
    cpu_count: int,
    gpu_ids: Sequence[int] = (),
) -> tuple[Slot, ...]:
    """Slots of this machine.

    On a CPU there are as many as asked for, one by default, and the cores are divided among them. On accelerators
    each card is one, unless `slots` names cards, ``gpu:0,gpu:0,gpu:1``, where one that is named twice is shared.

    Args:
        workers: runs at a time.
        slots: how many, which is `workers` in other words, or their names.
        device_type: ``cpu``, ``gpu`` or another accelerator's name.
        cpu_count: cores to divide.
        gpu_ids: cards that may be used.

    Raises:
        ConfigError: these do not fit each other, or the machine.
    """
    slots = slots.split(",") if isinstance(slots, str) else slots
    names = None if slots is None or isinstance(slots, int) else list(slots)
    counts = {"workers": workers, "slots": None if names is not None else slots}
    given = {key: count for key, count in counts.items() if count is not None}
    said = " ".join(f"{key}={count}" for key, count in given.items())
    if any(not _is_count(count) for count in given.values()):
        raise ConfigError(f"{said}: at least one run has to go on at a time")
    if len(set(given.values())) > 1:
        raise ConfigError(f"{said}: both say how many runs go on at a time, leave one out")
    count = next(iter(given.values()), None)
    if names is not None and count not in (None, len(names)):
        raise ConfigError(f"{said} slots=[{','.join(names)}]: the slots say how many there are, leave workers out")
    if device_type == "cpu":
        return _cpu_slots(names, count, cpu_count)
    return _card_slots(names, count, device_type, list(gpu_ids))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _cpu_slots(names: list[str] | None, count: Any, cpu_count: int) -> tuple[Slot, ...]:
    wanted = [f"cpu:{number}" for number in range(len(names) if names is not None else count or 1)]
    if names is not None and (not names or sorted(names) != sorted(wanted)):
        example = ",".join(wanted or ["cpu:0"])
        raise ConfigError(
            f"slots=[{','.join(names)}]: on a CPU they are numbered from 0, slots=[{example}] or a number"
        )
    threads = str(max(1, cpu_count // len(wanted)))
    environment = dict.fromkeys(THREAD_VARIABLES, threads)
    return tuple(Slot(name, environment, (f"device.threads={threads}",)) for name in names or wanted)


def _card_slots(names: list[str] | None, count: Any, device_type: str, ids: list[int]) -> tuple[Slot, ...]:
    cards = [f"{device_type}:{number}" for number in ids]
    if not cards:
        raise ConfigError(f"there is no {device_type} to run on: say device=cpu, or device.ids=[0]")
    if names is None:
        if count is not None and count > len(cards):
            raise ConfigError(
                f"{count} runs at a time do not fit on {', '.join(cards)} one each: "
                f"to share a card, name it twice, slots=[{cards[0]},{cards[0]}]"
            )
        names = cards[:count]
    if not names:
        raise ConfigError(f"slots=[]: at least one run has to go on at a time, for example slots=[{cards[0]}]")
    for name in names:
        if name not in cards:
            raise ConfigError(f"slots=[{','.join(names)}]: {name} is not among {', '.join(cards)}")
    found = []
    for place, name in enumerate(names):
        share = names[: place + 1].count(name)
        override = f"device.ids=[{name.rpartition(':')[2]}]"
        found.append(Slot(name if share == 1 else f"{name}#{share}", overrides=(override,)))
    return tuple(found)
