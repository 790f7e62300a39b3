"""Indexes of known images over HTTP: built, added to and taken from, as PaddleX's clients ask for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Annotated, Any, Protocol, runtime_checkable

from fastapi import FastAPI
from fastapi import Request as HTTPRequest
from fastapi.responses import Response
from pydantic import BaseModel, Field

from plx_train.config.serve_options import ServeOptions
from plx_train.contract.pipelines import declaration_of
from plx_train.ground.errors import ConfigError, UserError
from plx_train.serving.files import Limits
from plx_train.serving.house import Stay
from plx_train.serving.protocol import (
    INTERNAL_ERROR,
    IS_NUMBER,
    Failure,
    File,
    ImageRequest,
    Request,
    Success,
    failure,
    new_log_id,
    parse,
    success,
)
from plx_train.serving.reading import Reading
from plx_train.serving.refusal import Refusal

logger = logging.getLogger(__name__)
LONGEST_LABEL = 1000
MOST_PAIRS = 3000
"""Images of a request."""
Key = Annotated[str, Field(max_length=64)]
Number = Annotated[int, IS_NUMBER]


class ImageLabelPair(BaseModel):
    """An image, base64 or where that is switched on a URL, and what it shows."""

    image: File
    label: Annotated[str, Field(min_length=1, max_length=LONGEST_LABEL)]


Pairs = Annotated[list[ImageLabelPair], Field(min_length=1, max_length=MOST_PAIRS)]


class BuildIndexRequest(Request):
    """Asks for a new index."""

    imageLabelPairs: Pairs


class AddImagesRequest(Request):
    """Asks for images to be added to an index."""

    imageLabelPairs: Pairs
    indexKey: Key


class RemoveImagesRequest(Request):
    """Asks for images to be taken out of an index."""

    ids: Annotated[list[Number], Field(min_length=1)]
    indexKey: Key


class BuiltIndex(BaseModel):
    """The key of a new index, and how many images it knows."""

    indexKey: str
    imageCount: int


class ChangedIndex(BaseModel):
    """How many images an index knows now."""

    imageCount: int


class Store(Protocol):
    """Keeps indexes by key."""

    def get(self, key: str) -> Any: ...

    def put(self, index: Any, key: str | None = None, most_bytes: int | None = None) -> str: ...


@runtime_checkable
class Indexing(Protocol):
    """A pipeline that finds things by an index."""

    store: Store

    def build_index(self, gallery_imgs: Sequence[Any], gallery_label: Sequence[str]) -> Any: ...

    def append_index(self, gallery_imgs: Sequence[Any], gallery_label: Sequence[str], index: Any) -> Any: ...

    def remove_index(self, remove_ids: Collection[int], index: Any) -> Any: ...


class Host(Protocol):
    """What an index operation needs of the service."""

    @property
    def options(self) -> ServeOptions: ...

    @property
    def pipeline(self) -> Any: ...

    @property
    def reading(self) -> Reading: ...

    async def fetched(self, request: Request, stay: Stay | None) -> Limits: ...

    async def in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any: ...


def index_paths(pipeline: Any) -> Mapping[str, str]:
    """Paths of the index operations that a pipeline declares, by ``build``, ``add`` and ``remove``.

    Raises:
        ConfigError: it declares others, or can't keep an index.
    """
    declared = declaration_of({**pipeline.config, "pipeline_name": pipeline.name})
    paths: Mapping[str, str] = (declared.endpoint.settings if declared.endpoint else {}).get("index", {})
    if paths and (set(paths) != {"build", "add", "remove"} or not isinstance(pipeline, Indexing)):
        raise ConfigError(f"{declared.where}: endpoint.index needs build, add and remove, and a pipeline with an index")
    return paths


def add_index_operations(app: FastAPI, host: Host, paths: Mapping[str, str], headers: Mapping[str, str]) -> None:
    """Adds the operations at their paths."""
    desk = _Desk(host)
    kinds: dict[str, tuple[type[Request], type[BaseModel], Callable[[Any], Awaitable[dict[str, Any]]]]] = {
        "build": (BuildIndexRequest, BuiltIndex, desk.build),
        "add": (AddImagesRequest, ChangedIndex, desk.add),
        "remove": (RemoveImagesRequest, ChangedIndex, desk.remove),
    }
    for name, path in paths.items():
        kind, answer, work = kinds[name]
        schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
        app.post(
            path,
            operation_id=f"{name}Index",
            response_model=None,
            openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}},
            responses={200: {"model": Success[answer]}, **{code: {"model": Failure} for code in (400, 401, 422, 500)}},  # type: ignore[valid-type]
        )(_operation(host, kind, work, headers))


def _operation(
    host: Host, kind: type[Request], work: Callable[[Any], Awaitable[dict[str, Any]]], headers: Mapping[str, str]
) -> Callable[[HTTPRequest], Awaitable[Response]]:
    """What answers a request of a kind."""

    async def answer(request: HTTPRequest) -> Response:
        log_id, status = new_log_id(), 200
        try:
            asked = await host.in_thread(parse, await request.body(), kind)
            log_id = asked.logId or log_id
            content = success(log_id, await work(asked))
        except Refusal as refusal:
            status, content = refusal.status, failure(log_id, refusal.status, refusal.message)
        except UserError as error:
            status, content = 422, failure(log_id, 422, str(error))
        except Exception:
            logger.exception("an index operation failed")
            status, content = 500, failure(log_id, 500, INTERNAL_ERROR)
        return Response(content, status, dict(headers), media_type="application/json")

    return answer


class _Desk:
    """Does the work; changes of indexes come one after the other, so that none is lost."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._changing = asyncio.Lock()
        self._most_bytes = int(host.options.max_index_mb * 2**20)

    async def build(self, request: BuildIndexRequest) -> dict[str, Any]:
        pipeline = self._host.pipeline
        index = await self._filled(pipeline.build_index, request.imageLabelPairs, pipeline)
        key = await self._host.in_thread(pipeline.store.put, index, None, self._most_bytes)
        return {"indexKey": key, "imageCount": len(index)}

    async def add(self, request: AddImagesRequest) -> dict[str, Any]:
        pipeline = self._host.pipeline
        async with self._changing:
            former = await self._host.in_thread(pipeline.store.get, request.indexKey)
            index = await self._filled(partial(pipeline.append_index, index=former), request.imageLabelPairs, pipeline)
            await self._host.in_thread(pipeline.store.put, index, request.indexKey, self._most_bytes)
        return {"imageCount": len(index)}

    async def remove(self, request: RemoveImagesRequest) -> dict[str, Any]:
        pipeline = self._host.pipeline
        async with self._changing:
            former = await self._host.in_thread(pipeline.store.get, request.indexKey)
            index = await self._host.in_thread(pipeline.remove_index, request.ids, former)
            await self._host.in_thread(pipeline.store.put, index, request.indexKey)
        return {"imageCount": len(index)}

    async def _filled(self, begin: Callable[..., Any], pairs: Sequence[ImageLabelPair], pipeline: Any) -> Any:
        """An index with the images of `pairs`: each is decoded, seen and forgotten before the next.

        Args:
            begin: takes the first image and its label, and gives the index that the others are added to.
        """
        index = None
        for pair in pairs:
            async with AsyncExitStack() as held:
                request = ImageRequest(image=pair.image)
                limits = await self._host.fetched(request, None)
                (image, *_), _ = await self._host.reading.items(request, pipeline, limits, held, None)
                add = begin if index is None else partial(pipeline.append_index, index=index)
                index = await self._host.in_thread(add, [image], [pair.label])
        return index
