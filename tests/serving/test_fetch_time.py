"""A fetched URL ends at its limit, whatever its server drips, floods or leaves out."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from plx_train.serving.fetch import fetch
from plx_train.serving.refusal import Refusal

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SECONDS = 1.0
Say = Callable[[socket.socket], None]


@contextmanager
def saying(say: Say) -> Iterator[int]:
    """The port of a server that reads a request and does as it is told."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                opened, _ = listener.accept()
                with opened:
                    opened.recv(4096)
                    say(opened)
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def dripping(head: bytes, drop: bytes, pause: float = 0.05) -> Say:
    def say(opened: socket.socket) -> None:
        opened.sendall(head)
        while True:
            opened.sendall(drop)
            time.sleep(pause)

    return say


def sending(*parts: bytes) -> Say:
    return lambda opened: [opened.sendall(part) for part in parts] and None


def load(port: int, scheme: str = "http", max_bytes: int = 1 << 20) -> bytes:
    url = f"{scheme}://pictures.example:{port}/a.png"
    return fetch(url, max_bytes, SECONDS, resolve=lambda host, port: ["127.0.0.1"], is_allowed=lambda address: True)


DRIPS = {
    "nothing": dripping(b"", b"", 0.5),
    "a status": dripping(b"HTTP/1.1 2", b"0"),
    "headers": dripping(OK, b"X"),
    "header after header": dripping(OK, b"X: a\r\n"),
    "a body": dripping(OK + b"Content-Length: 100000\r\n\r\n", b"x"),
    "a body without a length": dripping(OK + b"\r\n", b"x"),
    "a chunk's size": dripping(CHUNKED, b"0"),
    "a chunk's content": dripping(CHUNKED + b"ffff\r\n", b"x"),
    "a chunk's extension": dripping(CHUNKED + b"1;", b"x"),
    "chunk after chunk": dripping(CHUNKED, b"1\r\nx\r\n"),
    "trailers": dripping(CHUNKED + b"0\r\n", b"T: a\r\n"),
    "100 Continue": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "103 Early Hints": dripping(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", DRIPS)
def test_what_drips_ends_in_time(name: str) -> None:
    with saying(DRIPS[name]) as port:
        began = time.monotonic()
        with pytest.raises(Refusal) as refused:
            load(port)
        assert time.monotonic() - began < 4 * SECONDS
    assert refused.value.status == 422


FLOODS = {
    "headers": sending(OK, *[b"X: " + b"a" * 65000 + b"\r\n"] * 90, b"\r\nhi"),
    "one header": sending(OK + b"X: ", *[b"a" * 100_000] * 100),
    "100 Continue": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 0.0),
    "crumbs": dripping(CHUNKED, b"1\r\nx\r\n" * 10_000, 0.0),
    "a chunk's size": sending(CHUNKED + b"FFFFFFFFFF\r\n" + b"a" * 100_000),
    "a negative chunk": sending(CHUNKED + b"-5\r\nhello\r\n"),
    "trailers": dripping(CHUNKED + b"0\r\n", b"T: a\r\n" * 10_000, 0.0),
    "too much": sending(OK + b"\r\n", *[b"a" * 100_000] * 40),
}


@pytest.mark.parametrize("name", FLOODS)
def test_what_floods_is_not_collected(name: str) -> None:
    with saying(FLOODS[name]) as port:
        began = time.monotonic()
        with pytest.raises(Refusal) as refused:
            load(port)
        assert time.monotonic() - began < 4 * SECONDS
    assert refused.value.status == 422


def test_a_body_that_ends_early_is_no_content() -> None:
    with saying(sending(OK + b"Content-Length: 100\r\n\r\nabc")) as port, pytest.raises(Refusal, match="ends early"):
        load(port)


def test_a_body_without_a_length_ends_with_its_connection() -> None:
    with saying(sending(OK + b"\r\nabc")) as port:
        assert load(port) == b"abc"


def test_chunks_are_put_together() -> None:
    with saying(sending(CHUNKED, b"3\r\nabc\r\n2;a=b\r\nde\r\n0\r\nT: a\r\n\r\n")) as port:
        assert load(port) == b"abcde"


def test_a_handshake_that_does_not_come_ends_in_time() -> None:
    with saying(dripping(b"\x16\x03\x03", b"\x00")) as port:
        began = time.monotonic()
        with pytest.raises(Refusal, match="can't be reached"):
            load(port, "https")
        assert time.monotonic() - began < 4 * SECONDS


def test_a_name_that_is_not_found_out_ends_in_time() -> None:
    may_end = threading.Event()

    def slow(host: str, port: int) -> list[str]:
        may_end.wait(20)
        return ["8.8.8.8"]

    began = time.monotonic()
    with pytest.raises(Refusal, match="too long"):
        fetch("http://slow.example/", 1000, SECONDS, resolve=slow)
    assert time.monotonic() - began < 4 * SECONDS
    may_end.set()
