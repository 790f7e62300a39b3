"""URLs are fetched from public addresses only, whatever the name, the redirect or the spelling."""

from __future__ import annotations

import asyncio
import base64
import http.server
import threading
from collections.abc import Iterator
from typing import ClassVar

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from kit.fake_pipeline import FakePipeline
from plx_train.config.serve_options import ServeOptions
from plx_train.serving.app import create_app
from plx_train.serving.fetch import fetch, is_public, resolve
from plx_train.serving.fetcher import Fetcher
from plx_train.serving.refusal import Refusal

PNG = cv2.imencode(".png", np.full((20, 30, 3), 77, np.uint8))[1].tobytes()

PRIVATE = [
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("192.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1", "2001:0:1:2::1"),
    *("nonsense", ""),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_that_are(address: str) -> None:
    assert is_public(address)


SPELLINGS = [
    *("http://127.0.0.1/a.png", "http://localhost/a.png", "http://[::1]/a.png", "http://0/a.png", "HTTP://LOCALHOST/"),
    *("http://2130706433/a.png", "http://0x7f.1/a.png", "http://017700000001/a.png", "http://127.1:80/a.png"),
    *("http://[::ffff:127.0.0.1]/a.png", "http://169.254.169.254/latest/meta-data/", "http://10.1.2.3:8080/a.png"),
    "https://127.0.0.1/a.png",
]


@pytest.mark.parametrize("url", SPELLINGS)
def test_loopback_is_refused_in_every_spelling(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.create_connection", _no_connection)
    with pytest.raises(Refusal, match=r"not public|can't be found") as refused:
        fetch(url, 1000, 2.0)
    assert refused.value.status == 422


def _no_connection(*args: object, **kwargs: object) -> None:
    raise AssertionError("a connection was opened")


@pytest.mark.parametrize(
    "url",
    ["http://user:pass@example.com/", "http:///x", "http://x:99999/", "http://x:abc/", "http://[::1/", "http://",
     "http://x/a b", "http://x/\r\nHost: y", "http://x\x00/", "http://exa\u0301mple/"],
)  # fmt: skip
def test_what_is_no_url(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.create_connection", _no_connection)
    with pytest.raises(Refusal):
        fetch(url, 1000, 2.0, resolve=lambda host, port: ["8.8.8.8"])


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.create_connection", _no_connection)
    with pytest.raises(Refusal, match="not public"):
        fetch("http://two.example/", 1000, 2.0, resolve=lambda host, port: ["8.8.8.8", "127.0.0.1"])


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    reached: list[tuple[str, int]] = []

    def changing(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    def connect(place: tuple[str, int], timeout: float) -> None:
        reached.append(place)
        raise OSError

    monkeypatch.setattr("socket.create_connection", connect)
    with pytest.raises(Refusal, match="can't be reached"):
        fetch("http://rebinding.example:8080/a.png", 1000, 2.0, resolve=changing)
    assert asked == ["rebinding.example"]
    assert reached == [("93.184.216.34", 8080)]


class Pages(http.server.BaseHTTPRequestHandler):
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        Pages.asked.append((self.path, self.headers["Host"]))
        if self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", "/a.png")
            self.end_headers()
            return
        self.send_response(404 if self.path == "/missing" else 200)
        self.end_headers()
        self.wfile.write(b"x" * 5000 if self.path == "/large" else PNG)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server on loopback, which the tests below take for a public one."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def load(port: int, path: str, max_bytes: int = 4000) -> bytes:
    url = f"http://pictures.example:{port}{path}"
    return fetch(url, max_bytes, 5.0, resolve=lambda host, port: ["127.0.0.1"], is_allowed=lambda address: True)


def test_a_file_is_fetched(port: int) -> None:
    assert load(port, "/a.png?b=c#d") == PNG
    assert Pages.asked[-1] == ("/a.png?b=c", f"pictures.example:{port}")


@pytest.mark.parametrize(
    ("path", "sentence"), [("/redirect", "not followed"), ("/missing", "answered 404"), ("/large", "above the limit")]
)
def test_what_is_not_fetched(path: str, sentence: str, port: int) -> None:
    with pytest.raises(Refusal, match=sentence):
        load(port, path)


def test_requests_name_urls_only_where_that_is_switched_on(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{port}/a.png"
    before = len(Pages.asked)
    for options in (ServeOptions(), ServeOptions(fetch_urls=True)):
        with TestClient(create_app(FakePipeline(), options)) as client:
            assert client.post("/ocr", json={"file": url}).status_code == 422
    assert len(Pages.asked) == before
    monkeypatch.setattr("plx_train.serving.app.fetch", lambda url, max_bytes, seconds: PNG)
    with TestClient(create_app(FakePipeline(), ServeOptions(fetch_urls=True))) as client:
        told = client.post("/ocr", json={"file": "https://public.example/a.png?x=1"}).json()
        unknown = client.post("/ocr", json={"file": "https://public.example/a"}).json()
        assert client.post("/ocr", json={"file": base64.b64encode(PNG).decode(), "fileType": 1}).status_code == 200
    assert told["result"]["ocrResults"][0]["prunedResult"]["rec_texts"] == ["77"]
    assert unknown["errorMsg"] == "Unsupported file type"


def test_names_resolve_to_all_their_addresses() -> None:
    assert "127.0.0.1" in resolve("localhost", 80)


def test_threads_that_run_out_use_up_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    fetcher = Fetcher(lambda url: b"content")
    with monkeypatch.context() as broken:
        broken.setattr(threading.Thread, "start", fail)
        for _ in range(40):
            with pytest.raises(Refusal) as caught:
                fetch("http://example.org/x", 1000, 0.1, resolve=lambda host, port: [])
            assert caught.value.status == 503
            with pytest.raises(Refusal) as caught:
                asyncio.run(fetcher.content("http://example.org/x", None))
            assert caught.value.status == 503
    assert asyncio.run(fetcher.content("http://example.org/x", None)) == b"content"
