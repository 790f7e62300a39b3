#!/usr/bin/env python
"""Puts load on a started server, on this machine only, and prints what it did as tables for docs/serving.md.

    python -m plx_train mode=serve pipeline=ocr device=cpu &
    python scripts/load_test.py --url http://127.0.0.1:8080 --seconds 20

Clients that wait for their answers, then three times as many requests as the server can take, then requests that are
wrong, huge, cut off or hostile beside good ones, then rounds of that while memory is watched. The exit code is 1 if a
request got a status it should not have got, or memory grew.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import ipaddress
import itertools
import json
import socket
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

PAGES = Path(__file__).resolve().parent.parent / "datasets" / "pages" / "images"
JSON = {"Content-Type": "application/json"}
LATE_SECONDS = 120.0
GROWTH_MB = 64.0
"""What memory may vary by from one round to the last: allocators give back late."""
OPEN_THREADS = 400


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
        cells = [f"{self.rate:.1f}", *(f"{part:.0f}" for part in parts), shown(self.statuses)]
        return f"| {name} | " + " | ".join(cells) + " |"


def shown(statuses: Counter[int]) -> str:
    """``12 × 200, 3 × 503``"""
    return ", ".join(f"{count} × {status or 'closed'}" for status, count in sorted(statuses.items()))


class Target:
    """The server, as a client sees it."""

    def __init__(self, url: str, key: str | None) -> None:
        place = urlsplit(url)
        self.host, self.port = str(place.hostname), place.port or 80
        addresses = {str(found[4][0]) for found in socket.getaddrinfo(self.host, self.port)}
        if not all(ipaddress.ip_address(address).is_loopback for address in addresses):
            raise SystemExit(f"{url} is not on this machine: load is put on 127.0.0.1 only")
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        paths = json.loads(self.get("/openapi.json"))["paths"]
        self.path = next(path for path, methods in paths.items() if "post" in methods)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, self.port, timeout=LATE_SECONDS)

    def get(self, path: str) -> bytes:
        connection = self.connect()
        connection.request("GET", path, headers=self.headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status != 200:
            raise SystemExit(f"GET {path} answers {answer.status}: {content[:200]!r}")
        return content

    def body(self, content: bytes, **fields: object) -> bytes:
        name = "image" if self.path == "/image-classification" else "file"
        kind = {} if name == "image" else {"fileType": 1}
        return json.dumps({name: base64.b64encode(content).decode(), **kind, "visualize": False, **fields}).encode()

    def post(
        self, connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str] | None = None
    ) -> tuple[int, str | None]:
        """Status and Retry-After; 0 where the connection broke."""
        try:
            connection.request("POST", self.path, body, {**JSON, **self.headers, **(headers or {})})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers.get("Retry-After")
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0, None

    def raw(self, *parts: bytes) -> int:
        """Status that these bytes get; 0 where the server closes without a word."""
        with socket.create_connection((self.host, self.port), timeout=LATE_SECONDS) as opened:
            try:
                for part in parts:
                    opened.sendall(part)
                answer = opened.recv(65536)
            except OSError:
                return 0
        return int(answer[9:12]) if answer[9:12].isdigit() else 0

    def metric(self, name: str) -> float:
        lines = self.get("/metrics").decode().splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(name)), 0.0)


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


def huge_png() -> bytes:
    """A PNG of 50 bytes that claims 60000 x 60000 pixels."""
    head = b"IHDR" + (60000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    content = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + head + zlib.crc32(head).to_bytes(4, "big")
    return content + b"\x00\x00\x00\x00IEND\xaeB`\x82"


def hostile(target: Target, image: bytes, max_bytes: int) -> Iterator[tuple[str, tuple[int, ...], Callable[[], int]]]:
    """What is tried: its name, the statuses that are right, and the attempt."""

    def post(body: bytes, **headers: str) -> Callable[[], int]:
        def attempt() -> int:
            connection = target.connect()
            status, _ = target.post(
                connection, body, {name.replace("_", "-"): value for name, value in headers.items()}
            )
            connection.close()
            return status

        return attempt

    host = f"POST {target.path} HTTP/1.1\r\nHost: x\r\n" + "".join(f"{k}: {v}\r\n" for k, v in target.headers.items())
    head = f"{host}Content-Type: application/json\r\n".encode()
    noise = bytes(zlib.crc32(str(number).encode()) & 255 for number in range(len(image)))
    name = "image" if target.path == "/image-classification" else "file"
    yield "no JSON", (422,), post(b"file=abc")
    yield "empty body", (422,), post(b"")
    yield "JSON 200 000 levels deep", (422,), post(b"[" * 200_000)
    yield "wrong types", (422,), post(json.dumps({name: {"a": 1}, "fileType": "x", "visualize": []}).encode())
    yield "no base64", (422,), post(json.dumps({name: "§" * 1000, "fileType": 1}).encode())
    yield "noise for an image", (422,), post(target.body(noise))
    yield "image cut off", (422,), post(target.body(image[: len(image) // 2]))
    yield "image with a flipped middle", (200, 422), post(target.body(image[:2000] + noise[:2000] + image[4000:]))
    yield "3.6 billion pixels claimed", (422,), post(target.body(huge_png()))
    yield "URL of a private address", (422,), post(json.dumps({name: "http://169.254.169.254/x.png"}).encode())
    yield "not JSON by its type", (415,), post(b"x", Content_Type="text/plain")
    yield "compressed", (415,), post(b"x", Content_Encoding="gzip")
    yield "above the size limit", (413,), post(b'{"file":"' + b"A" * (max_bytes + (1 << 20)) + b'"}')
    yield "100 GB announced", (413,), lambda: target.raw(head + b"Content-Length: 99999999999\r\n\r\n")
    yield "no HTTP", (400,), lambda: target.raw(b"\x16\x03\x01 hello\r\n\r\n")
    yield "headers without end", (400, 0), lambda: target.raw(head, *[b"X: " + b"y" * 50_000] * 8)
    yield "two lengths", (400,), lambda: target.raw(head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345")
    yield "gone before the answer", (0,), lambda: _gone(target, head, target.body(image))


def _gone(target: Target, head: bytes, body: bytes) -> int:
    with socket.create_connection((target.host, target.port), timeout=LATE_SECONDS) as opened:
        opened.sendall(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return 0


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--key", help="the server's API key")
    parser.add_argument("--images", type=Path, default=PAGES, help="folder of images, or one")
    parser.add_argument("--count", type=int, default=8, help="images that are taken")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each measurement")
    parser.add_argument("--rounds", type=int, default=5, help="of load while memory is watched")
    parser.add_argument("--max-body-mb", type=int, default=32, help="the server's serve.max_body_mb")
    options = parser.parse_args()
    files = [options.images] if options.images.is_file() else sorted(options.images.glob("*.[jp][pn]g"))
    images = [path.read_bytes() for path in files[: options.count]]
    target, faults = Target(options.url, options.key), []
    bodies = [target.body(image) for image in images]
    waiting_clients(target, bodies, 2, min(options.seconds, 3.0))

    print("| load | answers/s | p50 ms | p95 ms | p99 ms | statuses |\n|---|---|---|---|---|---|")
    best = 0.0
    for clients in (1, 4, 16, 48):
        seen = waiting_clients(target, bodies, clients, options.seconds)
        best = max(best, seen.rate)
        print(seen.row(f"{clients} clients that wait"), flush=True)
        if set(seen.statuses) - {200, 503} or seen.without_retry:
            faults.append(f"{clients} clients: {dict(seen.statuses)}")
    seen = steady_rate(target, bodies, 3 * best, options.seconds)
    print(seen.row(f"3 × that, {3 * best:.0f} requests/s"), flush=True)
    if set(seen.statuses) - {200, 503} or seen.without_retry:
        faults.append(f"3 × capacity: {dict(seen.statuses)}, {seen.without_retry} × 503 without Retry-After")

    print("\n| request | statuses |\n|---|---|")
    print("\n".join(try_hostile(target, bodies, images[0], 10, options.max_body_mb << 20, faults)), flush=True)
    print("\n| round | MiB in memory |\n|---|---|")
    print("\n".join(watch_memory(target, bodies, images[0], options, faults)), flush=True)
    print(f"\nhealth afterwards: {json.loads(target.get('/health'))['errorMsg']}")
    print("\n".join(f"FAULT: {fault}" for fault in faults) or "no faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
