"""Pipelines that are served as jobs: where they listen, how they are, and requests that are handed on to them."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any

from plx_train.ground.errors import UserError
from plx_train.ground.parsed import parse_json
from plx_train.serving.server import LISTENING
from plx_train.studio.home import Home
from plx_train.studio.job_guard import LOG_FILE
from plx_train.studio.jobs import RUNNING, SERVING, StudioJob

LOOPBACK = r"http://(?:127\.0\.0\.1|0\.0\.0\.0|localhost):(\d{1,5})"
LISTENS = re.compile(
    "^" + re.escape(LISTENING).replace(r"\{name\}", "[^\n]*").replace(r"\{address\}", LOOPBACK) + "$", re.MULTILINE
)
ANSWERED = re.compile(r'^plx_requests_total\{path="([^"\n]*)",status="(\d+)"\} ([\d.e+]+)$', re.MULTILINE)
SAYS_IT_WITHIN = 1 << 16
"""Bytes of a server's log that its address stands in: it is the last thing said before requests are."""
STATE_SECONDS, TRY_SECONDS = 2.0, 90.0
MOST_ANSWER_BYTES = 1 << 26
KEY_VARIABLE = "PLX_SERVE_API_KEY"


@dataclass(frozen=True)
class ServerState:
    """How a server is just now.

    Attributes:
        is_healthy: whether it answers that it is; None: it does not listen yet.
        said: its own sentence.
        answered: requests answered well since it began, and `refused` those answered otherwise.
    """

    is_healthy: bool | None
    said: str
    answered: int = 0
    refused: int = 0


def port_of(home: Home, job: StudioJob) -> int | None:
    """The port of loopback that a job said it listens at; None before that, and once it ended."""
    if job.lane != SERVING or job.state != RUNNING:
        return None
    try:
        with (home.jobs / job.id / LOG_FILE).open("rb") as file:
            said = LISTENS.findall(file.read(SAYS_IT_WITHIN).decode("utf-8", "replace"))
    except OSError:
        return None
    return int(said[-1]) if said and 0 < int(said[-1]) < 1 << 16 else None


def state_of(port: int | None, path: str) -> ServerState:
    """How the server at a port is, whose requests go to `path`."""
    if port is None:
        return ServerState(None, "It is being loaded")
    try:
        status, body = _asked(port, "GET", "/health", None, STATE_SECONDS)
        said = str(parse_json(body)["errorMsg"])
        counts = ANSWERED.findall(_asked(port, "GET", "/metrics", None, STATE_SECONDS)[1].decode("utf-8", "replace"))
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return ServerState(False, "It does not answer")
    mine = [(code, int(float(number))) for where, code, number in counts if where == path]
    good = sum(number for code, number in mine if code == "200")
    return ServerState(status == 200, said, good, sum(number for _, number in mine) - good)


def ask(port: int, endpoint: Mapping[str, Any], content: bytes, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the server at a port finds in a file.

    Args:
        endpoint: ``path`` and ``field`` of its requests.
        fields: others of the request, for example its parameters.

    Raises:
        UserError: it refuses, in its own words, or can't be reached.
    """
    request = {**fields, endpoint["field"]: base64.b64encode(content).decode("ascii")}
    if endpoint["field"] == "file":
        request["fileType"] = 0 if content[:1024].lstrip().startswith(b"%PDF") else 1
    try:
        status, body = _asked(port, "POST", endpoint["path"], json.dumps(request).encode(), TRY_SECONDS)
        told: dict[str, Any] = parse_json(body)
        if status != 200:
            raise UserError(_words(told["errorMsg"]))
        return {"result": told["result"]}
    except (OSError, HTTPException) as error:
        raise UserError(f"the server does not answer ({error or type(error).__name__}): look at its log") from None
    except (ValueError, KeyError, TypeError):
        raise UserError("the server's answer can't be understood: look at its log") from None


def _words(told: Any) -> str:
    """What is wrong with a request, in words: faults of fields come as a list."""
    try:
        return "; ".join(f"{fault['loc'].removeprefix('body.')}: {fault['msg']}" for fault in parse_json(told))
    except (ValueError, KeyError, TypeError, AttributeError):
        return str(told)


def _asked(port: int, method: str, path: str, body: bytes | None, seconds: float) -> tuple[int, bytes]:
    """Status and body of an answer from this machine; no proxy is asked, and no redirect followed."""
    connection = HTTPConnection("127.0.0.1", port, timeout=seconds)
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if key := os.environ.get(KEY_VARIABLE):
        headers["Authorization"] = f"Bearer {key}"
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read(MOST_ANSWER_BYTES + 1)
        if len(content) > MOST_ANSWER_BYTES:
            raise ValueError("an answer that is too long")
        return answer.status, content
    finally:
        connection.close()
