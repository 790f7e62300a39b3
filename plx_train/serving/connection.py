"""One client's connection, with limits on its headers, its silence, and on how it takes its answers."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from plx_train.serving.protocol import failure, new_log_id
from plx_train.serving.wire import Wire

MAX_HEAD = 1 << 14
"""Bytes of a request's line and headers."""
TOLD_SECONDS = 1.0
"""How long what a refused client still sends is thrown away: a connection closed meanwhile loses what it was told."""
UNREAD_SECONDS = 3.0
"""How long the rest of a body may still come of which nothing more is read."""
STALLED_SECONDS = 10.0
"""How long an answer may wait for its reader to take anything of it."""
GRACE_SECONDS = 10.0
"""Time that an answer has before it must be taken at the least pace."""


@dataclass(frozen=True)
class ConnectionLimits:
    """Seconds for headers, between requests and to take an answer; bytes a second at which it must be taken."""

    head: float
    idle: float
    answer: float
    least: float


class Connection(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it; who sweeps asks `overdue` now and then, and closes what is."""

    address = ""
    is_unwelcome = False
    """It was let in to be told that there is no room."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.conn = Wire(MAX_HEAD)
        self.since = time.monotonic()
        """When it was opened, or its last request answered."""
        self._is_told = False
        self._answered = 0
        self._first_byte: float | None = None
        self._unsent = 0
        self._unsent_since = self._taken_at = 0.0
        self._taken = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to count."""
        super().connection_made(transport)
        self.since = time.monotonic()

    def data_received(self, data: bytes) -> None:
        """Reads on; what can't be answered any more ends the connection without a word."""
        if self._is_told:
            return
        if self._first_byte is None:
            self._first_byte = time.monotonic()
        try:
            super().data_received(data)
        except h11.LocalProtocolError:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Waits for the next request."""
        self.since = time.monotonic()
        self._answered += 1
        self._first_byte = self.since if self.conn.trailing_data[0] else None
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Tells that it was no request, unless an answer is under way."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.tell(400, msg)
        else:
            self._leave_request()
            self.transport.close()

    def tell(self, status: int, message: str, retry_after: int | None = None) -> None:
        """Sends a failure past all requests, once, and closes."""
        if self._is_told or self.transport.is_closing():
            return
        content = failure(new_log_id(), status, message)
        retry = f"Retry-After: {retry_after}\r\n" if retry_after else ""
        head = f"HTTP/1.1 {status} {PHRASES[status]}\r\nContent-Type: application/json\r\n{retry}"
        head += f"Content-Length: {len(content)}\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        self._is_told = True
        self._leave_request()
        self.transport.write(head.encode() + content)
        with suppress(OSError, NotImplementedError):
            self.transport.write_eof()
        self.loop.call_later(TOLD_SECONDS, self.transport.abort)

    def _leave_request(self) -> None:
        """Lets whoever works on a request know that nobody waits for it."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def shutdown(self) -> None:
        """Leaves when the request at work, if there is one, is answered."""
        with suppress(h11.LocalProtocolError):
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """Closes what was idle for too long."""
        with suppress(h11.LocalProtocolError):
            super().timeout_keep_alive_handler()

    def is_idle(self) -> bool:
        """Whether no request of it is known, and no answer on its way."""
        is_free = not self._is_told and (self.cycle is None or self.cycle.response_complete)
        return is_free and self.conn.their_state is not h11.SEND_BODY and not self.unsent()

    def is_leaving(self) -> bool:
        """Whether it is closed, or only waits for a refusal to be read."""
        return self.is_unwelcome or self._is_told or self.transport.is_closing()

    def unsent(self) -> int:
        """Bytes of answers that the client has not taken."""
        return int(self.transport.get_write_buffer_size())

    def overdue(self, now: float, limits: ConnectionLimits) -> str | None:
        """Which limit it has passed: ``headers``, ``idle``, ``body`` or ``answer``; None if none."""
        if self._is_told:
            return None
        if self._is_stuck(now, limits):
            return "answer"
        if self.cycle is not None and not self.cycle.response_complete:
            return None
        if self.conn.their_state is h11.SEND_BODY:
            return "body" if now - self.since > UNREAD_SECONDS else None
        if self._first_byte is not None:
            return "headers" if now - self._first_byte > limits.head else None
        longest = limits.idle if self._answered else limits.head
        return "idle" if now - self.since > longest else None

    def _is_stuck(self, now: float, limits: ConnectionLimits) -> bool:
        unsent = self.unsent()
        if not unsent:
            self._unsent = 0
            return False
        if not self._unsent or unsent > self._unsent:
            # An answer is new on the line.
            self._unsent_since = self._taken_at = now
            self._taken = 0
        elif unsent < self._unsent:
            self._taken += self._unsent - unsent
            self._taken_at = now
        self._unsent = unsent
        waited = now - self._unsent_since
        is_slow = waited > GRACE_SECONDS and self._taken < limits.least * waited
        return waited > limits.answer or now - self._taken_at > STALLED_SECONDS or is_slow


PHRASES = {400: "Bad Request", 408: "Request Timeout", 503: "Service Unavailable"}
