"""Requests about runs, and about sweeps: their trials as they stand, and the report that shows them."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import FileResponse, HTMLResponse, Response

from plx_train.ground.confine import confined, plain_name
from plx_train.ground.errors import UserError
from plx_train.runs.folder import OUTPUTS, OVERLAYS, REPORT_FILE, SPOOL_NAME
from plx_train.studio.compare import compare
from plx_train.studio.home import Home
from plx_train.studio.shelf import BEGINNING
from plx_train.studio.studio import Studio
from plx_train.sweep.record import SweepRecord

PICTURES = {".jpg": "image/jpeg", ".png": "image/png"}
STILL = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups"
"""Policy of a page that a command wrote: it is looked at, and does nothing."""
SCRIPTED = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; sandbox allow-scripts"
)
"""Policy of the report, whose script sorts a table: a frame of its own, from which nothing here can be asked."""


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

    _add_sweeps(app, studio)


def _add_sweeps(app: FastAPI, studio: Studio) -> None:
    @app.get("/api/sweep")
    def sweep(name: str) -> dict[str, Any]:
        from plx_train.sweep.shown.ranking import count_states, ranked
        from plx_train.sweep.shown.wording import verdict

        record = _record(studio.home, name)
        return {
            "command": record.command,
            "objectives": [one.metric for one in record.objectives],
            "states": count_states(record),
            "verdict": verdict(record),
            "keys": list(record.space),
            "trials": [
                {
                    "number": trial.number,
                    "state": trial.state,
                    "values": trial.values,
                    "params": trial.params,
                    "reason": trial.reason,
                    "runs": [_below(studio.home, job.folder) for job in trial.jobs],
                }
                for trial in ranked(record)
            ],
        }

    @app.get("/api/sweep/report")
    def report(name: str) -> Response:
        from plx_train.sweep.shown.report import render_sweep_report

        page = render_sweep_report(_record(studio.home, name), time.time())
        return HTMLResponse(page, headers={**still(), "Content-Security-Policy": SCRIPTED})


def _record(home: Home, name: str) -> SweepRecord:
    from plx_train.sweep.history import load_record

    return load_record(home.run(name))


def _below(home: Home, folder: Path) -> str | None:
    return str(folder.relative_to(home.outputs)) if folder.is_relative_to(home.outputs) else None


def still() -> dict[str, str]:
    return {"Content-Security-Policy": STILL, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
