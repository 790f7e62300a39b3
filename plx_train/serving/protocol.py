"""Requests and answers as PaddleX's basic serving has them, field by field."""

from __future__ import annotations

import json
import re
import uuid
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from plx_train.serving.refusal import Refusal

MAX_LOG_ID = 256
"""Characters of an identifier that is echoed."""
MAX_SIDE = 4000
"""Pixels to which a request may have an image enlarged."""
INTERNAL_ERROR = "Internal server error"

Share = Annotated[float, Field(ge=0, le=1)]
LogId = Annotated[str, Field(max_length=MAX_LOG_ID)]


class Request(BaseModel):
    """What every request may say beside its file and its parameters."""

    visualize: bool | None = None
    logId: LogId | None = None


class ImageRequest(Request):
    """A request about one image: base64 or, where that is switched on, a URL."""

    image: str


class FileRequest(Request):
    """A request about an image (fileType 1) or a PDF (0)."""

    file: str
    fileType: Literal[0, 1] | None = None


class OCRRequest(FileRequest):
    """POST /ocr"""

    useDocOrientationClassify: bool | None = None
    useDocUnwarping: bool | None = None
    useTextlineOrientation: bool | None = None
    textDetLimitSideLen: Annotated[int, Field(ge=1, le=MAX_SIDE)] | None = None
    textDetLimitType: Literal["min", "max"] | None = None
    textDetThresh: Share | None = None
    textDetBoxThresh: Share | None = None
    textDetUnclipRatio: Annotated[float, Field(gt=0, le=10)] | None = None
    textRecScoreThresh: Share | None = None
    returnWordBox: bool | None = None


class ClassificationRequest(ImageRequest):
    """POST /image-classification"""

    topk: Annotated[int, Field(gt=0, le=10_000)] | None = None


class PreprocessingRequest(FileRequest):
    """POST /document-preprocessing"""

    useDocOrientationClassify: bool | None = None
    useDocUnwarping: bool | None = None


class CsvRequest(Request):
    """POST /time-series-…: a table as base64 or, where that is switched on, a URL; each of its groups is a series."""

    csv: str


class PageInfo(BaseModel):
    """Pixels of one page."""

    width: int
    height: int


class DataInfo(BaseModel):
    """What was in the file: width and height of an image, the pages of a PDF or TIFF, or the series of a table."""

    width: int | None = None
    height: int | None = None
    numPages: int | None = None
    pages: list[PageInfo] | None = None
    numSeries: int | None = None
    type: Literal["image", "pdf", "tiff", "table"]


class OCRPage(BaseModel):
    """What was read on a page; images are base64 JPEG, absent where visualize is false."""

    prunedResult: dict[str, Any]
    ocrImage: str | None = None
    docPreprocessingImage: str | None = None
    inputImage: str | None = None


class OCRAnswer(BaseModel):
    """Answer of /ocr: one item a page."""

    ocrResults: list[OCRPage]
    dataInfo: DataInfo


class Category(BaseModel):
    """One class, with its score."""

    id: int
    name: str
    score: float


class ClassificationAnswer(BaseModel):
    """Answer of /image-classification, best class first; `models` says which versions it comes from."""

    categories: list[Category]
    image: str | None = None
    models: dict[str, Any] | None = None


class PreprocessedPage(BaseModel):
    """A page turned upright, as base64 PNG."""

    outputImage: str
    prunedResult: dict[str, Any]
    docPreprocessingImage: str | None = None
    inputImage: str | None = None


class PreprocessingAnswer(BaseModel):
    """Answer of /document-preprocessing: one item a page."""

    docPreprocessingResults: list[PreprocessedPage]
    dataInfo: DataInfo


class TableAnswer(BaseModel):
    """Answer of /time-series-forecasting and -anomaly-detection: CSV and a plot of the first series, as base64.

    Of several series the table's first column says which one a row is of.
    """

    csv: str
    image: str | None = None
    models: dict[str, Any] | None = None


class SeriesClass(BaseModel):
    """The class of one series."""

    group: str | None = None
    label: str
    score: float


class SeriesClassAnswer(BaseModel):
    """Answer of /time-series-classification: the first series' class, and all of several series."""

    label: str
    score: float
    image: str | None = None
    series: list[SeriesClass] | None = None
    models: dict[str, Any] | None = None


AnswerKind = TypeVar("AnswerKind", bound=BaseModel)


class Success(BaseModel, Generic[AnswerKind]):
    """The answer to a request that was served."""

    logId: str
    result: AnswerKind
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
        Refusal: 422 with all faults, as a JSON list in the message.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        faults = [
            {"type": fault["type"], "loc": _place(fault["loc"]), "msg": fault["msg"]}
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise Refusal(422, json.dumps(faults)) from None


def _place(location: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in ("body", *location))[1:]


def log_id_of(body: bytes) -> str:
    """The request's own identifier, or a new one."""
    try:
        given = _Named.model_validate_json(body).logId
    except ValidationError:
        given = None
    return given if isinstance(given, str) and 0 < len(given) <= MAX_LOG_ID else new_log_id()


def new_log_id() -> str:
    """A random identifier."""
    return str(uuid.uuid4())


def parameters(request: Request) -> dict[str, Any]:
    """What the request sets of the pipeline's parameters, by their Python names."""
    apart = {"file", "fileType", "image", "csv", "visualize", "logId"}
    given = request.model_dump(exclude=apart, exclude_none=True)
    return {re.sub(r"(?<=[a-z])([A-Z])", lambda found: f"_{found[1].lower()}", name): given[name] for name in given}


def success(log_id: str, result: dict[str, Any]) -> bytes:
    """The body of a served request; fields that are None are left out."""
    answer = {"logId": log_id, "result": _without_none(result), "errorCode": 0, "errorMsg": "Success"}
    return encoded(answer)


def _without_none(value: Any) -> Any:
    """Without the absent fields of what the protocol names; what a pipeline found stays as it is."""
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
