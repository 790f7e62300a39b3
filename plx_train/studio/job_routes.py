"""Requests about jobs and the forms that they are asked for with."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from plx_train.config.texts import key_of
from plx_train.ground.confine import is_inside
from plx_train.ground.errors import UserError
from plx_train.runs.folder import OUTPUTS
from plx_train.studio import forms
from plx_train.studio.home import Home
from plx_train.studio.jobs import MULTIRUN, SERVING, StudioJob
from plx_train.studio.store import with_store
from plx_train.studio.studio import Studio

WITH_A_FOLDER = (
    "train",
    "check_dataset",
    "audit",
    "suggest",
    "evaluate",
    "export",
    "quantize",
    "benchmark",
    "convert",
    "predict",
    "sweep",
)
"""What writes a folder of its own."""

NAMES_A_PLACE = ("run", "input", "pipeline", "serve.sample", "doctor.bundle")
"""Options beside these that may be a path of this machine."""


class Asked(BaseModel):
    """A command that is asked for."""

    overrides: list[str] = Field(min_length=1, max_length=200)
    title: str = Field(min_length=1, max_length=200)
    about: dict[str, Any] = {}


class Options(BaseModel):
    """Options of a command that is being put together."""

    overrides: list[str] = Field(max_length=200)


class Position(BaseModel):
    """Where a job is to wait."""

    place: int = Field(ge=0)


class Ending(BaseModel):
    """How a job is to end."""

    now: bool = False


def add(app: FastAPI, studio: Studio) -> None:
    """The requests."""
    board = studio.board

    def _shown(job: StudioJob) -> dict[str, Any]:
        return job.plain() | {"progress": board.progress(job)}

    @app.get("/api/jobs")
    async def jobs() -> dict[str, Any]:
        return {"jobs": [_shown(job) for job in board.all()], "slots": board.slots}

    @app.post("/api/jobs")
    async def ask(asked: Asked) -> dict[str, Any]:
        overrides, output = with_output(with_store(studio.home, asked.overrides))
        _refuse_outside(studio.home, overrides)
        fault = forms.fault_of(overrides)
        if fault:
            raise UserError(fault)
        return board.add(overrides, asked.title, asked.about, output).plain()

    @app.get("/api/jobs/{name}")
    async def job(name: str) -> dict[str, Any]:
        return _shown(board.get(name)) | {"log": board.log(name)}

    @app.post("/api/jobs/{name}/stop")
    async def stop(name: str, ending: Ending) -> dict[str, Any]:
        board.stop(name, ending.now)
        return board.get(name).plain()

    @app.post("/api/jobs/{name}/move")
    async def move(name: str, position: Position) -> dict[str, Any]:
        board.move(name, position.place)
        return board.get(name).plain()

    @app.post("/api/jobs/{name}/resume")
    async def resume(name: str) -> dict[str, Any]:
        """Goes on with a training that ended early, where it was."""
        old = board.get(name)
        if old.output is None or old.lane == SERVING:
            raise UserError(f"{old.title} is nothing that can be gone on with: start it again")
        kept = [text for text in old.overrides if key_of(text) != "resume"]
        return board.add([*kept, "resume=auto"], old.title, old.about, old.output).plain()

    @app.get("/api/events")
    def events() -> dict[str, Any]:
        return {"events": studio.home.events()}

    _add_forms(app, studio)


def _add_forms(app: FastAPI, studio: Studio) -> None:
    @app.get("/api/modules")
    def modules() -> dict[str, Any]:
        return {"modules": forms.modules()}

    @app.get("/api/form")
    def form(module: str) -> dict[str, Any]:
        """The options, and the last run of the module here, by which one may guess how long another takes."""
        done = (card for card in studio.shelf.cards() if (card.mode, card.status) == ("train", "FINISHED"))
        last = next((asdict(card) for card in done if card.module == module), None)
        return forms.form(module) | {"last": last}

    @app.post("/api/command")
    def command(options: Options) -> dict[str, Any]:
        """The command as a terminal would be given it, and what is wrong with it."""
        overrides = with_store(studio.home, options.overrides)
        return {"command": forms.command(overrides), "error": forms.fault_of(overrides)}


def _refuse_outside(home: Home, overrides: list[str]) -> None:
    """
    Raises:
        UserError: a command would take data from outside of what the studio may look into, or write elsewhere.
    """
    for text in overrides:
        key, _, value = text.partition("=")
        value = value.strip("'\"")
        if key == "dataset.root":
            home.given_folder(value)
        elif key in NAMES_A_PLACE or key.startswith("models."):
            home.given_model(value)
        elif key == "dataset.corrections" and not any(is_inside(root, home.root / value) for root in home.roots):
            raise UserError(f"dataset.corrections={value} lies outside of what the studio may look into")
        elif key == "output" and not is_inside(home.root, home.root / value):
            raise UserError(f"output={value} lies outside of {home.root}")


def with_output(overrides: list[str]) -> tuple[list[str], str | None]:
    """A command with the folder that it writes into, named where it was not; and that folder."""
    values = {key_of(text): text.partition("=")[2] for text in overrides if "=" in text}
    if "output" in values:
        return overrides, values["output"]
    mode = "sweep" if {*MULTIRUN} & {*overrides} else values.get("mode", "train")
    if mode not in WITH_A_FOLDER:
        return overrides, None
    what = re.sub(r"\W+", "_", values.get("module", "run"))[:40]
    name = f"{what}{'' if mode == 'train' else f'-{mode}'}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    return [*overrides, f"output={OUTPUTS}/{name}"], f"{OUTPUTS}/{name}"
