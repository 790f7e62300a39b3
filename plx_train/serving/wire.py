"""HTTP as it is read off the wire: what h11 lets pass and no honest client sends is refused."""

from __future__ import annotations

import h11

MAX_HEADERS = 100
MANY_CHUNKS = 1000
"""Pieces of a body from which on they must be of a size worth their headers."""
LEAST_CHUNK = 64


class Wire(h11.Connection):
    """The server's side of a connection.

    It reads no request that two readers could end at different bytes, and no body in crumbs: each costs more time than
    a packet, and all connections share one thread.
    """

    def __init__(self, max_head: int) -> None:
        super().__init__(h11.SERVER, max_head)
        self._max_head = max_head
        self._chunks = self._bytes = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """
        Raises:
            RemoteProtocolError: it is no request as it should be.
        """
        event = super().next_event()
        if isinstance(event, h11.Data):
            self._chunks += 1
            self._bytes += len(event.data)
            if self._chunks > MANY_CHUNKS and self._bytes < LEAST_CHUNK * self._chunks:
                raise h11.RemoteProtocolError("the body comes in crumbs")
        elif isinstance(event, h11.Request):
            self._chunks = self._bytes = 0
            self._check(event)
        return event

    def _check(self, request: h11.Request) -> None:
        names = [name for name, _ in request.headers]
        if request.http_version not in (b"1.0", b"1.1"):
            raise h11.RemoteProtocolError("another version of HTTP")
        is_chunked = b"transfer-encoding" in names
        if is_chunked and (b"content-length" in names or request.http_version == b"1.0"):
            raise h11.RemoteProtocolError("two ways to tell where the body ends")
        size = len(request.target) + sum(len(name) + len(value) + 4 for name, value in request.headers)
        # h11 counts what is not complete; a head that came in one piece may be larger.
        if len(names) > MAX_HEADERS or size > self._max_head:
            raise h11.RemoteProtocolError("headers too large")
