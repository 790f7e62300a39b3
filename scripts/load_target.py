"""A server under load as its clients see it, and the requests that wish it no good."""

from __future__ import annotations

import base64
import http.client
import ipaddress
import json
import socket
import zlib
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

JSON = {"Content-Type": "application/json"}
LATE_SECONDS = 120.0
SLOW_AND_WRONG = (422, 504)
"""What is of no known format waits with the files that can be slow, behind such as hang."""


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

    def raw(self, *parts: bytes, close: bool = False) -> int:
        """Status that these bytes get; 0 where the server closes without a word, or with `close` at once."""
        with socket.create_connection((self.host, self.port), timeout=LATE_SECONDS) as opened:
            try:
                for part in parts:
                    opened.sendall(part)
                if close:
                    return 0
                answer = opened.recv(65536)
            except OSError:
                return 0
        return int(answer[9:12]) if answer[9:12].isdigit() else 0

    def metric(self, name: str) -> float:
        lines = self.get("/metrics").decode().splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(name)), 0.0)


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
    yield "a million values in an unknown field", (422,), post(b'{"x":[' + b"1," * 1_000_000 + b"1]}")
    yield "a million wrong values", (422,), post(b'{"fileType":[' + b"[]," * 1_000_000 + b"[]]}")
    for told, crumb in (("blanks", "A "), ("percent codes", "%2B"), ("percent codes of letters", "%41")):
        text = "data:image/png;base64," + crumb * 2_000_000
        yield f"base64 in {told}", SLOW_AND_WRONG, post(json.dumps({name: text, "fileType": 1}).encode())
    yield "no base64", (422,), post(json.dumps({name: "§" * 1000, "fileType": 1}).encode())
    yield "noise for an image", SLOW_AND_WRONG, post(target.body(noise))
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
