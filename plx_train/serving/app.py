"""The application: one pipeline, its operation, health, metrics, and pages for people."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi import Request as HTTPRequest
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from plx_train import __version__
from plx_train.config.serve_options import ServeOptions
from plx_train.ground.markup import escape
from plx_train.serving.admission import STAY, Admission, Paths
from plx_train.serving.batcher import Batcher
from plx_train.serving.endpoints import OPEN_PATHS, SERVER_PATHS, Endpoint, chosen_parameters, endpoint_of
from plx_train.serving.fetch import fetch, is_url
from plx_train.serving.fetcher import Fetcher
from plx_train.serving.files import Limits, file_type
from plx_train.serving.follow import Follower, NewVersions
from plx_train.serving.house import Stay
from plx_train.serving.index_operations import add_index_operations, index_paths
from plx_train.serving.metrics import CONTENT_TYPE, Metrics
from plx_train.serving.protocol import (
    INTERNAL_ERROR,
    Failure,
    FileRequest,
    Request,
    failure,
    log_id_of,
    new_log_id,
    parse,
    success,
)
from plx_train.serving.reading import Reading
from plx_train.serving.refusal import Refusal
from plx_train.serving.served import ServedPipeline

logger = logging.getLogger(__name__)
PLACE = re.compile(r"{{(nonce|about|title|words)}}")
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
PAGES_LEFT_OUT = "X-Pages-Left-Out"
"""Header of an answer: how many pages of the file were not read."""

Result = TypeVar("Result")


class Service:
    """What the application holds while it runs."""

    def __init__(
        self, pipeline: ServedPipeline, options: ServeOptions, following: NewVersions | None, api_key: str | None
    ) -> None:
        self.options = options
        self.endpoint: Endpoint = endpoint_of(pipeline)
        self.metrics = Metrics()
        self.batcher = Batcher(pipeline, options.max_batch, options.max_wait_ms / 1000, self.metrics)
        self.follower = Follower(self.batcher, following, self.endpoint, self.metrics) if following else None
        self.has_key = bool(api_key)
        self.admission: Admission | None = None
        self.limits = Limits(
            int(options.max_megapixels * 1e6),
            options.max_pages,
            options.max_rows,
            options.max_series,
            tuple(options.formats),
            options.decode_seconds,
            partial(fetch, max_bytes=int(options.max_body_mb * 2**20), seconds=options.fetch_seconds)
            if options.fetch_urls
            else None,
        )
        self.fetcher = Fetcher(self.limits.fetch) if self.limits.fetch else None
        # Parsing and drawing: beside the prediction, but not in crowds.
        self.threads = ThreadPoolExecutor(max(2, os.cpu_count() or 1), "plx-serve")
        self.reading = Reading(options, self.limits.max_pixels, self.threads, self.metrics, self.endpoint.reads_tables)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works within the block."""
        await self.reading.start()
        self.batcher.start()
        self.metrics.show_models(self.batcher.pipeline)
        follows = asyncio.create_task(self.follower.run()) if self.follower else None
        try:
            yield
        finally:
            if follows:
                follows.cancel()
            await self.batcher.stop()
            self.reading.stop()
            self.threads.shutdown(wait=False, cancel_futures=True)

    async def answer(self, body: bytes, stay: Stay | None = None) -> tuple[bytes, dict[str, str]]:
        """The answer to one request, and the headers that belong to it; `stay` is its place in the house.

        Raises:
            Refusal: it can't be served.
        """
        request = await self.in_thread(parse, body, self.endpoint.request)
        log_id = request.logId or new_log_id()
        draws = self.options.visualize if request.visualize is None else request.visualize
        params = chosen_parameters(self.endpoint.parameters_of(request), self.batcher.pipeline)
        limits = await self.fetched(request, stay)
        async with AsyncExitStack() as held:
            pages, info = await self.reading.items(request, self.batcher.pipeline, limits, held, stay)
            if stay is not None:
                stay.is_decoded = True
            results = await self.batcher.predict(pages, params)

            def build() -> bytes:
                return success(log_id, self.endpoint.build(pages, results, info, draws))

            left_out = info.numPagesLeftOut
            return await self.in_thread(build), {PAGES_LEFT_OUT: str(left_out)} if left_out else {}

    @property
    def pipeline(self) -> ServedPipeline:
        """The one that is served just now."""
        return self.batcher.pipeline

    async def fetched(self, request: Request, stay: Stay | None) -> Limits:
        """The limits of a request whose file, if it is named by URL, is here."""
        url = getattr(request, request.FILE_FIELD)
        if self.fetcher is None or not is_url(url):
            return self.limits
        if isinstance(request, FileRequest):
            file_type(request)
        content = await self.fetcher.content(url, stay)
        return replace(self.limits, fetch=partial(_the_content, content))

    def state(self) -> tuple[int, str]:
        """HTTP status and sentence of /health."""
        if self.admission is not None and self.admission.is_draining:
            return 503, f"Draining: {self.admission.in_flight} requests are being finished"
        busy = self.batcher.busy_seconds()
        if busy > self.options.timeout_seconds:
            return 503, f"The model has been at one batch for {busy:.0f} s"
        if self.batcher.has_ended:
            return 503, "Nothing is predicted any more: the server must be started anew"
        decoding = self.reading.decoders
        if decoding is not None and (fault := decoding.fault(self.options.timeout_seconds)):
            return 503, fault
        return 200, "Healthy"

    async def log_id_of(self, body: bytes) -> str:
        """What identifies a request; to find it all of its body is read."""
        return await self.in_thread(log_id_of, body)

    async def in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """What `work` gives, beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work, *arguments)


def _the_content(content: bytes, _url: str) -> bytes:
    return content


def create_app(
    pipeline: ServedPipeline,
    options: ServeOptions,
    following: NewVersions | None = None,
    api_key: str | None = None,
) -> FastAPI:
    """The application that serves `pipeline`; ``app.state.service`` is its `Service`.

    Args:
        following: where new versions come from; None: the pipeline stays.
        api_key: what clients must send; None: nothing.

    Raises:
        UserError: the pipeline declares no endpoint.
    """
    service = Service(pipeline, options, following, api_key)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = FastAPI(
        title=f"plx_train: {pipeline.name}", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.service = service
    _add_operation(app, service)
    _add_views(app, service)
    _add_errors(app)
    of_index = index_paths(pipeline)
    add_index_operations(app, service, of_index, HEADERS)
    work = (service.endpoint.path, *of_index.values())
    paths = Paths(work, OPEN_PATHS, (*work, *SERVER_PATHS))

    def admitting(inner: Any) -> Admission:
        service.admission = Admission(inner, service.metrics, paths, options, api_key)
        return service.admission

    app.add_middleware(admitting)  # type: ignore[arg-type]
    return app


def _add_operation(app: FastAPI, service: Service) -> None:
    endpoint = service.endpoint
    schema = endpoint.request.model_json_schema(ref_template="#/components/schemas/{model}")
    statuses = (400, 401, 408, 413, 415, 421, 422, 500, 503, 504)

    # The body is read by `Admission` and parsed in a thread, so FastAPI only describes it.
    @app.post(
        endpoint.path,
        operation_id="infer",
        response_model=None,
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}},
        responses={200: {"model": endpoint.answer}, **{status: {"model": Failure} for status in statuses}},
    )
    async def infer(request: HTTPRequest) -> Response:
        body = await request.body()
        try:
            answer, headers = await service.answer(body, request.scope.get(STAY))
            return _json(answer, headers=headers)
        except Refusal as refusal:
            log_id = await service.log_id_of(body)
            return _json(failure(log_id, refusal.status, refusal.message), refusal.status, refusal.headers)
        except Exception:
            logger.exception("a request failed")
            return _json(failure(await service.log_id_of(body), 500, INTERNAL_ERROR), 500)


def _add_views(app: FastAPI, service: Service) -> None:
    @app.get("/health", operation_id="checkHealth", response_model=Failure)
    async def health() -> Response:
        status, told = service.state()
        return _json(failure(new_log_id(), 0 if status == 200 else status, told), status)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        about = {
            "pipeline": service.batcher.pipeline.name,
            "path": service.endpoint.path,
            "field": service.endpoint.request.FILE_FIELD,
            "answer": service.endpoint.kind,
            "version": __version__,
            "hasKey": service.has_key,
            "maxBytes": int(service.options.max_body_mb * 2**20),
            "models": [f"{model.name} {model.version or ''}".strip()
                       for model in service.batcher.pipeline.models.values()],
        }  # fmt: skip
        return _page("page.html", about)

    @app.get("/api", include_in_schema=False)
    async def api() -> Response:
        # Described without a key too, so the description stands in the page itself.
        return _page("api.html", app.openapi())


def _page(name: str, about: dict[str, Any]) -> HTMLResponse:
    """A page of ours, which loads nothing from anywhere."""
    nonce = secrets.token_urlsafe(16)
    text = (Path(__file__).parent / name).read_text("utf-8")
    # Within a script's element JSON alone may stand, and no "<" that could end it.
    data = json.dumps(about).replace("<", "\\u003c")
    words = (Path(__file__).parent / "words.js").read_text("utf-8")
    filled = {"words": words, "nonce": nonce, "about": data, "title": escape(about.get("pipeline", "API"))}
    text = PLACE.sub(lambda found: filled[found[1]], text)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(text, headers={**HEADERS, "Content-Security-Policy": policy})


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(HTTPException)
    async def refuse(_: HTTPRequest, error: HTTPException) -> Response:
        return _json(failure(new_log_id(), error.status_code, str(error.detail)), error.status_code, error.headers)


def _json(content: bytes, status: int = 200, headers: Any = None) -> Response:
    return Response(content, status, {**HEADERS, **(headers or {})}, media_type="application/json")
