"""Work in threads that the end of the process does not wait for: it waits for somebody else's server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_daemon(name: str, work: Callable[[], Result], ended: Callable[[], None] | None = None) -> Result:
    """What `work` gives, or raises, in a thread of its own.

    Args:
        name: of the thread.
        ended: is called in the event loop when it is done, though nobody may wait for it any more.

    Raises:
        RuntimeError: the system starts no thread.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()
    threading.Thread(target=_call, args=(work, loop, done, ended), name=name, daemon=True).start()
    try:
        return await done
    finally:
        # An exception knows this frame: as long as that knows its future, both stay.
        del done


def _call(
    work: Callable[[], Any],
    loop: asyncio.AbstractEventLoop,
    done: asyncio.Future[Any],
    ended: Callable[[], None] | None,
) -> None:
    result, error = None, None
    try:
        result = work()
    except Exception as caught:
        error = caught
    with suppress(RuntimeError):  # The loop may be closed by now.
        loop.call_soon_threadsafe(_settle, done, result, error, ended)
    # The frames of an exception know this one.
    del done, result, error


def _settle(done: asyncio.Future[Any], result: Any, error: Exception | None, ended: Callable[[], None] | None) -> None:
    if ended is not None:
        ended()
    if done.done():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)
