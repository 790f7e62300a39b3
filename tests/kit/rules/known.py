"""All rules by name, and the faults that are known: the tables only shrink, for a fault that is gone must not stay."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from kit.rules import loaders, mirror, outputs, rooms, sizes, used, wings, words

RULES: dict[str, Callable[..., list[str]]] = {
    "imports point to earlier wings": wings.wing_faults,
    "no file imports itself through others": wings.circle_faults,
    "three files lie at the root": wings.root_faults,
    "modes are what can be typed": wings.mode_faults,
    "rooms import their shared ground": rooms.room_import_faults,
    "heavy imports are late": rooms.heavy_import_faults,
    "workers and the command line reach no paddle": rooms.heavy_chain_faults,
    "graphs are loaded behind the gate": loaders.loader_faults,
    "rooms have the files of a room": rooms.room_file_faults,
    "the core names no room": words.room_name_faults,
    "the core asks no room what it has": words.asking_faults,
    "names of run files stand in one file": words.run_file_faults,
    "names say what is inside": words.meaningless_name_faults,
    "sentences begin with what they are about": words.riddle_faults,
    "one wing writes to the terminal": outputs.terminal_faults,
    "tables for people pass one function": outputs.table_faults,
    "words in pages pass one escape": outputs.markup_faults,
    "files can be read at one go": sizes.long_file_faults,
    "rooms stay small": sizes.room_size_faults,
    "functions stay small": sizes.function_faults,
    "a name stands for one class": sizes.class_name_faults,
    "nothing is there for tests alone": used.unused_faults,
    "tests mirror the package": mirror.mirror_faults,
    "no test imports a test": mirror.borrowing_faults,
}
NUMBERS: dict[str, dict[str, Mapping[str, int]]] = {
    "rooms stay small": {"older": sizes.OLDER_ROOMS},
    "functions stay small": {"long": sizes.LONG_FUNCTIONS, "many": sizes.MANY_PARAMETERS},
}
"""What some things may have beyond what all others may, by the rule's arguments."""
KNOWN: dict[str, tuple[str, ...]] = {}


def compared(found: list[str], known: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Faults that are not known, and known ones that are gone; lines do not count for either."""
    plain = [re.sub(r":\d+: ", ": ", fault, count=1) for fault in found]
    new = [fault for fault, text in zip(found, plain, strict=True) if text not in known]
    return new, [text for text in known if text not in plain]
