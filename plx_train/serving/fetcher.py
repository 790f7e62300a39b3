"""Fetches beside all other work: a server that drips keeps neither a thread that decodes nor a place in the house."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from plx_train.serving.daemons import in_daemon
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
        self._fetching += 1
        try:
            return await in_daemon("plx-fetch", partial(self._fetched, url), self._end)
        except RuntimeError:
            self._end()
            raise Refusal(503, "There is no thread to fetch the URL in", {"Retry-After": "2"}) from None

    def _end(self) -> None:
        self._fetching -= 1

    def _fetched(self, url: str) -> bytes:
        try:
            return self._read(url)
        except Refusal:
            raise
        except Exception:
            logger.exception("a URL could not be fetched")
            raise Refusal(500, INTERNAL_ERROR) from None
