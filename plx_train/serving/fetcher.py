"""Fetches beside all other work: a server that drips keeps neither a thread that decodes nor a place in the house."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from plx_train.serving.house import Stay
from plx_train.serving.protocol import INTERNAL_ERROR
from plx_train.serving.refusal import Refusal

logger = logging.getLogger(__name__)
PLACES = 16
"""URLs that are fetched at once."""


class Fetcher:
    """Calls `read` with a URL in a thread of its own; those that nobody waits for any more count until they end."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._fetching = 0

    async def content(self, url: str, stay: Stay | None) -> bytes:
        """What `url` holds; `stay` is spent outside of the house meanwhile.

        Raises:
            Refusal: it can't be had, or as many are being fetched as may.
        """
        if self._fetching >= PLACES:
            raise Refusal(503, "As many URLs are being fetched as the server can take", {"Retry-After": "2"})
        if stay is not None:
            stay.leave()
        content = await self._in_thread(url)
        if stay is not None:
            stay.enter()
        return content

    async def _in_thread(self, url: str) -> bytes:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bytes] = loop.create_future()
        self._fetching += 1

        def settle(outcome: bytes | Refusal) -> None:
            self._fetching -= 1
            if done.done():
                return
            if isinstance(outcome, Refusal):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)

        def work() -> None:
            outcome: bytes | Refusal
            try:
                outcome = self._read(url)
            except Refusal as refusal:
                outcome = refusal
            except Exception:
                logger.exception("a URL could not be fetched")
                outcome = Refusal(500, INTERNAL_ERROR)
            with suppress(RuntimeError):  # The loop may be closed by now.
                loop.call_soon_threadsafe(settle, outcome)

        # A daemon: the process ends without waiting for somebody else's server.
        threading.Thread(target=work, name="plx-fetch", daemon=True).start()
        return await done
