"""Requests about pipelines, the servers that run them, and files to try them with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from plx_train.config.texts import PARAMETER
from plx_train.contract.pipelines import declaration_of
from plx_train.ground.errors import UserError
from plx_train.ground.parsed import parse_json
from plx_train.studio import pipelines, servers
from plx_train.studio.jobs import LANES, QUEUED, RUNNING, SERVING, StudioJob
from plx_train.studio.samples import sample_of
from plx_train.studio.snippets import snippets
from plx_train.studio.studio import Studio

MOST_TRIED_BYTES = 24 << 20
"""The largest file that is tried: a little below what a server takes, in base64."""
MOST_FIELDS = 20_000
MODEL = "models."


class PipelineToSave(BaseModel):
    """A pipeline that is to be kept as a file."""

    name: str = Field(min_length=1, max_length=100)
    source: str = Field(min_length=1, max_length=4000)
    models: dict[str, str] = Field({}, max_length=20)
    parameters: dict[str, Any] = Field({}, max_length=100)
    replaces: bool = False


class SavedPipeline(BaseModel):
    """A pipeline that was saved."""

    source: str = Field(min_length=1, max_length=4000)


def add(app: FastAPI, studio: Studio) -> None:
    """The requests."""
    home = studio.home

    @app.get("/api/pipelines")
    def all_pipelines() -> dict[str, Any]:
        return {"pipelines": pipelines.cards(home)}

    @app.post("/api/pipelines")
    def save(asked: PipelineToSave) -> dict[str, Any]:
        for model in asked.models.values():
            home.given_model(model)
        return {"source": pipelines.save(home, **asked.model_dump())}

    @app.post("/api/pipelines/remove")
    def remove(asked: SavedPipeline) -> dict[str, Any]:
        pipelines.remove(home, asked.source)
        return {}

    _add_servers(app, studio)


def _add_servers(app: FastAPI, studio: Studio) -> None:
    home, board = studio.home, studio.board

    @app.get("/api/servers")
    def all_servers() -> dict[str, Any]:
        serving = [job for job in board.all() if job.lane == SERVING]
        return {"servers": [job.plain() | {"address": _address(studio, job)} for job in serving]}

    @app.get("/api/servers/{name}")
    def server(name: str) -> dict[str, Any]:
        return _described(studio, _serving(studio, name))

    @app.get("/api/servers/{name}/state")
    def state(name: str) -> dict[str, Any]:
        job = _serving(studio, name)
        if job.state == QUEUED:
            return asdict(servers.ServerState(None, f"{LANES[SERVING]} are served at once: stop one of them"))
        path = (_endpoint(studio, job) or {}).get("path", "")
        return asdict(servers.state_of(servers.port_of(home, job), path))

    @app.get("/api/servers/{name}/sample")
    def sample(name: str) -> Response:
        """The file that snippets ask about, to try it in the page."""
        job = _serving(studio, name)
        card = pipelines.card(studio.home, _source(job))
        found = sample_of(home, pipelines.config_of(home, card["source"], models_of(job)), card["endpoint"]["field"])
        if found is None:
            raise UserError("no file to try it with is at hand: choose one")
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        return FileResponse(found, media_type="application/octet-stream", headers=headers)

    @app.post("/api/servers/{name}/try")
    async def attempt(name: str, request: Request, fields: str = "{}") -> dict[str, Any]:
        """What the server finds in the file that is the body, with other fields of the request as JSON."""
        content = await _body(request)
        job = _serving(studio, name)
        return await run_in_threadpool(_tried, studio, job, content, fields)


def _tried(studio: Studio, job: StudioJob, content: bytes, fields: str) -> dict[str, Any]:
    try:
        given = parse_json(fields) if len(fields) <= MOST_FIELDS else None
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise UserError("the fields of the request are no JSON object")
    port, endpoint = servers.port_of(studio.home, job), _endpoint(studio, job)
    if port is None or endpoint is None:
        raise UserError(f"{job.title}: it does not listen" if job.state != RUNNING else "it is still being loaded")
    return servers.ask(port, endpoint, content, given)


async def _body(request: Request) -> bytes:
    """
    Raises:
        UserError: it is too large, or nothing.
    """
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > MOST_TRIED_BYTES:
            raise UserError(f"files of more than {MOST_TRIED_BYTES >> 20} MiB can't be tried")
        pieces.append(piece)
    if not size:
        raise UserError("the file is empty")
    return b"".join(pieces)


def _serving(studio: Studio, name: str) -> StudioJob:
    """
    Raises:
        UserError: there is no such job, or it serves nothing.
    """
    job = studio.board.get(name)
    if job.lane != SERVING:
        raise UserError(f"{job.title} serves nothing")
    return job


def models_of(job: StudioJob) -> dict[str, str]:
    """The models that a command names, by part."""
    return _given(job, MODEL)


def _given(job: StudioJob, prefix: str) -> dict[str, str]:
    pairs = [text.partition("=") for text in job.overrides]
    return {key.removeprefix(prefix): value for key, _, value in pairs if key.startswith(prefix)}


def _source(job: StudioJob) -> str:
    return next((text.partition("=")[2] for text in job.overrides if text.startswith("pipeline=")), "")


def _endpoint(studio: Studio, job: StudioJob) -> dict[str, Any] | None:
    return pipelines.endpoint(declaration_of(pipelines.config_of(studio.home, _source(job))))


def _address(studio: Studio, job: StudioJob) -> str | None:
    port = servers.port_of(studio.home, job)
    return f"http://127.0.0.1:{port}" if port else None


def _described(studio: Studio, job: StudioJob) -> dict[str, Any]:
    """A server with all that its page needs."""
    card, address = pipelines.card(studio.home, _source(job)), _address(studio, job)
    told: dict[str, Any] = {"job": job.plain(), "pipeline": card, "models": models_of(job), "address": address}
    told["defaults"] = _given(job, PARAMETER)
    if card["endpoint"]:
        config = pipelines.config_of(studio.home, card["source"], models_of(job))
        sample = sample_of(studio.home, config, card["endpoint"]["field"])
        told["sample"] = str(sample) if sample else None
        name = str(sample or ("table.csv" if card["endpoint"]["field"] == "csv" else "picture.jpg"))
        told["snippets"] = snippets(address, card["endpoint"], name) if address else None
    return told
