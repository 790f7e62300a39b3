"""Makes a case that shows a fault as small as it can be in a little time."""

from __future__ import annotations

import time
from collections.abc import Callable

from fuzzing.cases import Case

SECONDS = 30.0
SLOW_SECONDS = 60.0
MOST_TRIES = 600


def minimised(case: Case, shows: Callable[[Case], bool], slow: bool = False) -> Case:
    """The case without files and bytes that the fault needs not; itself where it does not show again."""
    end = time.monotonic() + (SLOW_SECONDS if slow else SECONDS)
    tries = 0

    def holds(one: Case) -> bool:
        nonlocal tries
        tries += 1
        return tries < MOST_TRIES and time.monotonic() < end and shows(one)

    if not holds(case):
        return case
    for name in sorted(case):
        without = {other: content for other, content in case.items() if other != name}
        if without and holds(without):
            case = without
    for name in sorted(case, key=lambda one: len(case[one])):
        case = _shorter(case, name, holds)
    return case


def _shorter(case: Case, name: str, holds: Callable[[Case], bool]) -> Case:
    """The case with as little as possible of one file: parts are left out, ever smaller ones."""
    size = max(len(case[name]) // 2, 1)
    while size >= 1:
        place, has_changed = 0, False
        while place < len(case[name]):
            content = case[name]
            tried = {**case, name: content[:place] + content[place + size :]}
            if holds(tried):
                case, has_changed = tried, True
            else:
                place += size
        if size == 1 and not has_changed:
            break
        size = size // 2 if size > 1 else (1 if has_changed else 0)
    return case
