"""Tools that do the same in processes of their own, asked in turn on the same cores, with the time that each takes.

Part of ocr_speed.py and det_speed.py; runs in the Python of each tool, so with the standard library alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OWN = "plx_train"
"""How readers of this package are called, or how their names begin."""
REST_SECONDS = 0.4
"""From one tool to the next: threads of OpenMP keep a core busy for 0.2 s after their work is done."""

Read = Callable[[str], Any]
Readers = Mapping[str, Callable[[str], Read]]
"""By the tool's name, what opens a folder and gives what reads a file."""


@dataclass(frozen=True)
class Answer:
    """What a tool made of one file, in how long: by the clock, and of all its threads together."""

    seconds: float
    cpu: float
    found: Any


def arguments(description: str | None, readers: Readers) -> argparse.ArgumentParser:
    """A parser that knows what `start` says to a worker."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worker", choices=list(readers), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser


def start(script: str, name: str, python: str, folder: str) -> subprocess.Popen[str]:
    """A process that reads files by the reader `name` of `script` until its input ends."""
    environment = {**os.environ, "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "True"}
    if not name.startswith(OWN):
        environment.pop("PYTHONPATH", None)
    command = [python, script, "--worker", name, "--folder", folder]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )


def serve(read: Read) -> None:
    """Answers each line of standard input, a path."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        began, busy = time.perf_counter(), time.process_time()
        found = read(line.strip())
        told = [time.perf_counter() - began, time.process_time() - busy, found]
        print(json.dumps(told), file=answers, flush=True)


def ask_in_turn(
    workers: Mapping[str, subprocess.Popen[str]], files: list[Path], rounds: int
) -> dict[str, list[list[Answer]]]:
    """Answers by tool and round, of each file; a tool that does not run is left out. The first round is to warm up."""
    found: dict[str, list[list[Answer]]] = {name: [] for name in workers}
    for _ in range(1 + rounds):
        for answers in found.values():
            answers.append([])
        for path in files:
            for name in list(found):
                answer = _ask(workers[name], path)
                if answer is None:
                    print(f"{name} does not run here", file=sys.stderr)
                    del found[name]
                else:
                    found[name][-1].append(answer)
    for worker in workers.values():
        with suppress(BrokenPipeError):
            assert worker.stdin is not None
            worker.stdin.close()
        worker.wait()
    return found


def _ask(worker: subprocess.Popen[str], path: Path) -> Answer | None:
    assert worker.stdin is not None and worker.stdout is not None
    time.sleep(REST_SECONDS)
    with suppress(BrokenPipeError):
        worker.stdin.write(f"{path.absolute()}\n")
        worker.stdin.flush()
    told = worker.stdout.readline()
    return Answer(*json.loads(told)) if told else None


def compared(
    answers: list[list[Answer]], own: list[list[Answer]], measure: Callable[[Answer], float]
) -> tuple[float, float]:
    """The median of what is measured, and of its ratio to that of `own` for the same file in the same round."""
    pairs = [
        (measure(one), measure(other))
        for mine, others in zip(own[1:], answers[1:], strict=True)
        for other, one in zip(mine, others, strict=True)
    ]
    return statistics.median(one for one, _ in pairs), statistics.median(one / other for one, other in pairs)
