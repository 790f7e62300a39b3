#!/usr/bin/env python
"""Keeps a started server busy for long with good and hostile requests, on this machine only, and watches what it holds.

    python -m plx_train mode=serve pipeline=ocr device=cpu & python scripts/soak.py --pid $! --minutes 120

Good requests come at twice the rate that the server can take, whatever becomes of them; each answer is held against the
one that the same file got when nothing else was there. Beside them go, in turn, all hostile requests of load_target.py,
the slow clients of slow_target.py and, with --files, the files of hostile_files.py. Each minute a row is printed and,
with --record, appended to a CSV file. Ends with 1 if an answer was wrong, a status was not the right one, or memory,
descriptors, threads or processes grew.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import itertools
import json
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from hostile_files import hostile_files
from load_target import JSON, Target, hostile
from load_test import PAGES, shown, waiting_clients
from slow_target import Attempt, slow

TOLERANCE = 1e-3
"""Relative; a batch of another size adds up in another order."""
ALWAYS_RIGHT = (503,)
HARMLESS = (200, 413, 422, 503, 504)
"""What a hostile file may be answered."""
CROWD = ("PDF with a tiny tile", "PDF of forms in forms")
CROWD_SIZE = 64
SETTLE_SECONDS = 30.0
GROWTH_MIB = 64.0
"""What memory may grow by from the second third of the time to the last; the first warms up."""
GROWTH_QUIET = {"descriptors": 8, "threads": 8, "processes": 2}
"""What each may be more by when all is quiet again: under load they come and go with the connections."""
STARVED_SECONDS = 5.0
"""A good request that took longer to send has been slow itself, as on a machine with too much to do."""


@dataclass(frozen=True)
class Row:
    """What a minute was like; counts are those of this minute."""

    minute: float
    answers_per_second: float
    good: int
    refused: int
    wrong: int
    closed: int
    hostile: int
    mib: float
    descriptors: int
    threads: int
    processes: int


@dataclass
class Tally:
    """What has been answered since the last row, and all that was not right."""

    good: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    hostile: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


def answer_to(target: Target, body: bytes) -> tuple[int, Any]:
    """Status and what was found; 0 where the connection broke, -1 where it was this side that was too slow."""
    connection = target.connect()
    began = time.monotonic()
    try:
        connection.request("POST", target.path, body, {**JSON, **target.headers})
        was_slow = time.monotonic() - began > STARVED_SECONDS
        answer = connection.getresponse()
        if answer.status == 408 and was_slow:
            return -1, None
        return answer.status, json.loads(answer.read()).get("result")
    except (OSError, http.client.HTTPException, ValueError):
        return 0, None
    finally:
        connection.close()


def is_equal(found: Any, reference: Any) -> bool:
    """Whether two answers are the same but for the last digits."""
    if isinstance(found, dict) and isinstance(reference, dict):
        return found.keys() == reference.keys() and all(is_equal(found[name], reference[name]) for name in found)
    if isinstance(found, list) and isinstance(reference, list):
        return len(found) == len(reference) and all(map(is_equal, found, reference))
    if isinstance(found, float) or isinstance(reference, float):
        return abs(found - reference) <= TOLERANCE * max(1.0, abs(reference))
    return bool(found == reference)


def send_good(
    target: Target, bodies: list[bytes], references: list[Any], rate: float, ends: float, tally: Tally
) -> None:
    """Sends at `rate` until `ends`, and checks what comes."""
    gate = threading.BoundedSemaphore(400)

    def send(number: int) -> None:
        try:
            status, found = answer_to(target, bodies[number])
            is_wrong = status == 200 and not is_equal(found, references[number])
            with tally.lock:
                tally.good[status] += 1
                tally.wrong += is_wrong
                if is_wrong:
                    tally.faults["a wrong answer to a good request"] += 1
                elif status not in (200, 503, -1):
                    tally.faults[f"a good request was answered {status or 'not at all'}"] += 1
        finally:
            gate.release()

    with ThreadPoolExecutor(400) as pool:
        began = time.monotonic()
        for count in itertools.count():
            time.sleep(max(began + count / rate - time.monotonic(), 0))
            if time.monotonic() > ends:
                break
            # Where this machine can't send as fast, nothing piles up.
            gate.acquire()
            pool.submit(send, count % len(bodies))


def attempts(target: Target, image: bytes, options: argparse.Namespace) -> list[Attempt]:
    """All that is hostile."""
    found = [*hostile(target, image, options.max_body_mb << 20), *slow(target, image)]
    if options.files:
        files = list(hostile_files())
        found += [(name, HARMLESS, _sending(target, content, kind)) for name, content, kind in files]
        crowd = [_sending(target, content, kind) for name, content, kind in files if name in CROWD]
        found.append((f"{CROWD_SIZE} files that hang at once", HARMLESS, partial(_at_once, crowd)))
    return found


def _sending(target: Target, content: bytes, kind: int) -> Callable[[], int]:
    fields = {"fileType": kind} if "image-" not in target.path else {}
    return lambda: answer_to(target, target.body(content, **fields))[0]


def _at_once(sending: Sequence[Callable[[], int]]) -> int:
    """The first status that is not right, else the first, of so many requests at once."""
    with ThreadPoolExecutor(CROWD_SIZE) as threads:
        statuses = list(threads.map(lambda number: sending[number % len(sending)](), range(CROWD_SIZE)))
    return next((status for status in statuses if status not in HARMLESS), statuses[0])


def disturb(tries: Iterator[Attempt], lock: threading.Lock, ends: float, pause: float, tally: Tally) -> None:
    """Goes through what is hostile until `ends`."""
    while time.monotonic() < ends:
        with lock:
            name, right, attempt = next(tries)
        status = attempt()
        with tally.lock:
            tally.hostile[name] += 1
            tally.statuses.setdefault(name, Counter())[status] += 1
            if status not in (*right, *ALWAYS_RIGHT):
                tally.faults[f"{name}: {status}, right is {right}"] += 1
        time.sleep(pause)


def measured(process: psutil.Process, minute: float, seconds: float, tally: Tally) -> Row:
    """The row of what was tallied since the last one."""
    members = [process, *process.children(recursive=True)]
    held = [_held(one) for one in members]
    with tally.lock:
        good, wrong, tried = tally.good, tally.wrong, sum(tally.hostile.values())
        tally.good, tally.wrong, tally.hostile = Counter(), 0, Counter()
    mib, descriptors, threads = (sum(one[at] for one in held) for at in range(3))
    return Row(
        round(minute, 1), round(good[200] / seconds, 2), good[200], good[503], wrong, good[0], tried,
        round(mib, 1), int(descriptors), int(threads), len(members),
    )  # fmt: skip


def _held(process: psutil.Process) -> tuple[float, int, int]:
    try:
        return process.memory_info().rss / 2**20, process.num_fds(), process.num_threads()
    except psutil.Error:  # It has ended by now.
        return 0.0, 0, 0


def growth(rows: list[Row], before: Row, after: Row) -> list[str]:
    """What is more at the end than it was."""
    found = [
        f"{name} grew from {getattr(before, name)} to {getattr(after, name)}"
        for name, allowed in GROWTH_QUIET.items()
        if getattr(after, name) - getattr(before, name) > allowed
    ]
    third = len(rows) // 3
    if third >= 2:
        earlier, later = (statistics.median(row.mib for row in part) for part in (rows[third:-third], rows[-third:]))
        if later - earlier > GROWTH_MIB:
            found.append(f"memory grew from {earlier:.0f} to {later:.0f} MiB")
    return found


def watch(process: psutil.Process, began: float, ends: float, options: argparse.Namespace, tally: Tally) -> list[Row]:
    """A row each `--every` seconds, printed and recorded as it comes."""
    rows: list[Row] = []
    names = [one.name for one in fields(Row)]
    print("| " + " | ".join(names) + " |\n|" + "---|" * len(names), flush=True)
    while time.monotonic() < ends:
        since = time.monotonic()
        time.sleep(min(options.every, max(ends - since, 1.0)))
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            tally.faults["the server has ended"] += 1
            break
        rows.append(measured(process, (time.monotonic() - began) / 60, time.monotonic() - since, tally))
        values = asdict(rows[-1])
        print("| " + " | ".join(str(value) for value in values.values()) + " |", flush=True)
        if options.record:
            is_new = not options.record.exists()
            with options.record.open("a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, names)
                if is_new:
                    writer.writeheader()
                writer.writerow(values)
    return rows


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--pid", type=int, required=True, help="the server's process")
    parser.add_argument("--key", help="the server's API key")
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--every", type=float, default=60.0, help="seconds from one row to the next")
    parser.add_argument("--record", type=Path, help="CSV file that rows are appended to")
    parser.add_argument("--images", type=Path, default=PAGES, help="folder of images, or one")
    parser.add_argument("--count", type=int, default=8, help="images that are taken")
    parser.add_argument("--capacity", type=float, help="answers/s; by default what eight clients that wait get")
    parser.add_argument("--load", type=float, default=2.0, help="good requests for each that the server can take")
    parser.add_argument("--attackers", type=int, default=4, help="hostile clients at once")
    parser.add_argument(
        "--pause", type=float, default=0.2, help="seconds of a hostile client from one attempt to the next"
    )
    parser.add_argument("--files", action="store_true", help="hostile files too")
    parser.add_argument("--max-body-mb", type=int, default=32, help="the server's serve.max_body_mb")
    return parser.parse_args()


def main() -> int:
    options = read_options()
    files = [options.images] if options.images.is_file() else sorted(options.images.glob("*.[jp][pn]g"))
    images = [path.read_bytes() for path in files[: options.count]]
    target, tally, process = Target(options.url, options.key), Tally(), psutil.Process(options.pid)
    bodies = [target.body(image) for image in images]
    references = [answer_to(target, body) for body in bodies]
    if {status for status, _ in references} != {200}:
        raise SystemExit(f"the files are not answered when nothing else is there: {references[0]}")
    capacity = options.capacity or waiting_clients(target, bodies, 8, 10.0).rate
    rate = options.load * capacity
    print(f"{capacity:.1f} answers/s at best; {rate:.1f} good requests/s, {options.minutes:g} minutes\n")
    # Each decoder gets its memory with its first file, each thread with its first request.
    for _ in range(4):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(partial(answer_to, target), bodies))
    before = measured(process, 0.0, 1.0, tally)
    began = time.monotonic()
    ends = began + 60 * options.minutes
    tries, lock = itertools.cycle(attempts(target, images[0], options)), threading.Lock()
    found = [found for _, found in references]
    hostile_client = (tries, lock, ends, options.pause, tally)
    threads = [threading.Thread(target=send_good, args=(target, bodies, found, rate, ends, tally))]
    threads += [threading.Thread(target=disturb, args=hostile_client) for _ in range(options.attackers)]
    for thread in threads:
        thread.daemon = True
        thread.start()
    rows = watch(process, began, ends, options, tally)
    time.sleep(SETTLE_SECONDS)
    faults = conclude(target, process, tally, list(zip(bodies, found, strict=True)))
    if process.is_running():
        after = measured(process, 0.0, 1.0, tally)
        print(f"before: {held_by(before)}; when all is quiet again: {held_by(after)}")
        faults += growth(rows, before, after)
    print("\n".join(f"FAULT: {fault}" for fault in faults) or "no faults")
    return 1 if faults else 0


def held_by(row: Row) -> str:
    """What the server holds, in words."""
    return f"{row.mib:.0f} MiB, {row.descriptors} descriptors, {row.threads} threads, {row.processes} processes"


def conclude(target: Target, process: psutil.Process, tally: Tally, good: list[tuple[bytes, Any]]) -> list[str]:
    """Prints what came of hostile requests, and asks once more for each answer; what was not right."""
    faults = [f"{count} × {fault}" for fault, count in tally.faults.items()]
    print("\n| hostile request | statuses |\n|---|---|")
    print("\n".join(f"| {name} | {shown(statuses)} |" for name, statuses in sorted(tally.statuses.items())))
    if process.is_running():
        for body, reference in good:
            status, found = answer_to(target, body)
            if status != 200 or not is_equal(found, reference):
                faults.append(f"when all was quiet again a good request was answered {status}, or wrongly")
        print(f"\nhealth: {json.loads(target.get('/health'))['errorMsg']}")
    return faults


if __name__ == "__main__":
    sys.exit(main())
