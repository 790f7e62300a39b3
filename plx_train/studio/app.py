"""The application: pages, a JSON interface to jobs, runs and data, and word of what changed."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from plx_train import __version__, serving
from plx_train.config.studio_options import StudioOptions
from plx_train.ground.errors import UserError
from plx_train.report.page import page_environment
from plx_train.studio import (
    data_job_routes,
    data_routes,
    job_routes,
    label_routes,
    machine,
    model_routes,
    pipeline_routes,
    run_routes,
)
from plx_train.studio.datasets import DataShelf
from plx_train.studio.home import Home
from plx_train.studio.images import ImageLists
from plx_train.studio.studio import Studio
from plx_train.studio.thumbnails import Thumbnails
from plx_train.studio.uploads import Uploads

PAGES = Path(__file__).parent / "pages"
TYPES = {".js": "text/javascript", ".css": "text/css"}
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
TICK_SECONDS = 0.5
BEAT_SECONDS = 15.0


def create_app(home: Home, options: StudioOptions | None = None) -> FastAPI:
    """The application over a home; ``app.state.studio`` is its `Studio`."""
    studio = Studio(home)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        ticking = asyncio.create_task(_tick(studio))
        try:
            yield
        finally:
            studio.is_closing = True
            ticking.cancel()
            app.state.thumbnails.close()

    app = FastAPI(title="plx_train studio", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.studio = studio
    _add_pages(app)
    _add_changes(app, studio)
    job_routes.add(app, studio)
    run_routes.add(app, studio)
    model_routes.add(app, studio)
    pipeline_routes.add(app, studio)
    machine.add(app, studio)
    _add_data(app, studio, options or StudioOptions())
    _add_errors(app)
    return app


def _add_data(app: FastAPI, studio: Studio, options: StudioOptions) -> None:
    shelf, thumbnails = DataShelf(studio.home), Thumbnails()
    app.state.thumbnails = thumbnails
    lists = ImageLists(shelf)
    data_routes.add(app, studio, shelf, lists, thumbnails)
    data_job_routes.add(app, studio, shelf, lists)
    label_routes.add(app, studio, shelf, lists, thumbnails)
    data_routes.add_uploads(app, studio, shelf, Uploads(shelf, options))


async def _tick(studio: Studio) -> None:
    while True:
        studio.tick()
        await asyncio.sleep(TICK_SECONDS)


def _add_pages(app: FastAPI) -> None:
    @app.get("/")
    async def page() -> Response:
        nonce = secrets.token_urlsafe(16)
        text = (PAGES / "index.html").read_text("utf-8").replace("{{nonce}}", nonce).replace("{{version}}", __version__)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data: blob:; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return HTMLResponse(text, headers={**HEADERS, "Content-Security-Policy": policy})

    @app.get("/report.css")
    async def report_style() -> Response:
        """Colours, tables and drawings, as reports of runs have them."""
        return Response(_report_style(), media_type="text/css", headers=HEADERS)

    @app.get("/words.js")
    async def words() -> Response:
        """How foreign words are shown: the very lines of the server's pages."""
        text = (Path(serving.__file__).parent / "words.js").read_text("utf-8")
        return Response(f"{text}\nexport {{ shown }};\n", media_type="text/javascript", headers=HEADERS)

    @app.get("/pages/{name:path}")
    async def part(name: str) -> Response:
        # Names are looked up, never followed.
        found = _parts().get(name)
        if found is None:
            return JSONResponse({"error": "there is no such page"}, 404, headers=HEADERS)
        return Response(found.read_bytes(), media_type=TYPES[found.suffix], headers=HEADERS)


@cache
def _parts() -> dict[str, Path]:
    """Files that pages consist of, by name."""
    return {path.relative_to(PAGES).as_posix(): path for path in PAGES.rglob("*") if path.suffix in TYPES}


@cache
def _report_style() -> str:
    return page_environment().get_template("report/style.css.jinja").render()


def _add_changes(app: FastAPI, studio: Studio) -> None:
    @app.get("/api/changes")
    async def changes(request: Request) -> StreamingResponse:
        """One line of events a page: which of the things it may show changed."""
        return StreamingResponse(_changes(studio, request), media_type="text/event-stream", headers=HEADERS)


async def _changes(studio: Studio, request: Request) -> AsyncIterator[str]:
    known: dict[str, int] = {}
    silent = 0.0
    while not studio.is_closing and not await request.is_disconnected():
        now = studio.versions()
        silent += TICK_SECONDS
        if now != known:
            known, silent = now, 0.0
            yield f"data: {json.dumps(now)}\n\n"
        elif silent >= BEAT_SECONDS:
            silent = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(TICK_SECONDS)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(UserError)
    async def refuse(_: Request, error: UserError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 400, headers=HEADERS)

    @app.exception_handler(RequestValidationError)
    async def misunderstand(_: Request, error: RequestValidationError) -> JSONResponse:
        first: Any = error.errors()[0]
        place = ".".join(map(str, first["loc"][1:]))
        return JSONResponse({"error": f"{place}: {first['msg']}"}, 400, headers=HEADERS)
