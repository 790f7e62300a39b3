"""Requests about what can be trained, with which options, and by which command."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from plx_train.studio import forms


class Options(BaseModel):
    """Options of a command that is being put together."""

    overrides: list[str] = Field(max_length=200)


def add(app: FastAPI) -> None:
    """The requests."""

    @app.get("/api/modules")
    def modules() -> dict[str, Any]:
        return {"modules": forms.modules()}

    @app.get("/api/form")
    def form(module: str) -> dict[str, Any]:
        return forms.form(module)

    @app.post("/api/command")
    def command(options: Options) -> dict[str, Any]:
        """The command as a terminal would be given it, and what is wrong with it."""
        return {"command": forms.command(options.overrides), "error": forms.fault_of(options.overrides)}
