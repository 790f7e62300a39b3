"""The processes in which requests' files are decoded: who waits for one, and what they are at."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from typing import TypeVar

from plx_train.serving.house import Stay
from plx_train.serving.metrics import Metrics
from plx_train.serving.refusal import Refusal
from plx_train.vision.decoders.process import Decoder, DecoderLost

logger = logging.getLogger(__name__)
MOST = 8
"""Decoders that are started unless a number is given: more keep no pipeline busier."""
SLOW_BYTES = 256 << 20
"""Bytes of the files that can be slow and wait for their turn: they leave room for the bodies of others."""
CLOSING_SECONDS = 2.0
PROBE_SECONDS = 5.0
"""How often it is tried whether a fault is still there while nobody sends a file."""

Result = TypeVar("Result")


def usual_number() -> int:
    """How many decoders are started on this machine."""
    return min(max(2, os.cpu_count() or 1), MOST)


class Decoders:
    """Decoder processes kept warm; one that is lost is replaced.

    Files that can be slow take half of them at most, so that those that are not always come by.
    """

    def __init__(
        self, number: int, most_slow: int, max_pixels: int, formats: Collection[str], metrics: Metrics
    ) -> None:
        """
        Args:
            most_slow: files that can be slow and wait for their turn.
            max_pixels: of a page.
            formats: of images that are read, by Pillow's names.
        """
        self.number = number
        self._new = lambda: Decoder(max_pixels, formats)
        self._metrics = metrics
        self._free: list[Decoder] = []
        self._working: set[Decoder] = set()
        self._waiting = 0
        self._slow_waiting = 0
        self._slow_bytes = 0
        self._most_slow = most_slow
        self._last_answer = 0.0
        self._is_stopped = False
        self._fault: str | None = None
        self._probe: asyncio.Task[None] | None = None
        self._probed = 0.0

    async def start(self) -> None:
        """Begins to work, within the running event loop, once the processes have come up."""
        self._any = asyncio.Semaphore(self.number)
        self._slow = asyncio.Semaphore(max(self.number // 2, 1))
        self._threads = ThreadPoolExecutor(self.number, "plx-decode")
        self._last_answer = time.monotonic()
        for _ in range(self.number):
            try:
                self._free.append(self._new())
            except DecoderLost as lost:
                self._tell(lost)
        await asyncio.get_running_loop().run_in_executor(self._threads, self._try_all)

    def _try_all(self) -> None:
        try:
            for decoder in self._free:
                decoder.ready()
        except DecoderLost as lost:
            self._tell(lost)

    async def _try_one(self) -> None:
        async with self._any:
            with suppress(Refusal):
                await asyncio.get_running_loop().run_in_executor(self._threads, self._tried)

    def _tried(self) -> None:
        self._put_back(self._taken(), is_lost=False)

    def stop(self) -> None:
        """Ends the processes, whatever they are at."""
        self._is_stopped = True
        for decoder in (*self._free, *self._working):
            decoder.end()
        self._free.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def fault(self, patience: float) -> str | None:
        """What is wrong with them as a whole, in a sentence; None: nothing. Within the running event loop.

        A fault that only a decoder's coming up ends is tried anew now and then, whether or not files come.

        Args:
            patience: seconds after which files that wait, and none that is decoded, are a fault.
        """
        if self._fault is not None:
            if time.monotonic() - self._probed > PROBE_SECONDS:
                self._probed = time.monotonic()
                self._probe = asyncio.ensure_future(self._try_one())
            return self._fault
        silent = time.monotonic() - self._last_answer
        if self._waiting and silent > patience:
            return f"No file was decoded for {silent:.0f} s, and {self._waiting} wait for it"
        return None

    async def run(
        self,
        slow_bytes: int,
        work: Callable[[Decoder], Result],
        then: Callable[[], Awaitable[None]],
        stay: Stay | None = None,
    ) -> Result:
        """What `work` gives in a thread, with a decoder of its own.

        Args:
            slow_bytes: of a file that can hold a decoder for long; 0 for others.
            then: is awaited once there is a decoder, before it works.
            stay: is spent outside of the house while files that can be slow hold this one up.

        Raises:
            Refusal: 422 where the file ended its decoder or took too long, 503 where there is none.
        """
        async with AsyncExitStack() as held:
            if slow_bytes:
                await self._wait_for_slow(held, slow_bytes, stay)
            await self._wait(held)
            await then()
            done = held.pop_all()
        task = asyncio.ensure_future(self._worked(work, done))
        # Whoever gives up leaves the decoder at work: it is free when it is done.
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            return await asyncio.shield(task)
        finally:
            # Its refusal knows this frame, and through others the file and its decoder: a circle would keep them.
            del task

    async def _wait_for_slow(self, held: AsyncExitStack, num_bytes: int, stay: Stay | None) -> None:
        """
        Raises:
            Refusal: 503; too many wait, or there is no place in the house any more.
        """
        if not self._slow.locked():
            await held.enter_async_context(self._slow)
            return
        is_too_much = self._slow_bytes and self._slow_bytes + num_bytes > SLOW_BYTES
        if self._slow_waiting >= self._most_slow or is_too_much:
            told = "As many files that can be slow wait as the server can take"
            raise Refusal(503, told, {"Retry-After": "5"})
        if stay is not None:
            stay.leave()
        self._slow_waiting += 1
        self._slow_bytes += num_bytes
        try:
            await held.enter_async_context(self._slow)
        finally:
            self._slow_waiting -= 1
            self._slow_bytes -= num_bytes
        if stay is not None:
            stay.enter()

    async def _wait(self, held: AsyncExitStack) -> None:
        self._waiting += 1
        try:
            await held.enter_async_context(self._any)
        finally:
            self._waiting -= 1
            if not self._waiting and not self._working:
                self._last_answer = time.monotonic()

    async def _worked(self, work: Callable[[Decoder], Result], held: AsyncExitStack) -> Result:
        async with held:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._with_decoder, work)

    def _with_decoder(self, work: Callable[[Decoder], Result]) -> Result:
        decoder = self._taken()
        self._working.add(decoder)
        is_lost = True
        try:
            result = work(decoder)
            is_lost = False
            return result
        except DecoderLost as lost:
            self._count(decoder, lost)
            raise Refusal(422, f"The file can't be used: {lost.reason}") from None
        except Refusal:
            is_lost = False
            raise
        except (OSError, MemoryError) as error:
            # Of this process: what happens to the other one is told otherwise.
            is_lost = False
            logger.error("there is no memory to decode in: %s", error)
            raise Refusal(503, "There is no memory to decode in", {"Retry-After": "5"}) from None
        except RuntimeError as error:
            self._count(decoder, DecoderLost(str(error)))
            raise
        finally:
            self._working.discard(decoder)
            self._put_back(decoder, is_lost)

    def _taken(self) -> Decoder:
        """A decoder that has come up.

        Raises:
            Refusal: 503; there is none.
        """
        try:
            decoder = self._next()
            if not decoder.is_alive:
                decoder.end()
                decoder = self._new()
            decoder.ready()
        except DecoderLost as lost:
            raise Refusal(503, self._tell(lost), {"Retry-After": "5"}) from None
        self._fault = None
        return decoder

    def _next(self) -> Decoder:
        # Other threads take some, too: whether one is left shows when it is taken.
        try:
            return self._free.pop()
        except IndexError:
            return self._new()

    def _tell(self, lost: DecoderLost) -> str:
        self._fault = f"Files can't be decoded: {lost.reason}"
        logger.error("%s", self._fault)
        return self._fault

    def _count(self, decoder: Decoder, lost: DecoderLost) -> None:
        self._metrics.decoders_lost.labels("late" if lost.is_late else "ended").inc()
        logger.warning("decoder %d was lost: %s", decoder.process_id, lost.reason)

    def _put_back(self, decoder: Decoder, is_lost: bool) -> None:
        # A file whose time was over is done with, too.
        self._last_answer = time.monotonic()
        if not is_lost:
            try:
                decoder.put_away(CLOSING_SECONDS)
            except (DecoderLost, RuntimeError) as lost:
                self._count(decoder, lost if isinstance(lost, DecoderLost) else DecoderLost(str(lost)))
                is_lost = True
        if not is_lost and not decoder.is_worn and not self._is_stopped:
            self._free.append(decoder)
            return
        decoder.end()
        if self._is_stopped:
            return
        try:
            # It comes up while others, which lie above it, are taken.
            self._free.insert(0, self._new())
        except DecoderLost as lost:
            self._tell(lost)
