"""How exactly a run can be repeated, as a level that is recorded with it."""

from __future__ import annotations

from dataclasses import dataclass

from plx_train.config.options import RunOptions
from plx_train.machine.device import OpenDevice


@dataclass(frozen=True)
class Determinism:
    """A level, and what it promises.

    Attributes:
        level: bitwise, clock, seeded or none.
        sentence: for people.
    """

    level: str
    sentence: str


def determinism(options: RunOptions, device: OpenDevice) -> Determinism:
    """The level of a run with these options on this device."""
    if not options.deterministic:
        return Determinism("none", "deterministic=false: nothing is promised")
    if device.type != "cpu":
        return Determinism(
            "seeded", "same data, order and draws; this device may add up in another order from run to run"
        )
    if options.trainer.max_time:
        return Determinism(
            "clock", "same bits where mode=reproduce follows the plan on record; a new run plans its time anew"
        )
    return Determinism(
        "bitwise",
        "same bits on the same kind of processor with the same versions and number of processes, whatever the threads",
    )
