"""Who is let in: whoever opened the address with the token, from the studio's own pages, and nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from plx_train.studio.login import Login

TOKEN, PORT = "t" * 43, 8484
OWN = {"host": f"127.0.0.1:{PORT}", "cookie": f"plx_studio_{PORT}={TOKEN}"}
POSTING = {**OWN, "origin": f"http://127.0.0.1:{PORT}", "content-type": "application/json"}


def ask(method: str, headers: dict[str, str], query: str = "") -> tuple[int, dict[str, str]]:
    told: list[Any] = []

    async def inner(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})

    async def send(message: Any) -> None:
        told.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": "/", "headers": raw, "query_string": query.encode()}
    asyncio.run(Login(inner, TOKEN, PORT, ("studio.example",))(scope, receive, send))  # type: ignore[arg-type]
    return told[0]["status"], {name.decode(): value.decode() for name, value in told[0]["headers"]}


def test_the_address_with_the_token_lets_in_and_leads_to_one_without() -> None:
    status, headers = ask("GET", {"host": OWN["host"]}, f"token={TOKEN}")
    assert status == 303 and headers["location"] == "/"
    cookie = headers["set-cookie"]
    assert cookie.startswith(f"plx_studio_{PORT}={TOKEN};") and "HttpOnly" in cookie and "SameSite=Strict" in cookie


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "studio.example"])
def test_a_page_of_its_own_is_answered(host: str) -> None:
    own = {**OWN, "host": f"{host}:{PORT}"}
    assert ask("GET", own)[0] == 200
    assert ask("POST", {**POSTING, "host": own["host"], "origin": f"http://{own['host']}"})[0] == 200


@pytest.mark.parametrize(
    ("method", "headers", "query", "status"),
    [
        ("GET", {"host": OWN["host"]}, "", 401),
        ("GET", {**OWN, "cookie": f"plx_studio_{PORT}={TOKEN[1:]}"}, "", 401),
        ("GET", {**OWN, "cookie": f"plx_studio_9999={TOKEN}"}, "", 401),
        ("GET", {**OWN, "cookie": "\x00;=;;{}"}, "", 401),
        ("GET", {"host": OWN["host"]}, "token=", 401),
        ("GET", {"host": OWN["host"]}, "token=guess", 401),
        # A name that was led to this machine.
        ("GET", {**OWN, "host": f"evil.example:{PORT}"}, "", 421),
        ("GET", {**OWN, "host": "127.0.0.1:80"}, "", 421),
        ("GET", {"cookie": OWN["cookie"]}, "", 421),
        # Another site's page.
        ("GET", {**OWN, "sec-fetch-site": "cross-site"}, "", 403),
        ("POST", {**POSTING, "origin": "http://evil.example"}, "", 403),
        ("POST", {**POSTING, "origin": "null"}, "", 403),
        ("POST", {key: value for key, value in POSTING.items() if key != "origin"}, "", 403),
        ("POST", {**POSTING, "content-type": "text/plain"}, "", 403),
        ("POST", {**POSTING, "content-type": "application/x-www-form-urlencoded"}, "", 403),
        ("POST", {**POSTING, "content-type": "multipart/form-data; boundary=x"}, "", 403),
        ("POST", {**POSTING, "content-length": "5000000"}, "", 413),
        ("PUT", {**POSTING, "origin": "http://127.0.0.1:9000"}, "", 403),
        ("DELETE", {**POSTING, "sec-fetch-site": "same-site"}, "", 403),
    ],
)
def test_others_are_refused(method: str, headers: dict[str, str], query: str, status: int) -> None:
    assert ask(method, headers, query)[0] == status


def test_what_the_server_tells_of_itself_passes() -> None:
    seen = []

    async def inner(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(Login(inner, TOKEN, PORT)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
