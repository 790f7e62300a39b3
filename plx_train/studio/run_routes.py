"""Requests about runs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import FileResponse, Response

from plx_train.ground.confine import confined, plain_name
from plx_train.ground.errors import UserError
from plx_train.runs.folder import OUTPUTS, OVERLAYS, REPORT_FILE, SPOOL_NAME
from plx_train.studio.compare import compare
from plx_train.studio.shelf import BEGINNING
from plx_train.studio.studio import Studio

PICTURES = {".jpg": "image/jpeg", ".png": "image/png"}
STILL = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups"
"""Policy of a page that a command wrote: it is looked at, and does nothing."""


def add(app: FastAPI, studio: Studio) -> None:
    """The requests."""
    home, shelf = studio.home, studio.shelf

    @app.get("/api/runs")
    def runs() -> dict[str, Any]:
        return {"runs": [asdict(card) for card in shelf.cards()]}

    @app.get("/api/run")
    def run(name: str) -> dict[str, Any]:
        is_asked_for = any(job.output == f"{OUTPUTS}/{name}" for job in studio.board.all())
        if is_asked_for and not (home.outputs / name).is_dir():
            return {"name": name, "status": BEGINNING, "overlays": []}
        return shelf.details(name)

    @app.get("/api/run/charts")
    def charts(name: str) -> dict[str, Any]:
        return {"charts": studio.curves.charts(home.run(name) / SPOOL_NAME)}

    @app.get("/api/compare")
    def compared(names: Annotated[list[str], Query(min_length=1)]) -> dict[str, Any]:
        return compare(home, studio.curves, names)

    @app.get("/api/run/report")
    def report(name: str) -> Response:
        path = confined(home.run(name), REPORT_FILE, "a request")
        if not path.is_file():
            raise UserError(f"{name} has no report yet")
        return FileResponse(path, media_type="text/html", headers=still())

    @app.get("/api/run/overlay")
    def overlay(name: str, picture: str) -> Response:
        path = confined(home.run(name), str(Path(OVERLAYS, plain_name(picture, "a request"))), "a request")
        if path.suffix not in PICTURES or not path.is_file():
            raise UserError(f"{name} has no picture {picture}")
        return FileResponse(path, media_type=PICTURES[path.suffix], headers=still())


def still() -> dict[str, str]:
    return {"Content-Security-Policy": STILL, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
