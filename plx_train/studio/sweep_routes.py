"""Requests about sweeps: their trials as they stand, and the report that shows them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response

from plx_train.studio.home import Home
from plx_train.studio.run_routes import still
from plx_train.studio.studio import Studio
from plx_train.sweep.record import SweepRecord

SCRIPTED = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; sandbox allow-scripts"
)
"""Policy of the report, whose script sorts a table: a frame of its own, from which nothing here can be asked."""


def add(app: FastAPI, studio: Studio) -> None:
    """The requests."""

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
