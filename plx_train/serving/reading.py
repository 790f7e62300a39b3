"""From a request to what its pipeline takes: files are decoded in processes, tables read in threads."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from plx_train.config.serve_options import ServeOptions
from plx_train.serving.decoders import Decoders, usual_number
from plx_train.serving.files import Limits, pages_in, source_of
from plx_train.serving.house import Stay
from plx_train.serving.metrics import Metrics
from plx_train.serving.protocol import DataInfo, Request
from plx_train.serving.served import ServedPipeline
from plx_train.serving.tables import series_of

PILLOW_NAMES = {
    "jpeg": ("JPEG", "MPO"),
    "bmp": ("BMP", "DIB"),
    "pdf": (),
    "tga": ("TGA",),
    **{name: (name.upper(),) for name in ("png", "gif", "webp", "tiff", "avif", "heif", "jpeg2000", "ppm", "ico")},
    **{name: (name.upper(),) for name in ("pcx", "psd", "qoi", "sgi", "sun")},
}
"""What the formats of the option are to Pillow."""


class Reading:
    """What reads requests while a service runs.

    Attributes:
        decoders: the processes for files; a service of tables has none.
    """

    def __init__(
        self, options: ServeOptions, max_pixels: int, threads: ThreadPoolExecutor, metrics: Metrics, reads_tables: bool
    ) -> None:
        self._threads = threads
        self.decoders: Decoders | None = None
        if not reads_tables:
            formats = {name for one in options.formats for name in PILLOW_NAMES[one]}
            number = options.decoders or usual_number()
            self.decoders = Decoders(number, options.queue_size, max_pixels, formats, metrics)
        self._most = 2 * options.max_batch

    async def start(self) -> None:
        """Begins to work, within the running event loop."""
        if self.decoders is not None:
            await self.decoders.start()
        # Decoded images are many times the size of a request: few are held at once.
        self._decoded = asyncio.Semaphore(self._most + (self.decoders.number if self.decoders else 0))

    def stop(self) -> None:
        """Ends."""
        if self.decoders is not None:
            self.decoders.stop()

    async def items(
        self, request: Request, pipeline: ServedPipeline, limits: Limits, held: AsyncExitStack, stay: Stay | None
    ) -> tuple[list[Any], DataInfo]:
        """The pages or series of a request, and what its file was; they have their place until `held` is left.

        Args:
            stay: the request's place in the house.

        Raises:
            Refusal: 422; the file can't be had or read, or is above a limit; 503: nothing can be decoded.
        """

        async def take_place() -> None:
            await held.enter_async_context(self._decoded)

        loop = asyncio.get_running_loop()
        if self.decoders is None:
            await take_place()
            return await loop.run_in_executor(self._threads, series_of, request, limits, pipeline)
        source = await loop.run_in_executor(self._threads, source_of, request, limits)
        slow_bytes = 0 if source.is_quick else len(source.content)
        work = partial(pages_in, source, limits=limits, background=pipeline.background)
        return await self.decoders.run(slow_bytes, work, take_place, stay)
