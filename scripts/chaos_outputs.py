"""Outputs that nobody reads, as `chaos.py` gives them to runs: the ways, and a command that is run with one of them."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PIPE_BYTES = 4096


def _started(command: Sequence[str], environment: Mapping[str, str], output: int | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=environment, stdout=output, stderr=output)


def _to_a_reader_that_leaves(command: Sequence[str], environment: Mapping[str, str]) -> int:
    reads, writes = os.pipe()
    process = _started(command, environment, writes)
    os.close(writes)
    os.read(reads, 1)
    os.close(reads)
    return process.wait()


def _to_a_reader_that_stops(command: Sequence[str], environment: Mapping[str, str]) -> int:
    reads, writes = os.pipe()
    fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    process = _started(command, environment, writes)
    os.close(writes)
    code = process.wait()
    os.close(reads)
    return code


def _to_a_full_disk(command: Sequence[str], environment: Mapping[str, str]) -> int:
    with Path("/dev/full").open("wb") as full:
        return _started(command, environment, full.fileno()).wait()


def _to_nothing(command: Sequence[str], environment: Mapping[str, str]) -> int:
    closing = ["bash", "-c", 'exec "$@" <&- >&- 2>&-', "bash", *command]
    return subprocess.run(closing, env=environment, check=False).returncode


def _to_a_terminal_that_goes_away(command: Sequence[str], environment: Mapping[str, str]) -> int:
    main, other = os.openpty()
    process = _started(command, environment, other)
    os.close(other)
    os.read(main, 1)
    os.close(main)
    return process.wait()


WAYS: dict[str, Callable[[Sequence[str], Mapping[str, str]], int]] = {
    "reader_left": _to_a_reader_that_leaves,
    "reader_stopped": _to_a_reader_that_stops,
    "disk_full": _to_a_full_disk,
    "closed": _to_nothing,
    "terminal_gone": _to_a_terminal_that_goes_away,
}
"""Each runs a command and gives its exit code."""
