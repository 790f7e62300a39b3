"""Joins images of different requests into batches and predicts them, one batch at a time, in one thread."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from plx_train.ground.errors import ModelError, UserError
from plx_train.serving.metrics import Metrics
from plx_train.serving.protocol import INTERNAL_ERROR
from plx_train.serving.refusal import Refusal
from plx_train.serving.served import ServedPipeline

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Job:
    """An image that waits."""

    image: np.ndarray
    params: Mapping[str, Any]
    key: tuple[tuple[str, Any], ...]
    since: float
    answer: asyncio.Future[Any]


class Batcher:
    """Images that wait at most `max_wait_seconds` for others with equal parameters, oldest first.

    `pipeline` may be exchanged at any time: a batch is predicted by the one that was there when it began.
    """

    def __init__(self, pipeline: ServedPipeline, max_batch: int, max_wait_seconds: float, metrics: Metrics) -> None:
        self.pipeline = pipeline
        self.max_batch = max_batch
        self._max_wait = max_wait_seconds
        self._metrics = metrics
        self._waiting: list[_Job] = []
        self._busy_since: float | None = None
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

    def start(self) -> None:
        """Begins to work, within the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._task = asyncio.create_task(self._work())
        # A daemon: a prediction that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._serve_calls, name="plx-predict", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Ends; what still waits is cancelled."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        for job in self._waiting:
            job.answer.cancel()
        self._calls.put(None)

    def busy_seconds(self) -> float:
        """How long the batch at work has been so; 0 if there is none."""
        return 0.0 if self._busy_since is None else time.monotonic() - self._busy_since

    @property
    def has_ended(self) -> bool:
        """Whether it works no more, though nobody stopped it."""
        return self._task.done() or not self._thread.is_alive()

    async def predict(self, images: Sequence[np.ndarray], params: Mapping[str, Any]) -> list[Any]:
        """Their results, in order.

        Raises:
            Refusal: 422 for what the pipeline says is the user's mistake, 500 for other errors.
        """
        key = tuple(sorted(params.items()))
        jobs = [_Job(image, params, key, self._loop.time(), self._loop.create_future()) for image in images]
        self._waiting += jobs
        self._arrived.set()
        try:
            return list(await asyncio.gather(*(job.answer for job in jobs)))
        finally:
            # Whoever gave up, or failed with one page, wants no more of the others.
            # A refusal knows this frame: as long as that knows its future, the images stay.
            while jobs:
                jobs.pop().answer.cancel()

    async def _work(self) -> None:
        while True:
            batch = await self._next_batch()
            pipeline = self.pipeline
            self._metrics.waiting.set(len(self._waiting))
            self._metrics.batch_size.observe(len(batch))
            self._busy_since = time.monotonic()
            images, params = [job.image for job in batch], batch[0].params
            outcomes = await self._in_thread(partial(predict_each, pipeline, images, params))
            self._metrics.batch_seconds.observe(self.busy_seconds())
            self._busy_since = None
            for job, outcome in zip(batch, outcomes, strict=True):
                _answer(job, outcome)
                if isinstance(outcome, Exception):
                    # Its frames know the images, and whoever waited for it.
                    outcome.__traceback__ = outcome.__context__ = outcome.__cause__ = None
            # Images are large: none is kept until the next batch comes.
            del batch, images, outcomes, job, outcome

    async def _next_batch(self) -> list[_Job]:
        while True:
            self._waiting = [job for job in self._waiting if not job.answer.done()]
            self._metrics.waiting.set(len(self._waiting))
            self._arrived.clear()
            if not self._waiting:
                await self._arrived.wait()
                continue
            first = self._waiting[0]
            alike = [job for job in self._waiting if job.key == first.key][: self.max_batch]
            left = first.since + self._max_wait - self._loop.time()
            if len(alike) == self.max_batch or left <= 0:
                taken = set(map(id, alike))
                self._waiting = [job for job in self._waiting if id(job) not in taken]
                return alike
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), left)

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        done = self._loop.create_future()

        def call() -> None:
            outcome = work()
            with suppress(RuntimeError):  # The loop may be closed by now.
                self._loop.call_soon_threadsafe(_settle, done, outcome)

        self._calls.put(call)
        return await done

    def _serve_calls(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call


def predict_each(pipeline: ServedPipeline, images: Sequence[np.ndarray], params: Mapping[str, Any]) -> list[Any]:
    """The result or the exception of each image; one that can't be worked on does not spoil the others'."""
    try:
        results = list(pipeline.predict_many(images, params))
        if len(results) != len(images):
            raise RuntimeError(f"{len(results)} results for {len(images)} images")
        return results
    except Exception as error:
        if len(images) == 1:
            return [error]
    return [predict_each(pipeline, [image], params)[0] for image in images]


def _settle(future: asyncio.Future[Any], outcome: Any) -> None:
    if not future.done():
        future.set_result(outcome)


def _answer(job: _Job, outcome: Any) -> None:
    if job.answer.done():
        return
    if isinstance(outcome, UserError) and not isinstance(outcome, ModelError):
        job.answer.set_exception(Refusal(422, str(outcome)))
    elif isinstance(outcome, Exception):
        logger.error("a prediction failed", exc_info=outcome)
        job.answer.set_exception(Refusal(500, INTERNAL_ERROR))
    else:
        job.answer.set_result(outcome)
