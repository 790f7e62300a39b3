"""Fetches a URL that a client named, from public addresses only.

The name is resolved once, every address it has is checked, and the connection goes to a checked address: what the
name means a moment later, or where an answer would redirect to, plays no part. All of it, from the name to the last
byte, ends at one moment, however its server drips.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from plx_train.serving.refusal import Refusal

CHUNK = 1 << 16
CONNECT_SECONDS = 5.0
MAX_HEAD = 1 << 17
"""Bytes of an answer's headers, and of what else is not its content."""
RESOLVING = threading.BoundedSemaphore(32)
"""Names that are looked up at once, those included that nobody waits for any more."""
TOO_LONG = "The URL takes too long to read"
EMBEDDING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))
"""IPv6 networks whose addresses lead to an IPv4 address, which may be any."""

Resolve = Callable[[str, int], list[str]]


def is_url(text: str) -> bool:
    """Whether a request's file is named rather than sent."""
    return text[:8].lower().startswith(("http://", "https://"))


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the internet at large."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return is_public(str(parsed.ipv4_mapped))
        if any(parsed in network for network in EMBEDDING):
            return False
    return parsed.is_global and not (parsed.is_multicast or parsed.is_reserved or parsed.is_unspecified)


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name; in numbers too they may be written in many ways."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def fetch(
    url: str,
    max_bytes: int,
    seconds: float,
    resolve: Resolve = resolve,
    is_allowed: Callable[[str], bool] = is_public,
) -> bytes:
    """The content of `url`.

    Raises:
        Refusal: 422; it is no http URL, leads to an address that is not allowed, redirects, can't be read in time, or
            is too large.
    """
    ends = time.monotonic() + seconds
    parts, port = _split(url)
    host = str(parts.hostname)
    addresses = _resolved(resolve, host, port, ends)
    if not addresses:
        raise Refusal(422, "The URL's host can't be found")
    if not all(map(is_allowed, addresses)):
        raise Refusal(422, "The URL leads to an address that is not public")
    opened = _connected(parts.scheme, host, port, addresses[0], ends)
    connection = http.client.HTTPConnection(host, port)
    connection.default_port = 443 if parts.scheme == "https" else 80
    line = _TimedSocket(opened, ends)
    connection.sock = line  # type: ignore[assignment]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", target, headers={"Accept-Encoding": "identity", "User-Agent": "plx_train"})
        answer = connection.getresponse()
        if answer.status != 200:
            told = "redirects, which is not followed" if 300 <= answer.status < 400 else f"answered {answer.status}"
            raise Refusal(422, f"The URL {told}")
        # Chunks cost bytes of their own.
        line.incoming.left += MAX_HEAD + 2 * max_bytes
        return _read(answer, max_bytes)
    except TimeoutError:
        raise Refusal(422, TOO_LONG) from None
    except (OSError, http.client.HTTPException, ValueError):
        raise Refusal(422, "The URL can't be read") from None
    finally:
        connection.close()
        opened.close()


def _resolved(resolve: Resolve, host: str, port: int, ends: float) -> list[str]:
    """The addresses of a name; none where there are none.

    Raises:
        Refusal: 422; they are not known in time.
    """
    found: queue.SimpleQueue[list[str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found.put(resolve(host, port))
        except (OSError, UnicodeError):
            found.put([])
        finally:
            RESOLVING.release()

    # Nothing can interrupt the system's resolver, so it is left behind where it takes too long.
    if not RESOLVING.acquire(timeout=max(ends - time.monotonic(), 0.0)):
        raise Refusal(422, TOO_LONG)
    try:
        threading.Thread(target=ask, name="plx-resolve", daemon=True).start()
    except RuntimeError:
        RESOLVING.release()
        raise Refusal(503, "There is no thread to look the URL's host up in", {"Retry-After": "2"}) from None
    try:
        return found.get(timeout=max(ends - time.monotonic(), 0.0))
    except queue.Empty:
        raise Refusal(422, TOO_LONG) from None


def _split(url: str) -> tuple[SplitResult, int]:
    # Control characters and spaces would end the request line.
    if any(character <= " " or character >= "\x7f" for character in url):
        raise Refusal(422, "The URL holds characters that must be percent-encoded")
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise Refusal(422, "The URL is not valid") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise Refusal(422, "The URL must be http or https, with a host and without a password")
    return parts, port


def _connected(scheme: str, host: str, port: int, address: str, ends: float) -> socket.socket:
    """A socket that is connected to `address`, for https with the certificate of `host` checked."""
    opened = None
    try:
        # The name must not be resolved again, so http.client gets a socket that is connected already.
        opened = socket.create_connection((address, port), timeout=min(_left(ends), CONNECT_SECONDS))
        if scheme == "https":
            opened.settimeout(_left(ends))
            opened = ssl.create_default_context().wrap_socket(opened, server_hostname=host)
        return opened
    except OSError:
        if opened is not None:
            opened.close()
        raise Refusal(422, "The URL's host can't be reached") from None


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _read(answer: http.client.HTTPResponse, max_bytes: int) -> bytes:
    read = bytearray()
    while chunk := answer.read1(CHUNK):
        read += chunk
        if len(read) > max_bytes:
            raise Refusal(422, f"The URL's content is above the limit of {max_bytes / 2**20:.0f} MiB")
    if answer.length:
        raise Refusal(422, "The URL's content ends early")
    return bytes(read)


class _Incoming(io.RawIOBase):
    """The bytes of a connected socket, each of which must be there before `ends`, and at most `left` of them.

    A limit for each wait would begin anew with every byte that a server drips.
    """

    def __init__(self, opened: socket.socket, ends: float, left: int) -> None:
        self.left = left
        self._opened = opened
        self._ends = ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._opened.settimeout(_left(self._ends))
        read = self._opened.recv_into(buffer)
        self.left -= read
        if self.left < 0:
            raise OSError("more came than may")
        return read


class _TimedSocket:
    """What http.client needs of a socket. It closes its sockets early, so `close` leaves that to whoever opened it."""

    def __init__(self, opened: socket.socket, ends: float) -> None:
        self.incoming = _Incoming(opened, ends, MAX_HEAD)
        self._opened = opened
        self._ends = ends

    def sendall(self, data: bytes) -> None:
        self._opened.settimeout(_left(self._ends))
        self._opened.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self.incoming, CHUNK)

    def close(self) -> None:
        pass
