"""A server on loopback in a thread of this process, and a client that sees all there is to see."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
from fastapi import FastAPI

from plx_train.config.options import ServeOptions
from plx_train.serving.app import Service
from plx_train.serving.server import Server, address_of, open_socket

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.content)
        return told

    @property
    def text(self) -> str:
        """What was read on the first page."""
        return str(self.told["result"]["ocrResults"][0]["prunedResult"]["rec_texts"][0])


@dataclass(frozen=True)
class Running:
    address: str
    service: Service
    server: Server

    def post(self, body: Any, headers: dict[str, str] | None = None) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return request(self.address, "POST", "/ocr", content, {**JSON, **(headers or {})})

    def get(self, path: str) -> Answer:
        return request(self.address, "GET", path)


@contextmanager
def serving(app: FastAPI, options: ServeOptions) -> Iterator[Running]:
    """Serves `app` at a free port within the block."""
    listener = open_socket("127.0.0.1", 0)
    address = address_of(listener)
    started = threading.Event()
    server = Server(app, options, started.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert started.wait(20)
        yield Running(address, app.state.service, server)
    finally:
        server.handle_exit(15, None)
        server.handle_exit(15, None)
        thread.join(20)
        assert not thread.is_alive()


def request(
    address: str, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Answer:
    place = urlsplit(address)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def grey(value: int, side: int = 24) -> dict[str, Any]:
    """A request about an image in which `FakePipeline` reads `value`."""
    content = cv2.imencode(".png", np.full((side, side, 3), value, np.uint8))[1].tobytes()
    return {"file": base64.b64encode(content).decode(), "fileType": 1, "visualize": False}
