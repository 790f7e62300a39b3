"""Requests about the machine, and its settings."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from plx_train.ground.credentials import without_credentials
from plx_train.studio import machine
from plx_train.studio.store import set_store
from plx_train.studio.studio import Studio


class Settings(BaseModel):
    """What a user sets."""

    slots: int = Field(ge=1, le=16)
    store: str = Field("", max_length=2000)


def add(app: FastAPI, studio: Studio) -> None:
    """The requests."""

    @app.get("/api/machine")
    def about() -> dict[str, Any]:
        return machine.machine(studio)

    @app.get("/api/doctor")
    def doctor() -> dict[str, Any]:
        return machine.examined(studio)

    @app.post("/api/settings")
    async def change(settings: Settings) -> dict[str, Any]:
        set_store(studio.home, settings.store.strip())
        studio.home.set({"slots": settings.slots})
        studio.board.slots = settings.slots
        kept = without_credentials(settings.store.strip()) or "beside the runs"
        studio.home.tell("settings", f"trainings at once: {settings.slots}; records: {kept}")
        return {"slots": settings.slots, "store": settings.store.strip()}
