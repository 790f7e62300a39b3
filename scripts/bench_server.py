#!/usr/bin/env python
"""How many answers a second does a server give, and at what processor time each, beside one of an older checkout?

    git worktree add before f733545
    python scripts/bench_server.py before mode=serve pipeline=image_classification \
        models.ImageClassification=outputs/ic/export device=cpu

Both serve all the time, each in a process of its own; clients that wait for their answers ask one and the other in
turn, for some seconds each, with embedded pages as JPEG. Prints medians over rounds, and their ratio.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import psutil
from load_target import Target

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "datasets" / "pages" / "images"
WIDTH, HEIGHT = 680, 960
START_SECONDS = 120.0
CLIENTS = 4


@dataclass
class Side:
    """One of both servers."""

    name: str
    process: psutil.Process
    target: Target
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    def spent(self) -> float:
        """Processor time of all its processes so far, in seconds."""
        there = [self.process, *self.process.children(recursive=True)]
        return sum(sum(one.cpu_times()[:2]) for one in there)


def start(name: str, checkout: Path, overrides: list[str]) -> Side:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "plx_train", *overrides, f"serve.port={port}"]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            return Side(name, psutil.Process(process.pid), Target(f"http://127.0.0.1:{port}", None))
        except OSError:
            time.sleep(0.3)
    raise SystemExit(f"{name} did not begin to serve")


def pages() -> list[bytes]:
    """Embedded pages, as a scanner sends them."""
    found = []
    for path in sorted(PAGES.glob("*"))[:8]:
        image = cv2.resize(cv2.imread(str(path)), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        found.append(cv2.imencode(".jpg", image)[1].tobytes())
    return found


def ask(side: Side, contents: list[bytes], seconds: float) -> None:
    """A round: all clients at once."""
    bodies = [side.target.body(content) for content in contents]
    counts = [0] * CLIENTS
    ends = time.monotonic() + seconds

    def client(number: int) -> None:
        connection = side.target.connect()
        while time.monotonic() < ends:
            status, _ = side.target.post(connection, bodies[(counts[number] + number) % len(bodies)])
            if status != 200:
                raise SystemExit(f"{side.name} answers {status}")
            counts[number] += 1
        connection.close()

    before, started = side.spent(), time.monotonic()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    side.rates.append(sum(counts) / (time.monotonic() - started))
    side.costs.append((side.spent() - before) / max(sum(counts), 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="older checkout")
    parser.add_argument("overrides", nargs="+", help="command that serves")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    sides = [
        start(name, folder.resolve(), given.overrides) for name, folder in (("before", given.before), ("now", ROOT))
    ]
    contents = pages()
    try:
        for number in range(given.rounds + 1):
            for side in sides if number % 2 else reversed(sides):
                ask(side, contents, given.seconds)
    finally:
        for side in sides:
            side.process.terminate()
    print("| server | answers a second | lowest to highest | processor time a request, ms |\n|---|---|---|---|")
    for side in sides:
        rates, costs = side.rates[1:], side.costs[1:]
        spread = f"{min(rates):.1f} to {max(rates):.1f}"
        print(f"| {side.name} | {statistics.median(rates):.1f} | {spread} | {1e3 * statistics.median(costs):.1f} |")
    ratios = [now / before for before, now in zip(sides[0].rates[1:], sides[1].rates[1:], strict=True)]
    print(f"now / before: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
