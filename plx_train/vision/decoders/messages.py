"""Lines of JSON between a decoder process and the one that started it, handles of memory beside them.

What a decoder answers is taken for no more than numbers and words: it may have been taken over by a file.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plx_train.ground.errors import UserError
from plx_train.vision.codecs.faults import ImageError
from plx_train.vision.pdf import PageTooLarge

LONGEST = 1 << 16
"""Bytes of a line."""
LONGEST_REASON = 2000
MAKES: Mapping[str, Callable[[Any, str, str], UserError]] = {
    "image": lambda path, code, reason: ImageError(path, code, reason),
    "page-too-large": lambda path, code, reason: PageTooLarge(reason),
    "other": lambda path, code, reason: UserError(reason),
}
"""Faults of files by the name that they have on the way."""


def send(
    line: socket.socket, message: Mapping[str, Any], handles: Sequence[int] = (), ends: float | None = None
) -> None:
    """Sends a message and handles of this process, which the other one gets as its own.

    Args:
        ends: by the monotonic clock.

    Raises:
        OSError: there is no other one; TimeoutError: it does not read.
    """
    _wait_until(line, ends)
    content = json.dumps(message).encode() + b"\n"
    sent = socket.send_fds(line, [content], list(handles)) if handles else line.send(content)
    if sent < len(content):
        line.sendall(content[sent:])


def receive(
    line: socket.socket, ends: float | None = None, takes_handles: bool = True
) -> tuple[dict[str, Any], list[int]]:
    """A message and the handles that came with it.

    Args:
        ends: by the monotonic clock.
        takes_handles: others come to nothing, so that the other one can't fill this process with them.

    Raises:
        EOFError: there is no other one any more.
        ValueError: it is no message.
        OSError: the line broke; TimeoutError: not all of it came in time.
    """
    content, handles = b"", list[int]()
    try:
        while not content.endswith(b"\n"):
            _wait_until(line, ends)
            if takes_handles:
                piece, more, _, _ = socket.recv_fds(line, LONGEST, 4)
                handles += more
            else:
                piece = line.recv(LONGEST)
            if not piece:
                raise EOFError
            content += piece
            if len(content) > LONGEST:
                raise ValueError("a line is too long")
        message = _parsed(content)
    except BaseException:
        for handle in handles:
            os.close(handle)
        raise
    return message, handles


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        message = json.loads(content)
    except RecursionError:
        raise ValueError("a message is nested too deeply") from None
    if not isinstance(message, dict):
        raise ValueError("a message is no object")
    return message


def _wait_until(line: socket.socket, ends: float | None) -> None:
    line.settimeout(None if ends is None else max(ends - time.monotonic(), 0.001))


def told_of(error: UserError) -> dict[str, str]:
    """What is sent of a fault of a file."""
    if isinstance(error, ImageError):
        return {"kind": "image", "code": error.code, "reason": error.reason[:LONGEST_REASON]}
    kind = "page-too-large" if isinstance(error, PageTooLarge) else "other"
    return {"kind": kind, "code": "", "reason": str(error)[:LONGEST_REASON]}


def fault_of(told: Mapping[str, Any], path: Any) -> UserError:
    """The fault of the file at `path` that a decoder told of."""
    make = MAKES.get(str(told.get("kind")), MAKES["other"])
    return make(path, str(told.get("code"))[:100], str(told.get("reason"))[:LONGEST_REASON])
