"""Clients that take their time: each attempt ends when the server ends it, or after `PATIENCE` seconds."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

from load_target import Target

PATIENCE = 60.0
CROWD = 60
CRUMBS = b"1\r\nx\r\n" * 5000

Attempt = tuple[str, tuple[int, ...], Callable[[], int]]


def slow(target: Target, image: bytes) -> Iterator[Attempt]:
    """What is tried: its name, the statuses that are right (0: closed without a word), and the attempt."""
    own = "".join(f"{name}: {value}\r\n" for name, value in target.headers.items())
    head = f"POST {target.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{own}".encode()
    body = target.body(image)
    sized = head + f"Content-Length: {len(body)}\r\n\r\n".encode()
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    yield "headers that drip", (408, 0), lambda: _drip(target, b"GET / HTTP/1.1\r\nX-", b"a")
    yield "headers that stop", (408, 0), lambda: _drip(target, head, b"")
    yield "a body that drips", (408, 503, 0), lambda: _drip(target, sized, b"{")
    yield "a body that stops", (408, 503, 0), lambda: _drip(target, sized + body[:100], b"")
    yield "a body that comes in four seconds", (200, 408, 503), lambda: _paused(target, sized, body)
    yield "a body that is cut", (0,), lambda: target.raw(sized + body[: len(body) // 2], close=True)
    yield "chunks that drip", (408, 503, 0), lambda: _drip(target, chunked, b"1\r\n{\r\n")
    yield "a body in crumbs", (400, 503, 0), lambda: target.raw(chunked, *[CRUMBS] * 20)
    yield (
        "a body nobody asked for",
        (200, 0),
        lambda: _drip(target, b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n", b"a"),
    )
    yield "answers that nobody takes", (0, -1), lambda: _unread(target, own)
    yield "two ways to end", (400,), lambda: target.raw(chunked[:-2] + b"Content-Length: 5\r\n\r\n0\r\n\r\n")
    yield "a crowd that says nothing", (0,), lambda: _crowd(target, b"")
    yield "a crowd that begins", (0,), lambda: _crowd(target, b"GET / HT")
    yield "many requests in one go", (200, 401), lambda: target.raw(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 200)


def _opened(target: Target) -> socket.socket:
    return socket.create_connection((target.host, target.port), timeout=PATIENCE)


def _status(answer: bytes) -> int:
    return int(answer[9:12]) if answer[9:12].isdigit() else 0


def _drip(target: Target, head: bytes, drop: bytes) -> int:
    """The status that comes, while a drop follows the other; -1 if nothing ended it."""
    with _opened(target) as opened:
        ends = time.monotonic() + PATIENCE
        answer = b""
        try:
            opened.sendall(head)
            opened.settimeout(0.3)
            while time.monotonic() < ends:
                try:
                    piece = opened.recv(4096)
                    if not piece:
                        return _status(answer)
                    answer += piece
                except TimeoutError:
                    opened.sendall(drop)
        except OSError:
            return _status(answer)
    return -1


def _paused(target: Target, head: bytes, body: bytes) -> int:
    with _opened(target) as opened:
        try:
            opened.sendall(head + body[:5])
            time.sleep(4.0)
            opened.sendall(body[5:])
            return _status(opened.recv(4096))
        except OSError:
            return 0


def _unread(target: Target, own: str) -> int:
    """Asks for the description again and again, and takes nothing of it, until the server has enough."""
    get = f"GET /openapi.json HTTP/1.1\r\nHost: x\r\n{own}\r\n".encode()
    with _opened(target) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.settimeout(1.0)
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            try:
                opened.sendall(get * 100)
            except TimeoutError:
                continue
            except OSError:
                return 0
    return -1


def _crowd(target: Target, begun: bytes) -> int:
    """Many connections that do no more; 0 if all were closed."""
    crowd = []
    try:
        for _ in range(CROWD):
            crowd.append(_opened(target))
            if begun:
                crowd[-1].sendall(begun)
        for one in crowd:
            while one.recv(4096):
                pass
    except TimeoutError:
        return -1
    except OSError:
        pass
    finally:
        for one in crowd:
            one.close()
    return 0
