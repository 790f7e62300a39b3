"""Requests that have commands look at a dataset."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from plx_train.contract.pipelines import pipeline_files, place_of
from plx_train.ground.errors import UserError
from plx_train.studio import forms
from plx_train.studio.datasets import AUDIT, CHECK, PREDICT, SUGGEST, DataShelf, KnownData
from plx_train.studio.images import ImageLists
from plx_train.studio.jobs import QUEUED, RUNNING
from plx_train.studio.registered import Registered
from plx_train.studio.studio import Studio


class Model(BaseModel):
    """Which model is asked: a run, or without one the published weights."""

    run: str = Field("", max_length=400)


def reads_texts(registered: Registered, finder: str, run: str) -> list[str] | None:
    """Options of the pipeline that reads what a module type finds; None where there is none.

    Args:
        finder: module type of what finds texts.
        run: whose model does; empty: the one in use, as for the others, or else the published weights.
    """
    place = place_of(finder)
    if place is None:
        return None
    pipeline, part = place
    parts = pipeline_files()[pipeline].declaration.parts
    models = {}
    with suppress(UserError):  # without a registry the published weights read
        for one in registered.told()["models"]:
            for alias, key in ((alias, one["place"]["part"]) for alias in one["aliases"] if one["place"]):
                if one["place"]["pipeline"] == pipeline and not parts[key].switch:
                    models[key] = f"models:/{one['name']}@{alias}"
    models |= {part: run} if run else {}
    return [f"pipeline={pipeline}", *(f"models.{key}={model}" for key, model in models.items())]


def add(app: FastAPI, studio: Studio, shelf: DataShelf, lists: ImageLists) -> None:
    """The requests; what they answer is a job."""
    registered = Registered(studio.home)

    def ask(name: str, what: str, title: str, given: list[str]) -> dict[str, Any]:
        about = {"dataset": name, "what": what}
        for job in studio.board.all():
            if job.about == about and job.state in (QUEUED, RUNNING):
                return job.plain()
        output = shelf.new_output(shelf.get(name), what)
        overrides = [*given, f"output={output}"]
        fault = forms.fault_of(overrides)
        if fault:
            raise UserError(fault)
        studio.data_version += 1
        return studio.board.add(overrides, title, about, output).plain()

    @app.post("/api/data/{name}/check")
    async def check(name: str) -> dict[str, Any]:
        return ask(name, CHECK, f"Check {name}", ["mode=check_dataset", *shelf.overrides(shelf.get(name))])

    @app.post("/api/data/{name}/audit")
    async def audit(name: str) -> dict[str, Any]:
        """Looks for wrong labels."""
        # Faults are told by the check, and need not be mended before labels are doubted.
        given = ["mode=audit", *shelf.overrides(shelf.get(name)), "dataset.ignore_findings=true"]
        return ask(name, AUDIT, f"Look for wrong labels in {name}", given)

    @app.post("/api/data/{name}/predict")
    async def predict(name: str, by: Model) -> dict[str, Any]:
        """Has a model say what the images show."""
        one = shelf.get(name)
        run = studio.home.shown(studio.home.run(by.run)) if by.run else ""
        images = lists.get(one)
        is_pages = images is not None and images.kind == "texts"
        reader = await run_in_threadpool(reads_texts, registered, one.module, run) if is_pages else None
        model = reader or ([f"run={run}"] if run else [f"module={one.module}", "weights=auto"])
        given = ["mode=predict", *model, f"input={studio.home.shown(shelf.root(one))}"]
        return ask(name, PREDICT, f"Ask a model about {name}", given)

    @app.post("/api/data/{name}/suggest")
    async def suggest(name: str, by: Model) -> dict[str, Any]:
        """Has the images ranked that nobody labelled: which to label next."""
        one = shelf.get(name)
        run = [f"run={studio.home.shown(studio.home.run(by.run))}"] if by.run else []
        return ask(name, SUGGEST, f"What to label next in {name}", ["mode=suggest", *_pool(shelf, lists, one), *run])


def _pool(shelf: DataShelf, lists: ImageLists, one: KnownData) -> list[str]:
    """Options of the images that nobody labelled, beside those that somebody did."""
    images, overrides = lists.get(one), shelf.overrides(one)
    if images and any(row.truth is not None for row in images.rows.values()):
        return [*overrides, f"dataset.pool={shelf.root(one)}", "dataset.ignore_findings=true"]
    return [each for each in overrides if "corrections=" not in each]
