"""Requests about finished models, and about those that are registered."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from plx_train.ground.errors import UserError
from plx_train.runs.exported import files_named
from plx_train.runs.folder import EXPORT, INFERENCE_FILE, INT8_EXPORT
from plx_train.studio import models
from plx_train.studio.registered import Registered
from plx_train.studio.studio import Studio

FORMS = {"export": EXPORT, "int8": INT8_EXPORT}
PIECE = 1 << 18


def add(app: FastAPI, studio: Studio) -> None:
    """The requests."""
    registered = Registered(studio.home)

    @app.get("/api/models")
    def exports() -> dict[str, Any]:
        return {"exports": models.exports(studio)}

    @app.get("/api/model")
    def model(name: str) -> dict[str, Any]:
        return models.details(studio, name)

    @app.get("/api/registry")
    def registry() -> dict[str, Any]:
        return registered.told()

    @app.get("/api/model/files")
    def files(name: str, form: str = "export") -> StreamingResponse:
        """An exported folder as one file."""
        folder = studio.home.run(name) / FORMS.get(form, EXPORT)
        if not (folder / INFERENCE_FILE).is_file():
            raise UserError(f"{name} has no {form}")
        packed = _packed(folder)
        size = packed.seek(0, 2)
        packed.seek(0)
        headers = {
            "Content-Disposition": f'attachment; filename="{form}.zip"',
            "Content-Length": str(size),
            "X-Content-Type-Options": "nosniff",
        }
        return StreamingResponse(_pieces(packed), media_type="application/zip", headers=headers)


def _packed(folder: Path) -> IO[bytes]:
    """The files of an exported folder as a ZIP file that has no name, for who closes it."""
    packed = tempfile.TemporaryFile()  # noqa: SIM115
    # Weights don't get smaller; the graph does, and is little.
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in files_named(folder):
            archive.write(path, f"{folder.name}/{path.name}")
    return packed


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
