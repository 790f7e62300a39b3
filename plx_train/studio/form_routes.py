"""Requests about what can be trained, with which options, and by which command."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from plx_train.studio import forms
from plx_train.studio.store import with_store
from plx_train.studio.studio import Studio


class Options(BaseModel):
    """Options of a command that is being put together."""

    overrides: list[str] = Field(max_length=200)


def add(app: FastAPI, studio: Studio) -> None:
    """The requests."""

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
