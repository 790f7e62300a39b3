"""Fetches a URL that a client named, from public addresses only.

The name is resolved once, every address it has is checked, and the connection goes to a checked address: what the
name means a moment later, or where an answer would redirect to, plays no part.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from plx_train.serving.refusal import Refusal

CHUNK = 1 << 16
CONNECT_SECONDS = 5.0
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
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError):
        addresses = []
    if not addresses:
        raise Refusal(422, "The URL's host can't be found")
    if not all(map(is_allowed, addresses)):
        raise Refusal(422, "The URL leads to an address that is not public")
    connection = _connection(parts.scheme, host, port, addresses[0], min(seconds, CONNECT_SECONDS))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", target, headers={"Accept-Encoding": "identity", "User-Agent": "plx_train"})
        answer = connection.getresponse()
        if answer.status != 200:
            told = "redirects, which is not followed" if 300 <= answer.status < 400 else f"answered {answer.status}"
            raise Refusal(422, f"The URL {told}")
        return _read(answer, max_bytes, ends)
    except (OSError, http.client.HTTPException, ValueError):
        raise Refusal(422, "The URL can't be read") from None
    finally:
        connection.close()


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


def _connection(scheme: str, host: str, port: int, address: str, seconds: float) -> http.client.HTTPConnection:
    """A connection that speaks to `host` at `address`."""
    try:
        # The name must not be resolved again, so http.client gets a socket that is connected already.
        opened = socket.create_connection((address, port), timeout=seconds)
        if scheme == "https":
            opened = ssl.create_default_context().wrap_socket(opened, server_hostname=host)
    except OSError:
        raise Refusal(422, "The URL's host can't be reached") from None
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    connection.default_port = 443 if scheme == "https" else 80
    connection.sock = opened
    return connection


def _read(answer: http.client.HTTPResponse, max_bytes: int, ends: float) -> bytes:
    read = bytearray()
    while chunk := answer.read1(CHUNK):
        read += chunk
        if len(read) > max_bytes:
            raise Refusal(422, f"The URL's content is above the limit of {max_bytes / 2**20:.0f} MiB")
        if time.monotonic() > ends:
            raise Refusal(422, "The URL takes too long to read")
    return bytes(read)
