"""Memory that was freed and kept in pieces goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

from plx_train.ground import memory

PROGRAM = """
from plx_train.ground.memory import give_back
def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
many = [bytes(100_000) for _ in range(2000)]
kept = many[::50]
full = held()
del many
before = held()
give_back()
print(full - before, full - held())
"""


@pytest.mark.skipif(memory._trim() is None, reason="the C library is not glibc")
def test_what_is_kept_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    before, after = map(int, done.stdout.split())
    assert after > 150_000_000 > before or after > before + 100_000_000


def test_another_c_library_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_trim", lambda: None)
    memory.give_back()
