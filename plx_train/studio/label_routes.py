"""Requests about the images of a dataset and what they show."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, Field

from plx_train.ground.errors import UserError
from plx_train.studio.data_routes import PAGE, known_images
from plx_train.studio.datasets import DataShelf
from plx_train.studio.images import MASKED, ImageLists, ImageRow
from plx_train.studio.labels import accept, leave_out, rename, say
from plx_train.studio.masks import MaskDesk
from plx_train.studio.studio import Studio
from plx_train.studio.thumbnails import Thumbnails

MOST_NAMES = 50_000
"""Images of a line to go through, at most."""


class Said(BaseModel):
    """What images show, as a file of corrections has it; an image alone is taken as the data have it again."""

    entries: list[dict[str, Any]] = Field(min_length=1, max_length=5000)


class Accepted(BaseModel):
    """Suggestions that are to be taken, those of a search for wrong labels or of a model."""

    choice: Literal["suspects", "suggested"]
    least: float = Field(0.0, ge=0, le=1)


class LeftOut(BaseModel):
    """Images that are to be left out: those with findings of a code."""

    code: str = Field(min_length=1, max_length=100)


class Renamed(BaseModel):
    """A class that is to be called otherwise."""

    name: str = Field(min_length=1, max_length=400)
    into: str = Field(min_length=1, max_length=400)


def add(app: FastAPI, studio: Studio, shelf: DataShelf, lists: ImageLists, thumbnails: Thumbnails) -> None:
    """The requests."""

    @app.get("/api/data/{name}/images")
    def images(
        name: str, choice: str = "all", label: str = "", split: str = "", code: str = "", place: int = 0, most: int = 60
    ) -> dict[str, Any]:
        """Some of the images, from a place on."""
        found = known_images(lists, shelf.get(name)).chosen(choice, label, split, code)
        place, most = max(place, 0), max(1, min(most, PAGE))
        return {"count": len(found), "rows": [_listed(row, choice) for row in found[place : place + most]]}

    @app.get("/api/data/{name}/line")
    def line(name: str, choice: str = "", label: str = "", split: str = "", code: str = "") -> dict[str, Any]:
        """Names of the images to go through, in order; without a choice those that are worth most."""
        found = known_images(lists, shelf.get(name))
        counts = found.counts()
        choice = choice or next((each for each in counts if counts[each] and each != "corrected"), "all")
        rows = found.chosen(choice, label, split, code)
        return {
            "kind": found.kind,
            "classes": found.classes,
            "counts": counts,
            "choice": choice,
            "count": len(rows),
            "images": [row.image for row in rows[:MOST_NAMES]],
        }

    @app.get("/api/data/{name}/image")
    def image(name: str, image: str) -> dict[str, Any]:
        """All that is known of one image."""
        found = known_images(lists, shelf.get(name))
        row = found.get(image)
        told = [found.findings[number] for number in row.findings]
        height, width, fault = 0, 0, ""
        try:
            height, width = thumbnails.size_of(found.path(image))
        except UserError as error:
            fault = str(error)
        return {**row.plain(), "height": height, "width": width, "told": told, "fault": fault}

    @app.get("/api/data/{name}/mask")
    def mask(name: str, image: str, was: bool = False) -> dict[str, Any]:
        """The class of each pixel of an image, as it is taken to be or as the data have it."""
        found = known_images(lists, shelf.get(name))
        if found.kind not in MASKED:
            raise UserError(f"{name} has no masks")
        return MaskDesk(shelf.folder(name), found, thumbnails).shown(image, was)

    _add_changes(app, studio, shelf, lists, thumbnails)


def _listed(row: ImageRow, choice: str) -> dict[str, Any]:
    """An image of many; what a model suggests, of masks as long as edges are, only where that is chosen."""
    told = row.plain()
    if row.suggested and choice != "suggested":
        told["suggested"] = {**row.suggested, "truth": None}
    return told


def _add_changes(app: FastAPI, studio: Studio, shelf: DataShelf, lists: ImageLists, thumbnails: Thumbnails) -> None:
    @app.post("/api/data/{name}/labels")
    def label(name: str, said: Said) -> dict[str, Any]:
        """Writes down what images show; it is on disk when this answers."""
        one = shelf.get(name)
        images = known_images(lists, one)
        desk = MaskDesk(shelf.folder(name), images, thumbnails)
        say(shelf.folder(name), images, [desk.taken(entry) for entry in said.entries])
        studio.data_version += 1
        now = known_images(lists, one)
        rows = [now.get(entry["image"]).plain() for entry in said.entries[:PAGE]]
        return {"rows": rows, "classes": now.classes, "counts": now.counts()}

    @app.post("/api/data/{name}/rename")
    def call_otherwise(name: str, renamed: Renamed) -> dict[str, Any]:
        """Calls a class by another name wherever it stands."""
        one = shelf.get(name)
        number = rename(shelf.folder(name), known_images(lists, one), renamed.name, renamed.into.strip())
        studio.data_version += 1
        return {"images": number}

    @app.post("/api/data/{name}/accept")
    def take(name: str, accepted: Accepted) -> dict[str, Any]:
        """Takes suggestions for all images that nobody looked at yet."""
        one = shelf.get(name)
        images = known_images(lists, one)
        desk = MaskDesk(shelf.folder(name), images, thumbnails)
        number = accept(shelf.folder(name), images, accepted.choice, accepted.least, desk.taken)
        studio.data_version += 1
        return {"images": number}

    @app.post("/api/data/{name}/leave_out")
    def leave(name: str, left: LeftOut) -> dict[str, Any]:
        """Leaves out all images with findings of a code."""
        one = shelf.get(name)
        number = leave_out(shelf.folder(name), known_images(lists, one), left.code)
        studio.data_version += 1
        return {"images": number}
