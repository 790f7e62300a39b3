"""Requests that bring files."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, Field

from plx_train.studio.datasets import DataShelf
from plx_train.studio.studio import Studio
from plx_train.studio.uploads import Uploads


class Named(BaseModel):
    """What a folder of files that are to come is called."""

    name: str = Field(min_length=1, max_length=200)


def add(app: FastAPI, studio: Studio, shelf: DataShelf, uploads: Uploads) -> None:
    """The requests."""

    @app.post("/api/uploads")
    def begin(named: Named) -> dict[str, Any]:
        """A new dataset for files to come."""
        made = shelf.add_files(named.name)
        studio.data_version += 1
        return asdict(made)

    @app.get("/api/data/{name}/files")
    def there(name: str) -> dict[str, Any]:
        """What came whole: a page sends the others."""
        return {"files": uploads.there(shelf.get(name))}

    @app.put("/api/data/{name}/files")
    async def take(name: str, path: str, request: Request) -> dict[str, Any]:
        """One file, as the body."""
        given = request.headers.get("content-length", "")
        length = int(given) if given.isascii() and given.isdigit() else None
        return {"size": await uploads.take(shelf.get(name), path, length, request.stream())}
