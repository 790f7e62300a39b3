"""Stands before the application: keys, sizes, crowds and time are checked before a body is read."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from plx_train.config.serve_options import ServeOptions
from plx_train.serving.house import House, Stay
from plx_train.serving.metrics import Metrics
from plx_train.serving.protocol import INTERNAL_ERROR, failure, log_id_of, new_log_id
from plx_train.serving.refusal import Refusal
from plx_train.serving.senders import MOST_BYTES, Sender, Senders

logger = logging.getLogger(__name__)
LINGER_SECONDS = 30.0
"""How long the rest of a refused request is read and thrown away, so that its sender gets to see the answer."""
SILENT_SECONDS = 2.0
"""How long nothing may come of it."""
LINGER_BYTES = 256 << 20
STAY = "plx_train.stay"
"""Where a request's scope holds its `Stay`."""
CLOSED = 499
"""Status in metrics of a request whose client went away; it is the customary number."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Paths:
    """The paths of a service.

    Attributes:
        work: those whose requests cost something.
        open: need no key.
        known: are counted by their names, all others together.
    """

    work: tuple[str, ...]
    open: tuple[str, ...]
    known: tuple[str, ...]


class Admission:
    """ASGI middleware: who gets in, how much may be read, and for how long it may take.

    Attributes:
        in_flight: requests for work that are being read, worked on or answered.
        is_draining: no new work is taken.
        house: those that are worked on.
        senders: those that are being read.
    """

    def __init__(self, app: App, metrics: Metrics, paths: Paths, options: ServeOptions, api_key: str | None) -> None:
        self.app = app
        self.in_flight = 0
        self.is_draining = False
        self._metrics = metrics
        self._paths = paths
        self.house = House(options.queue_size, options.timeout_seconds)
        self.senders = Senders(options.max_sending, options.min_kb_per_second * 1024)
        self._max_bytes = int(options.max_body_mb * 2**20)
        # A piece more than a body may have is read of it.
        self.senders.most_bytes = max(MOST_BYTES, self._max_bytes + (1 << 20))
        self._timeout = options.timeout_seconds
        self._hosts = {name.lower().strip("[]") for name in options.allowed_hosts}
        self._key = api_key.encode() if api_key else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.monotonic()
        answer = _Answer(send)
        scope = _as_asked(scope)
        path = scope["path"] if scope["path"] in self._paths.known else "other"
        try:
            await self._pass(scope, receive, answer)
        finally:
            status = answer.status or CLOSED
            self._metrics.requests.labels(path, str(status)).inc()
            self._metrics.seconds.labels(path).observe(time.monotonic() - began)

    async def _pass(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        headers = dict(scope["headers"])
        try:
            self._check_host(headers)
            self._check_key(scope, headers)
            if scope["path"] not in self._paths.work or scope["method"] != "POST":
                await self.app(scope, receive, answer.send)
                return
            self._check_headers(headers)
        except Refusal as refusal:
            await answer.refuse(refusal, new_log_id(), receive)
            return
        self.in_flight += 1
        self._metrics.in_flight.set(self.in_flight)
        try:
            await self._work(scope, receive, answer)
        finally:
            self.in_flight -= 1
            self._metrics.in_flight.set(self.in_flight)

    def _check_host(self, headers: dict[bytes, bytes]) -> None:
        if not self._hosts:
            return
        host = headers.get(b"host", b"").decode("latin-1").lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name.strip("[]") not in self._hosts:
            raise Refusal(421, "The server does not answer to that name: serve.allowed_hosts has those it does")

    def _check_key(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        if self._key is None or scope["path"] in self._paths.open:
            return
        bearer = headers.get(b"authorization", b"")
        given = bearer[7:].strip() if bearer[:7].lower() == b"bearer " else headers.get(b"x-api-key", b"")
        if not hmac.compare_digest(given, self._key):
            told = "An API key is needed: send it as 'Authorization: Bearer <key>'"
            raise Refusal(401, told, {"WWW-Authenticate": "Bearer"})

    def _check_headers(self, headers: dict[bytes, bytes]) -> None:
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != b"application/json":
            raise Refusal(415, "The request must be JSON, with 'Content-Type: application/json'")
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Refusal(415, "Compressed requests are not read: send it without Content-Encoding")
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._max_bytes:
            raise self._too_large()
        if self.is_draining:
            raise Refusal(503, "The server is being stopped", {"Retry-After": "5"})
        # Of what can't be taken anyway no body is read.
        self.house.check(self._timeout)

    def _too_large(self) -> Refusal:
        return Refusal(413, f"The request is above the limit of {self._max_bytes / 2**20:g} MiB")

    async def _work(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        stay = Stay(self.house, self._timeout)
        try:
            sender = self.senders.enter(str((scope.get("client") or ("",))[0]))
        except Refusal as refusal:
            await answer.refuse(refusal, new_log_id(), receive)
            return
        try:
            await self._received(scope, receive, answer, sender, stay)
        finally:
            self.senders.give_back(sender)

    async def _received(self, scope: Scope, receive: Receive, answer: _Answer, sender: Sender, stay: Stay) -> None:
        body = None
        try:
            body = await sender.within(self._read(sender, receive), self._timeout)
            if body is None:
                return
            stay.enter()
        except Refusal as refusal:
            # Of a body that is refused for its bytes more is on its way; others have come, or won't.
            is_coming = body is None and refusal.status in (413, 503)
            self.senders.leave(sender)
            self.senders.give_back(sender)
            await answer.refuse(refusal, new_log_id(), receive if is_coming else None)
            return
        finally:
            self.senders.leave(sender)
        try:
            await self._worked(scope, receive, answer, body, stay)
        finally:
            stay.leave(answer.status)

    async def _read(self, sender: Sender, receive: Receive) -> bytes | None:
        """The body; None if the client went away.

        Raises:
            Refusal: 413; it is too large.
        """
        body = bytearray()
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                piece = message.get("body", b"")
                body += piece
                self.senders.receive(sender, len(piece))
                if len(body) > self._max_bytes:
                    raise self._too_large()
                if not message.get("more_body", False):
                    return bytes(body)
        finally:
            # A refusal knows this frame as long as the rest of the request is read and thrown away.
            body.clear()

    async def _worked(self, scope: Scope, receive: Receive, answer: _Answer, body: bytes, stay: Stay) -> None:
        work = asyncio.create_task(self._answered({**scope, STAY: stay}, body, answer))
        # All that can come after the body is that the client goes away.
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({work, gone}, timeout=stay.left(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_late = not work.done() and not gone.done()
            for task in (work, gone):
                task.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)
        if is_late and answer.status is None:
            await answer.refuse(
                Refusal(504, f"No answer within {self._timeout:g} s"), await asyncio.to_thread(log_id_of, body)
            )

    async def _answered(self, scope: Scope, body: bytes, answer: _Answer) -> None:
        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        try:
            await self.app(scope, replay, answer.send)
        except Exception:
            logger.exception("a request failed")
            if answer.status is None:
                await answer.refuse(Refusal(500, INTERNAL_ERROR), await asyncio.to_thread(log_id_of, body))


def _as_asked(scope: Scope) -> Scope:
    """The request as the application knows it: HEAD is GET whose body is not sent, and a proxy's target is a path."""
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    path = scope["path"]
    if path[:7].lower() == "http://" or path[:8].lower() == "https://":
        path = "/" + path.partition("//")[2].partition("/")[2]
    return {**scope, "method": method, "path": path}


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Answer:
    """What is sent back; `status` is None until something is."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    async def refuse(self, refusal: Refusal, log_id: str, receive: Receive | None = None) -> None:
        """Sends the refusal, then reads on a little where `receive` may hold more of the request."""
        content = failure(log_id, refusal.status, refusal.message)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **refusal.headers}
        # What is left of the body would be taken for the next request.
        headers["Connection"] = "close"
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await self.send({"type": "http.response.start", "status": refusal.status, "headers": encoded})
        await self.send({"type": "http.response.body", "body": content, "more_body": True})
        if receive is not None:
            # A connection closed while its sender still writes loses the answer on the way.
            with suppress(asyncio.TimeoutError):
                await _discard(receive)
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard(receive: Receive) -> None:
    """
    Raises:
        TimeoutError: of asyncio; nothing came for a while.
    """
    read, ends = 0, time.monotonic() + LINGER_SECONDS
    while read < LINGER_BYTES and time.monotonic() < ends:
        message = await asyncio.wait_for(receive(), SILENT_SECONDS)
        read += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
