"""Who may ask: whoever opened the studio by its token, from its own pages."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "plx_studio"
READING = ("GET", "HEAD")
JSON, BYTES = "application/json", "application/octet-stream"
MOST_JSON = 4 << 20
"""Bytes of a request's JSON; bytes that are no JSON are limited by who takes them."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
A_YEAR = 365 * 24 * 3600


class Login:
    """Lets through what comes from the studio's own pages, by a cookie that the opening address sets.

    A page of another site can neither read an answer nor have anything done: its requests bear another `Origin`, a name
    that was led here has another `Host`, and forms can send none of the bodies that are taken.

    Args:
        port: that the studio listens at; the cookie is named after it, since browsers don't keep ports apart.
        hosts: names in `Host` beside those of this machine.
    """

    def __init__(self, app: App, token: str, port: int, hosts: tuple[str, ...] = ()) -> None:
        self._app = app
        self._token = token
        self._cookie = f"{COOKIE}_{port}"
        self._hosts = {f"{name}:{port}" for name in (*LOOPBACK, *hosts)} | {*hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or what the server tells of itself."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get("host", "") not in self._hosts:
            await _refuse(send, 421, "This studio is opened by its own address alone")
        elif self._is_opened_by(given := parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]):
            await self._welcome(send, given)
        elif not self._knows(headers.get("cookie", "")):
            await _refuse(send, 401, "Open the address that the studio printed as it started: a token is in it")
        elif (fault := _fault(scope["method"], headers)) is not None:
            await _refuse(send, 403, fault)
        elif _kind(headers) == JSON and int(headers.get("content-length", "0") or 0) > MOST_JSON:
            await _refuse(send, 413, f"The request is larger than {MOST_JSON >> 20} MiB")
        else:
            await self._app(scope, _limited(receive) if _kind(headers) == JSON else receive, send)

    def _is_opened_by(self, given: str) -> bool:
        return bool(given) and hmac.compare_digest(given.encode(), self._token.encode())

    def _knows(self, cookies: str) -> bool:
        try:
            kept = SimpleCookie(cookies).get(self._cookie)
        except CookieError:
            return False
        return kept is not None and self._is_opened_by(kept.value)

    async def _welcome(self, send: Send, token: str) -> None:
        """Puts the token where no script reads it, and leads to an address without it."""
        cookie = f"{self._cookie}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={A_YEAR}"
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode("latin-1")), (b"referrer-policy", b"no-referrer")]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _fault(method: str, headers: MutableMapping[str, str]) -> str | None:
    """What speaks against a request that changes something; None: nothing does."""
    site = headers.get("sec-fetch-site", "same-origin")
    if site not in ("same-origin", "none"):
        return "The request comes from another site"
    if method in READING:
        return None
    if headers.get("origin", "").partition("://")[2] != headers.get("host"):
        return "The request comes from another site"
    if _kind(headers) not in (JSON, BYTES):
        return "The request has a body of another kind than JSON"
    return None


def _kind(headers: MutableMapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0]


def _limited(receive: Receive) -> Receive:
    """A request's body, which ends early where it says nothing of its length and has too much of it."""
    taken = 0

    async def limited() -> MutableMapping[str, Any]:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return message if taken <= MOST_JSON else {"type": "http.disconnect"}

    return limited


async def _refuse(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})
