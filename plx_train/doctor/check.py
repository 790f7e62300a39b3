"""What one look finds."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes:
        status: ok, warn or fail.
        hint: what to do; empty where nothing needs to be done.
    """

    name: str
    status: str
    detail: str
    hint: str = ""
