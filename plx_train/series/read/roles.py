"""Which columns of a table hold what: as the user named them, and found where that was left open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from plx_train.series.read.names import GROUP_NAME, LABEL_NAME, TIME_NAMES, named_as
from plx_train.series.read.reader import Columns


@dataclass(frozen=True)
class Roles:
    """Columns by what they are for.

    Attributes:
        targets: None: all numbers that are nothing else.
        flags: columns of 0 and 1 that mark rows, as anomalies do.
    """

    time: str | None
    targets: tuple[str, ...] | None
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    group: str | None = None
    label: str | None = None
    flags: tuple[str, ...] = ()

    def columns(self) -> Columns:
        """All of them as `read_series` takes them; values in the order targets, past, future, flags."""
        values = None if self.targets is None else (*self.targets, *self.past, *self.future, *self.flags)
        return Columns(self.time, values, self.group, self.static, self.label, self.flags)


def find_roles(header: Sequence[str], named: Roles) -> Roles:
    """`named` with the columns of usual names in the places that were left open."""
    time = named.time or named_as(header, TIME_NAMES)
    group = named.group or (GROUP_NAME if GROUP_NAME in header else None)
    label = named.label or (LABEL_NAME if LABEL_NAME in header else None)
    return Roles(time, named.targets, named.past, named.future, named.static, group, label)


def with_targets(roles: Roles, found: Sequence[str]) -> Roles:
    """`roles` with all found columns as targets that are nothing else, where none were named."""
    if roles.targets is not None:
        return roles
    taken = {roles.time, roles.group, roles.label, *roles.past, *roles.future, *roles.static, *roles.flags}
    targets = tuple(name for name in found if name not in taken)
    return replace(roles, targets=targets)
