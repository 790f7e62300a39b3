"""Requests, and what all answers have in common, as PaddleX's basic serving has them."""

from __future__ import annotations

import json
import uuid
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, StrictBool, ValidationError
from pydantic_core import PydanticCustomError

from plx_train.serving.refusal import Refusal

MAX_LOG_ID = 256
"""Characters of an identifier that is echoed."""
MOST_VALUES = 10_000
"""JSON values of a request: each takes many times the bytes that it came in."""
MOST_FAULTS = 20
"""That are told of a request."""
LONGEST_NAME = 100
"""Characters of a field's name that is told."""
INTERNAL_ERROR = "Internal server error"

File = Annotated[str, Field(json_schema_extra={"minLength": 1})]
"""Base64 or a URL; that it is not empty is told in words of its own."""
LogId = Annotated[str, Field(max_length=MAX_LOG_ID)]


def _number(value: Any) -> Any:
    """`value`, unless it would be taken for the number that it is not."""
    if isinstance(value, bool) or (isinstance(value, str) and _can_be_read(value)):
        raise PydanticCustomError("number_type", "Input should be a number, not a text or a truth value")
    return value


def _can_be_read(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


IS_NUMBER = BeforeValidator(_number)
"""Validator of a number's field: no text or truth value is read as a number."""


class Request(BaseModel):
    """What every request may say beside its file and its parameters."""

    FILE_FIELD: ClassVar[str]
    """The field that holds the file."""

    visualize: StrictBool | None = None
    logId: LogId | None = None


class ImageRequest(Request):
    """A request about one image: base64 or, where that is switched on, a URL."""

    FILE_FIELD: ClassVar[str] = "image"

    image: File


class FileRequest(Request):
    """A request about an image (fileType 1) or a PDF (0)."""

    FILE_FIELD: ClassVar[str] = "file"

    file: File
    fileType: Annotated[Literal[0, 1], IS_NUMBER] | None = None


class CsvRequest(Request):
    """A request about a table: base64 or, where that is switched on, a URL; each of its groups is a series."""

    FILE_FIELD: ClassVar[str] = "csv"

    csv: File


class PageInfo(BaseModel):
    """Pixels of one page."""

    width: int
    height: int


class DataInfo(BaseModel):
    """What was in the file: width and height of an image, the pages of a file of several, or the series of a table.

    `numPages` is how many the file has; `pages` are those that were read. Where they are fewer, `numPagesLeftOut` says
    how many were not, and `notice` why.
    """

    width: int | None = None
    height: int | None = None
    numPages: int | None = None
    pages: list[PageInfo] | None = None
    numPagesLeftOut: int | None = None
    notice: str | None = None
    numSeries: int | None = None
    type: Literal["image", "pdf", "tiff", "gif", "webp", "png", "avif", "heif", "table"]


AnswerModel = TypeVar("AnswerModel", bound=BaseModel)


class Success(BaseModel, Generic[AnswerModel]):
    """The answer to a request that was served."""

    logId: str
    result: AnswerModel
    errorCode: Literal[0] = 0
    errorMsg: Literal["Success"] = "Success"


class Failure(BaseModel):
    """Every answer but success, and /health; errorCode is the HTTP status, or 0."""

    logId: str
    errorCode: int
    errorMsg: str


class _Named(BaseModel):
    logId: Any = None


RequestKind = TypeVar("RequestKind", bound=Request)


def parse(body: bytes, kind: type[RequestKind]) -> RequestKind:
    """The request in a JSON body.

    Raises:
        Refusal: 422 with the first faults, as a JSON list in the message.
    """
    if _has_too_many_values(body):
        fault = {"type": "too_many_values", "loc": "body", "msg": f"Input should have at most {MOST_VALUES} values"}
        raise Refusal(422, json.dumps([fault]))
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        faults = [
            {"type": fault["type"], "loc": _place(fault["loc"]), "msg": fault["msg"]}
            for fault in error.errors(include_url=False, include_context=False, include_input=False)[:MOST_FAULTS]
        ]
        raise Refusal(422, json.dumps(faults)) from None


def _place(location: tuple[int | str, ...]) -> str:
    parts = ("body", *location)
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part[:LONGEST_NAME]}" for part in parts)[1:]


def _has_too_many_values(body: bytes) -> bool:
    """Whether it holds more than can be meant; found out without parsing it."""
    # Base64 and URLs have next to no commas, and JSON has one between each two values.
    return body.count(b",") >= MOST_VALUES


def log_id_of(body: bytes) -> str:
    """The request's own identifier, or a new one."""
    if _has_too_many_values(body):
        return new_log_id()
    try:
        given = _Named.model_validate_json(body).logId
    except ValidationError:
        given = None
    return given if isinstance(given, str) and 0 < len(given) <= MAX_LOG_ID else new_log_id()


def new_log_id() -> str:
    """A random identifier."""
    return str(uuid.uuid4())


def success(log_id: str, result: dict[str, Any]) -> bytes:
    """The body of a served request; fields that are None are left out."""
    answer = {"logId": log_id, "result": _without_none(result), "errorCode": 0, "errorMsg": "Success"}
    return encoded(answer)


def _without_none(value: Any) -> Any:
    """The answer without the absent fields of what the protocol names; what a pipeline found stays as it is."""
    if isinstance(value, dict):
        whole = ("prunedResult", "models")
        kept = {name: item for name, item in value.items() if item is not None}
        return {name: item if name in whole else _without_none(item) for name, item in kept.items()}
    return [_without_none(item) for item in value] if isinstance(value, list) else value


def failure(log_id: str, status: int, message: str) -> bytes:
    """The body of any other answer."""
    return encoded({"logId": log_id, "errorCode": status, "errorMsg": message})


def encoded(content: dict[str, Any]) -> bytes:
    """JSON of finite numbers, in UTF-8."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
