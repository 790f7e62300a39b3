"""What a client is told when its request is not served."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """An answer other than success: HTTP status, one sentence, and headers."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
