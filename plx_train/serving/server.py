"""Listens, and stops in good order: on SIGTERM what is in the house is finished first."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import cast

import uvicorn
from fastapi import FastAPI

from plx_train.config.serve_options import ServeOptions
from plx_train.ground.errors import UserError
from plx_train.serving.connection import Connection, ConnectionLimits
from plx_train.serving.doorkeeper import Doorkeeper, spare_descriptors

TICKS_A_SECOND = 10
CLOSING_SECONDS = 2
"""Seconds for connections to close once their requests are done."""

LISTENING = "serving {name} at {address} (Ctrl-C ends it)"
"""What a command says once it listens; who started it reads the address from there."""


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket; its name says which port it got.

    Raises:
        UserError: the address is not this machine's, or the port is taken or forbidden.
    """
    try:
        if port > 65535:
            # Some systems take the remainder instead.
            raise OverflowError("ports end at 65535")
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"serve.host={host} serve.port={port} can't be listened at ({reason}): choose another port"
        ) from None
    listener.setblocking(False)
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL under which a listening socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """A signal closes the gate for new work; the server leaves when nothing is in flight, or time is up."""

    def __init__(self, app: FastAPI, options: ServeOptions, ready: Callable[[], None] | None = None) -> None:
        config = uvicorn.Config(
            app,
            # One implementation everywhere: uvicorn would take others where they are installed.
            http=Connection,
            ws="none",
            loop="asyncio",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=cast(int, options.idle_seconds),
            timeout_graceful_shutdown=CLOSING_SECONDS,
        )
        super().__init__(config)
        self._service = app.state.service
        self._options = options
        self._doorkeeper: Doorkeeper | None = None
        self._leave_at: float | None = None
        self._ready = ready
        self.left_undone = 0
        """Requests that were not finished in time."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts the application, then accepts connections at `sockets`."""
        # uvicorn would accept without end, and log without end where it can't.
        await super().startup(sockets=[])
        options = self._options
        limits = ConnectionLimits(
            head=min(options.header_seconds, options.timeout_seconds),
            idle=options.idle_seconds,
            answer=options.timeout_seconds,
            least=options.min_kb_per_second * 1024,
        )
        decoders = self._service.reading.decoders
        self._doorkeeper = Doorkeeper(
            cast("set[Connection]", self.server_state.connections),
            limits,
            options.max_connections,
            options.max_connections_per_address,
            self._service.metrics,
            spare_descriptors(decoders.number if decoders else 0, options.max_batch, options.fetch_urls),
        )
        protocol = partial(Connection, self.config, self.server_state, self.lifespan.state)
        self._doorkeeper.start(sockets or [], protocol)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts no more, and closes what is open."""
        if self._doorkeeper is not None:
            self._doorkeeper.stop()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins to drain; a second signal ends at once."""
        if self._leave_at is None:
            self._leave_at = time.monotonic() + self._options.drain_seconds
            if self._service.admission is not None:
                self._service.admission.is_draining = True
        else:
            self._leave_at = 0.0

    async def on_tick(self, counter: int) -> bool:
        """Asked ten times a second whether to leave."""
        if self._ready is not None and self.started:
            self._ready()
            self._ready = None
        if counter % TICKS_A_SECOND == 0 and self._doorkeeper is not None:
            self._doorkeeper.sweep()
            if self._service.admission is not None:
                self._service.admission.senders.sweep()
        if self._leave_at is not None:
            in_flight = self._service.admission.in_flight if self._service.admission else 0
            if not in_flight or time.monotonic() > self._leave_at:
                self.left_undone = in_flight
                self.should_exit = True
        return await super().on_tick(counter)
