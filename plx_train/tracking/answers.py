"""Bounds on what a server may answer: without them an endless answer takes the memory of the run that reads it."""

from __future__ import annotations

import contextlib
import time
from typing import Any

MOST_BYTES = 256 << 20
MOST_SECONDS = 120.0
PIECE_BYTES = 1 << 16


def bound_answers() -> None:
    """Has MLflow read answers up to `MOST_BYTES` and for `MOST_SECONDS`; downloads, which go to files, are left alone.

    MLflow offers no place for it: the function that makes its sessions is wrapped, where this version has it.
    """
    import mlflow.utils.request_utils as requests_of_mlflow

    make: Any = getattr(requests_of_mlflow, "_get_request_session", None)
    if make is None or hasattr(make, "makes_bounded"):
        return

    def bounded(*arguments: Any, **named: Any) -> Any:
        session = make(*arguments, **named)
        if read_bounded not in session.hooks["response"]:
            session.hooks["response"].append(read_bounded)
        return session

    bounded.makes_bounded = True  # type: ignore[attr-defined]
    requests_of_mlflow._get_request_session = bounded


def read_bounded(response: Any, **named: Any) -> None:
    """Reads an answer before anybody else does.

    Raises:
        requests.exceptions.ConnectionError: it has no end.
        requests.exceptions.ContentDecodingError: it is not packed as it says.
    """
    from requests.exceptions import ConnectionError as Broken
    from requests.exceptions import ContentDecodingError
    from urllib3.exceptions import DecodeError, HTTPError

    if named.get("stream") or response._content is not False:
        return
    taken, give_up = bytearray(), time.monotonic() + MOST_SECONDS
    try:
        while piece := response.raw.read1(PIECE_BYTES, decode_content=True):
            taken += piece
            if len(taken) > MOST_BYTES or time.monotonic() > give_up:
                with contextlib.suppress(Exception):
                    response.close()
                raise Broken(f"the answer has no end: {len(taken)} bytes were read")
    except DecodeError as error:
        raise ContentDecodingError(error) from None
    except HTTPError as error:
        raise Broken(error) from None
    response._content, response._content_consumed = bytes(taken), True
