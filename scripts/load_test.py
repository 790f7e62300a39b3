#!/usr/bin/env python
"""Puts load on a started server, on this machine only, and prints what it did as tables for docs/serving.md.

    python -m plx_train mode=serve pipeline=ocr device=cpu &
    python scripts/load_test.py --url http://127.0.0.1:8080 --seconds 20

Four parts, all of them unless --parts names some. clients: clients that wait for answers. overload: three times as many
requests as the server can take, hostile ones among them, for twice the time that fills its house. hostile: requests
that are wrong, huge, cut off or hostile beside good ones. memory: rounds of load and hostile requests while memory is
watched. The exit code is 1 if a request got a status it should not have got, overload met no 503, or memory
grew.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from load_target import Target, hostile

PAGES = Path(__file__).resolve().parent.parent / "datasets" / "pages" / "images"
PARTS = ("clients", "overload", "hostile", "memory")
OVERLOAD = 3
"""Requests of the overload for each that the server can take."""
GROWTH_MB = 64.0
"""What memory may vary by from one round to the last: allocators give back late."""
OPEN_THREADS = 400
PAUSE_SECONDS = 0.2
"""Between hostile requests during overload: they are there to disturb, not to be the load."""


@dataclass
class Seen:
    """Statuses, and seconds of the requests that were served."""

    statuses: Counter[int] = field(default_factory=Counter)
    served: list[float] = field(default_factory=list)
    seconds: float = 0.0
    without_retry: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: int, seconds: float, retry_after: str | None = None) -> None:
        with self.lock:
            self.statuses[status] += 1
            if status == 200:
                self.served.append(seconds)
            if status == 503 and not retry_after:
                self.without_retry += 1

    @property
    def rate(self) -> float:
        return len(self.served) / self.seconds if self.seconds else 0.0

    def row(self, name: str) -> str:
        ordered = sorted(self.served) or [float("nan")]
        parts = [ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 for share in (0.5, 0.95, 0.99)]
        cells = [f"{self.rate:.2f}", *(f"{part:.0f}" for part in parts), shown(self.statuses)]
        return f"| {name} | " + " | ".join(cells) + " |"

    def faults(self, name: str) -> list[str]:
        """What is not as it should be: other statuses than 200 and 503, and 503 that don't say when to come again."""
        wrong = {status for status in self.statuses if status not in (200, 503)}
        found = [f"{name}: {dict(self.statuses)}"] if wrong else []
        return found + ([f"{name}: {self.without_retry} × 503 without Retry-After"] if self.without_retry else [])


def shown(statuses: Counter[int]) -> str:
    """``12 × 200, 3 × 503``"""
    return ", ".join(f"{count} × {status or 'closed'}" for status, count in sorted(statuses.items()))


def waiting_clients(target: Target, bodies: list[bytes], clients: int, seconds: float) -> Seen:
    """So many clients, each of which sends its next request when it has its answer."""
    seen, ends, began = Seen(), time.monotonic() + seconds, time.monotonic()

    def client(number: int) -> None:
        connection = target.connect()
        for body in itertools.islice(itertools.cycle(bodies), number, None):
            if time.monotonic() > ends:
                break
            sent = time.monotonic()
            status, retry = target.post(connection, body)
            seen.add(status, time.monotonic() - sent, retry)
            if status == 503:
                time.sleep(min(float(retry or 1), 1.0))
        connection.close()

    _all(client, clients)
    seen.seconds = time.monotonic() - began
    return seen


def steady_rate(target: Target, bodies: list[bytes], rate: float, seconds: float) -> Seen:
    """Requests at a rate that does not care for answers, up to `OPEN_THREADS` at once."""
    seen, began = Seen(), time.monotonic()

    def send(body: bytes) -> None:
        sent = time.monotonic()
        connection = target.connect()
        status, retry = target.post(connection, body)
        seen.add(status, time.monotonic() - sent, retry)
        connection.close()

    with ThreadPoolExecutor(OPEN_THREADS) as pool:
        for number in range(int(rate * seconds)):
            time.sleep(max(began + number / rate - time.monotonic(), 0))
            pool.submit(send, bodies[number % len(bodies)])
            if time.monotonic() - began > 2 * seconds:
                break
    seen.seconds = time.monotonic() - began
    return seen


def _all(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def try_hostile(
    target: Target, bodies: list[bytes], image: bytes, times: int, max_bytes: int, faults: list[str]
) -> list[str]:
    """A row for each attempt, while a good client goes on beside them."""
    rows, is_over, beside = [], threading.Event(), Seen()

    def good() -> None:
        connection = target.connect()
        for body in itertools.cycle(bodies):
            if is_over.is_set():
                break
            status, _ = target.post(connection, body)
            beside.add(status, 0.0)

    thread = threading.Thread(target=good)
    thread.start()
    for name, wanted, attempt in hostile(target, image, max_bytes):
        statuses = Counter(attempt() for _ in range(times))
        rows.append(f"| {name} | {shown(statuses)} |")
        if set(statuses) - set(wanted):
            faults.append(f"{name}: {dict(statuses)}, right is {wanted}")
    is_over.set()
    thread.join()
    rows.append(f"| good requests beside them | {shown(beside.statuses)} |")
    if set(beside.statuses) != {200}:
        faults.append(f"good requests beside hostile ones: {dict(beside.statuses)}")
    return rows


def waiting(target: Target, bodies: list[bytes], options: argparse.Namespace, faults: list[str]) -> float:
    """Prints a row for each number of clients; the best rate in answers/s."""
    best = 0.0
    for clients in options.clients:
        seen = waiting_clients(target, bodies, clients, options.seconds)
        best = max(best, seen.rate)
        print(seen.row(f"{clients} clients that wait"), flush=True)
        faults += seen.faults(f"{clients} clients")
    return best


def overload(
    target: Target, bodies: list[bytes], image: bytes, capacity: float, options: argparse.Namespace, faults: list[str]
) -> None:
    """Prints a row of requests at three times `capacity`, and one of the hostile requests among them."""
    rate = OVERLOAD * capacity
    fills = options.queue / (rate - capacity)
    is_over, among = threading.Event(), Counter[int]()

    def disturb() -> None:
        for name, wanted, attempt in itertools.cycle(list(hostile(target, image, options.max_body_mb << 20))):
            if is_over.is_set():
                break
            status = attempt()
            among[status] += 1
            time.sleep(PAUSE_SECONDS)
            if status not in (*wanted, 503):
                faults.append(f"{name} during overload: {status}, right is {wanted} or 503")

    thread = threading.Thread(target=disturb)
    thread.start()
    seen = steady_rate(target, bodies, rate, max(options.seconds, 2 * fills))
    is_over.set()
    thread.join()
    print(seen.row(f"{OVERLOAD} × that, {rate:.1f} requests/s"), flush=True)
    print(f"| hostile requests among these | | | | | {shown(among)} |", flush=True)
    faults += seen.faults(f"{OVERLOAD} × capacity")
    if not seen.statuses[503]:
        faults.append(f"{OVERLOAD} × capacity: no 503 in {seen.seconds:.0f} s")


def watch_memory(
    target: Target, bodies: list[bytes], image: bytes, options: argparse.Namespace, faults: list[str]
) -> list[str]:
    """Resident memory after each round of load, overload and hostile requests."""
    sizes = []
    for _ in range(options.rounds):
        waiting_clients(target, bodies, 16, options.seconds / 4)
        try_hostile(target, bodies, image, 2, options.max_body_mb << 20, faults)
        time.sleep(1.0)
        sizes.append(target.metric("process_resident_memory_bytes") / 2**20)
    if sizes and sizes[-1] - sizes[0] > GROWTH_MB:
        faults.append(f"memory grew from {sizes[0]:.0f} to {sizes[-1]:.0f} MiB")
    return [f"| {number + 1} | {size:.0f} |" for number, size in enumerate(sizes)]


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--key", help="the server's API key")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--images", type=Path, default=PAGES, help="folder of images, or one")
    parser.add_argument("--count", type=int, default=8, help="images that are taken")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="for each measurement; overload takes what it needs"
    )
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 48], help="that wait for their answers")
    parser.add_argument("--rounds", type=int, default=5, help="of load while memory is watched")
    parser.add_argument("--capacity", type=float, help="answers/s; by default what clients that wait get at best")
    parser.add_argument("--queue", type=int, default=64, help="the server's serve.queue_size")
    parser.add_argument("--max-body-mb", type=int, default=32, help="the server's serve.max_body_mb")
    return parser.parse_args()


def main() -> int:
    options = read_options()
    files = [options.images] if options.images.is_file() else sorted(options.images.glob("*.[jp][pn]g"))
    images = [path.read_bytes() for path in files[: options.count]]
    target, faults = Target(options.url, options.key), list[str]()
    bodies = [target.body(image) for image in images]
    waiting_clients(target, bodies, 2, min(options.seconds, 3.0))
    if {"clients", "overload"} & set(options.parts):
        print("| load | answers/s | p50 ms | p95 ms | p99 ms | statuses |\n|---|---|---|---|---|---|")
    capacity = options.capacity
    if "clients" in options.parts:
        capacity = capacity or waiting(target, bodies, options, faults)
    if "overload" in options.parts:
        capacity = capacity or waiting_clients(target, bodies, 8, options.seconds).rate
        overload(target, bodies, images[0], capacity, options, faults)
    if "hostile" in options.parts:
        print("\n| request | statuses |\n|---|---|")
        print("\n".join(try_hostile(target, bodies, images[0], 10, options.max_body_mb << 20, faults)), flush=True)
    if "memory" in options.parts:
        print("\n| round | MiB in memory |\n|---|---|")
        print("\n".join(watch_memory(target, bodies, images[0], options, faults)), flush=True)
    print(f"\nhealth afterwards: {json.loads(target.get('/health'))['errorMsg']}")
    print("\n".join(f"FAULT: {fault}" for fault in faults) or "no faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
