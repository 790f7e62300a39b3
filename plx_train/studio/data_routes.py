"""Requests about datasets: which there are, what a check found in them, their pictures, and files that come."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from plx_train.ground.errors import UserError
from plx_train.runs.folder import CHECK_FILE
from plx_train.studio import forms, guess
from plx_train.studio.data_findings import classes_told, grouped
from plx_train.studio.datasets import DataShelf, KnownData, reading_options
from plx_train.studio.folders import look_into, tables_in
from plx_train.studio.home import read_json
from plx_train.studio.images import ImageList, ImageLists
from plx_train.studio.masks import MaskDesk
from plx_train.studio.studio import Studio
from plx_train.studio.thumbnails import Thumbnails
from plx_train.studio.uploads import Uploads

PAGE = 200
"""Images that are sent at once, at most."""
KEPT = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


class Added(BaseModel):
    """Data that are to be known: a folder of this machine, or a module's own."""

    root: str = Field("", max_length=4000)
    embedded: str = Field("", max_length=100)


class Named(BaseModel):
    """What a folder of files that are to come is called."""

    name: str = Field(min_length=1, max_length=200)


class Purpose(BaseModel):
    """What a dataset is to be trained with."""

    module: str = Field(max_length=100)


class HowRead(BaseModel):
    """How a dataset is read and divided, by key."""

    options: dict[str, str] = Field(max_length=60)


class Forgotten(BaseModel):
    """Whether a dataset is to be in no list."""

    is_forgotten: bool


def add(app: FastAPI, studio: Studio, shelf: DataShelf, lists: ImageLists, thumbnails: Thumbnails) -> None:
    """The requests."""

    @app.get("/api/folders")
    def folders(path: str = "") -> dict[str, Any]:
        return look_into(studio.home, path)

    @app.get("/api/data")
    def datasets() -> dict[str, Any]:
        embedded = [one for one in forms.modules() if one["dataset"] or one["kind"] == "texts"]
        known = shelf.all()
        return {
            "datasets": [_card(shelf, one) for one in known if not one.is_forgotten],
            "forgotten": [asdict(one) for one in known if one.is_forgotten],
            "embedded": embedded,
        }

    @app.post("/api/data")
    def bring(given: Added) -> dict[str, Any]:
        one = shelf.add_embedded(given.embedded) if given.embedded else shelf.add(given.root)
        studio.data_version += 1
        return asdict(one)

    @app.get("/api/data/{name}")
    def details(name: str) -> dict[str, Any]:
        one = shelf.get(name)
        return _details(shelf, lists, one) | {"tables": [] if lists.get(one) else tables_in(shelf.root(one))}

    @app.get("/api/data/{name}/findings")
    def findings(name: str) -> dict[str, Any]:
        one = shelf.get(name)
        images, check = lists.get(one), shelf.check(one)
        found = images.findings if images else read_json(check / CHECK_FILE, {}).get("findings", []) if check else []
        return {"groups": grouped(found, images)}

    _add_choices(app, studio, shelf)
    _add_pictures(app, shelf, lists, thumbnails)


def _add_choices(app: FastAPI, studio: Studio, shelf: DataShelf) -> None:
    @app.get("/api/data/{name}/fitting")
    def fitting(name: str) -> dict[str, Any]:
        """Modules, those first that fit what is seen in the folder."""
        return {"modules": guess.modules_for(guess.sights(shelf.root(shelf.get(name))))}

    @app.post("/api/data/{name}/module")
    def choose(name: str, chosen: Purpose) -> dict[str, Any]:
        studio.data_version += 1
        return asdict(shelf.give(name, chosen.module))

    @app.post("/api/data/{name}/forget")
    def forget(name: str, said: Forgotten) -> dict[str, Any]:
        """Takes it out of the lists, or back into them; no file is touched."""
        studio.data_version += 1
        return asdict(shelf.forget(name, said.is_forgotten))

    @app.post("/api/data/{name}/doubled")
    def leave_doubled_rows_out(name: str) -> dict[str, Any]:
        """Goes on with a copy of its tables in which no row stands twice."""
        studio.data_version += 1
        return {"rows": shelf.leave_doubled_rows_out(name)}

    @app.get("/api/data/{name}/reading")
    def reading(name: str) -> dict[str, Any]:
        """Options that say how it is read and divided."""
        return {"fields": reading_options(shelf.get(name).module)}

    @app.post("/api/data/{name}/reading")
    def read_so(name: str, said: HowRead) -> dict[str, Any]:
        studio.data_version += 1
        return asdict(shelf.read_so(name, said.options))


def _add_pictures(app: FastAPI, shelf: DataShelf, lists: ImageLists, thumbnails: Thumbnails) -> None:
    @app.get("/api/data/{name}/thumbnail")
    def thumbnail(name: str, image: str, size: int = 180, marks: bool = False, suggested: bool = False) -> Response:
        one = shelf.get(name)
        images = known_images(lists, one)
        row = images.get(image)
        truth = (row.suggested or {}).get("truth") if suggested else row.truth
        outlines = truth if marks and images.kind in ("boxes", "texts") and truth else ()
        tint = MaskDesk(shelf.folder(name), images, thumbnails).tint(truth) if marks else None
        content = thumbnails.get(images.path(image), size, shelf.folder(name) / "thumbnails", outlines, tint)
        return Response(content, media_type="image/jpeg", headers=KEPT)


def add_uploads(app: FastAPI, studio: Studio, shelf: DataShelf, uploads: Uploads) -> None:
    """Requests that bring files."""

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


def known_images(lists: ImageLists, one: KnownData) -> ImageList:
    """
    Raises:
        UserError: no check has looked at them.
    """
    found = lists.get(one)
    if found is None:
        raise UserError(f"{one.name} was not checked yet, or holds no images")
    return found


def _card(shelf: DataShelf, one: KnownData) -> dict[str, Any]:
    return {**asdict(one), "version": shelf.version(one)}


def _details(shelf: DataShelf, lists: ImageLists, one: KnownData) -> dict[str, Any]:
    check, images = shelf.check(one), lists.get(one)
    told = read_json(check / CHECK_FILE, {}) if check else {}
    return {
        **asdict(one),
        "folder": str(shelf.root(one)),
        "check": {key: value for key, value in told.items() if key not in ("findings", "samples")} or None,
        "command": forms.command(["mode=check_dataset", *shelf.overrides(one)]) if one.module else "",
        "corrections": next(iter(shelf.corrections(one)), ""),
        "versions": shelf.versions(one),
        "kind": images.kind if images else None,
        "classes": classes_told(images) if images else [],
        "counts": images.counts() if images else {},
        "isNewer": bool(images and images.num_since),
        "isAudited": shelf.audit(one) is not None,
    }
