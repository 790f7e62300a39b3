"""Requests about the machine that a studio runs on, its settings, and what the doctor found."""

from __future__ import annotations

import os
import platform
import shutil
from functools import cache
from importlib import metadata
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from plx_train import __version__
from plx_train.ground.credentials import without_credentials
from plx_train.ground.files import cache_folder
from plx_train.ground.parsed import parse_json
from plx_train.machine.hardware import cpu, memory_mib, nvidia_gpus, usable_cores
from plx_train.studio.store import STORE, pages_of, set_store, store_of
from plx_train.studio.studio import Studio

PACKAGES = ("paddlepaddle", "paddlepaddle-gpu", "mlflow", "onnxruntime", "openvino", "fastapi")
DOCTOR = "doctor"
"""What a job is about that has the machine looked over."""


class Settings(BaseModel):
    """What a user sets."""

    slots: int = Field(ge=1, le=16)
    store: str = Field("", max_length=2000)


def add(app: FastAPI, studio: Studio) -> None:
    """The requests."""

    @app.get("/api/machine")
    def about() -> dict[str, Any]:
        return machine(studio)

    @app.get("/api/doctor")
    def doctor() -> dict[str, Any]:
        return examined(studio)

    @app.post("/api/settings")
    async def change(settings: Settings) -> dict[str, Any]:
        set_store(studio.home, settings.store.strip())
        studio.home.set({"slots": settings.slots})
        studio.board.slots = settings.slots
        kept = without_credentials(settings.store.strip()) or "beside the runs"
        studio.home.tell("settings", f"trainings at once: {settings.slots}; records: {kept}")
        return {"slots": settings.slots, "store": settings.store.strip()}


def machine(studio: Studio) -> dict[str, Any]:
    """What the machine is, and how much of it is free."""
    home = studio.home
    memory, disk = memory_mib(), shutil.disk_usage(home.root)
    return {
        **_lasting(),
        "memory": {"total": memory[0], "free": memory[1]} if memory else None,
        "disk": {"total": disk.total >> 20, "free": disk.free >> 20},
        "load": os.getloadavg()[0],
        "slots": studio.board.slots,
        "places": {
            "the studio's folder": str(home.root),
            "runs": str(home.outputs),
            "weights that were fetched": str(cache_folder()),
            "data may lie in": ", ".join(map(str, home.roots)),
        },
        **_store(studio),
    }


@cache
def _lasting() -> dict[str, Any]:
    """What stays as it is while the studio runs."""
    versions = {"plx_train": __version__, "Python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    cards = [{"name": gpu.name, "memory": gpu.memory_mib} for gpu in nvidia_gpus()]
    return {"processor": cpu().model, "cores": usable_cores(), "cards": cards, "versions": versions}


def _store(studio: Studio) -> dict[str, Any]:
    """Where records are kept, and how MLflow's own pages of them are opened."""
    from plx_train.tracking.store import database_path, ui_command

    uri = store_of(studio.home)
    path = database_path(uri)
    is_there = path is None or path.exists()
    return {
        "setStore": studio.home.settings().get(STORE) or "",
        "store": without_credentials(uri),
        "storeCommand": ui_command(uri) if is_there else None,
        "storeAddress": pages_of(uri),
    }


def examined(studio: Studio) -> dict[str, Any]:
    """What the doctor found when it was last asked; nothing where it never was, or still looks."""
    for job in studio.board.all():
        if job.about.get("about") == DOCTOR:
            return {"job": job.plain(), "report": _report(studio.board.log(job.id))}
    return {"job": None, "report": None}


def _report(log: str) -> dict[str, Any] | None:
    """The JSON among what a command printed."""
    begins, ends = log.find("{\n"), log.rfind("\n}")
    try:
        told = parse_json(log[begins : ends + 2]) if 0 <= begins < ends else None
    except ValueError:
        return None
    return told if isinstance(told, dict) and isinstance(told.get("checks"), list) else None
