"""What a pipeline is served as, by its declaration: its path, its fields, and how its results become an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, Field, StrictBool, create_model

from plx_train.contract.pipeline import SECTION, Declaration, DeclaredParameter
from plx_train.contract.pipelines import declaration_of, pipeline_files
from plx_train.ground.errors import ConfigError, UserError
from plx_train.serving.files import image_info
from plx_train.serving.kinds import Answered, answer_kind
from plx_train.serving.protocol import IS_NUMBER, CsvRequest, DataInfo, Request, Success
from plx_train.serving.refusal import Refusal
from plx_train.serving.served import ServedPipeline, ServedResult
from plx_train.serving.tables import table_info

PYDANTIC_LIMITS = {"minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt"}

Build = Callable[[Sequence[Any], Sequence[ServedResult], DataInfo, bool], dict[str, Any]]
"""Takes pages or series, their results, what the file was, and whether to draw; gives the answer's ``result``."""


@dataclass(frozen=True)
class Endpoint:
    """How one kind of pipeline is served.

    Attributes:
        parameters: of the pipeline, by the request's fields.
        kind: of the answer, as its YAML names it.
        reads_tables: its file is a table, not pages.
    """

    path: str
    request: type[Request]
    answer: type[BaseModel]
    build: Build
    reads_tables: bool
    info: Callable[[Sequence[Any]], DataInfo]
    parameters: Mapping[str, str]
    kind: str

    def parameters_of(self, request: Request) -> dict[str, Any]:
        """What the request sets of the pipeline's parameters, by their Python names."""
        given = {name: getattr(request, field) for field, name in self.parameters.items()}
        return {name: value for name, value in given.items() if value is not None}


OPEN_PATHS = ("/", "/api", "/health")
"""Served without a key: they tell nothing that is anyone's."""
SERVER_PATHS = (*OPEN_PATHS, "/metrics", "/openapi.json")
"""The server's own; no pipeline is served at them."""


def endpoint_of(pipeline: ServedPipeline) -> Endpoint:
    """
    Raises:
        UserError: the pipeline declares no endpoint, or one that can't be.
    """
    declared = declaration_of({**pipeline.config, "pipeline_name": pipeline.name})
    if declared.endpoint is None:
        raise UserError(
            f"the pipeline {pipeline.name} has no place in the protocol: {', '.join(servable())} can be served"
        )
    if declared.endpoint.path in SERVER_PATHS:
        raise ConfigError(f"{declared.where}: {SECTION}.endpoint.path is {declared.endpoint.path}, the server's own")
    kind = answer_kind(declared, declared.endpoint)
    reads_tables = issubclass(kind.request, CsvRequest)
    answer: Any = kind.model(declared.endpoint)

    def build(items: Sequence[Any], results: Sequence[ServedResult], info: DataInfo, draws: bool) -> dict[str, Any]:
        return kind.fill(declared, Answered(items, results, info, draws))

    return Endpoint(
        path=declared.endpoint.path,
        request=_request_model(kind.request, declared, declared.endpoint.path),
        answer=Success[answer],
        build=build,
        reads_tables=reads_tables,
        info=table_info if reads_tables else _page_info,
        parameters={parameter.request_name: parameter.name for parameter in declared.parameters.values()},
        kind=declared.endpoint.answer,
    )


def servable() -> list[str]:
    """Names of the known pipelines that can be served."""
    return [name for name, file in pipeline_files().items() if file.declaration.endpoint]


def _request_model(base: type[Request], declared: Declaration, path: str) -> type[Request]:
    """
    Raises:
        ConfigError: a parameter has the name of another field.
    """
    parameters = declared.parameters.values()
    taken = sorted(parameter.name for parameter in parameters if parameter.request_name in base.model_fields)
    if taken:
        raise ConfigError(
            f"{declared.where}: {SECTION}.parameters.{taken[0]} has the name of a field that every request has"
        )
    fields: dict[str, Any] = {one.request_name: (_field_type(one) | None, None) for one in parameters}
    model: type[Request] = create_model("Request", __base__=base, __doc__=f"POST {path}", **fields)
    return model


def _field_type(parameter: DeclaredParameter) -> Any:
    """The type of a request's field: one of the parameter's types, within its limits."""
    if parameter.choices:
        return Literal[parameter.choices]
    values: dict[str, Any] = {PYDANTIC_LIMITS[name]: value for name, value in parameter.limits.items()}
    limits = Field(**values)
    whole, number = Annotated[int, limits, IS_NUMBER], Annotated[float, limits, IS_NUMBER]
    types = {
        "integer": whole,
        "number": number,
        "boolean": StrictBool,
        "string": str,
        "array": list[number],  # type: ignore[valid-type]
        "object": dict[str, number],  # type: ignore[valid-type]
    }
    return Union[tuple(types[name] for name in parameter.types)]  # noqa: UP007


def _page_info(pages: Sequence[Any]) -> DataInfo:
    return image_info(pages[0])


def chosen_parameters(given: Mapping[str, Any], pipeline: ServedPipeline) -> dict[str, Any]:
    """`given` as far as the pipeline knows them; switching off what it does not have changes nothing.

    Raises:
        Refusal: 422; something is asked for that the pipeline can't do.
    """
    chosen = {}
    for name, value in given.items():
        if name in pipeline.PARAMETERS:
            chosen[name] = value
        elif value is not False:
            raise Refusal(422, f"{name} is not supported by this pipeline")
    return chosen
