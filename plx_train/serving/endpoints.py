"""What each pipeline is served as: its path, its fields, and how its results become an answer."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from pydantic import BaseModel

from plx_train.serving.files import Limits, image_info, pages_of
from plx_train.serving.protocol import (
    ClassificationAnswer,
    ClassificationRequest,
    CsvRequest,
    DataInfo,
    OCRAnswer,
    OCRRequest,
    PreprocessingAnswer,
    PreprocessingRequest,
    Request,
    SeriesClassAnswer,
    Success,
    TableAnswer,
)
from plx_train.serving.refusal import Refusal
from plx_train.serving.served import ServedPipeline, ServedResult
from plx_train.serving.tables import series_of, table_info

OF_THE_FILE = ("input_path", "page_index")
"""What a result says of where its image came from, which a client knows."""
MAX_SIDE = 2000
"""Pixels of an answer's images on their longer side."""

Read = Callable[[Request, Limits, ServedPipeline], tuple[list[Any], DataInfo]]
"""Takes a request; gives its pages or series, and what its file was."""
Build = Callable[[Sequence[Any], Sequence[ServedResult], DataInfo, bool], dict[str, Any]]
"""Takes pages or series, their results, what the file was, and whether to draw; gives the answer's ``result``."""


def _pages(request: Request, limits: Limits, pipeline: ServedPipeline) -> tuple[list[Any], DataInfo]:
    return pages_of(request, limits)


def _page_info(pages: Sequence[Any]) -> DataInfo:
    return image_info(pages[0])


@dataclass(frozen=True)
class Endpoint:
    """How one kind of pipeline is served."""

    path: str
    request: type[Request]
    answer: type[BaseModel]
    build: Build
    read: Read = _pages
    info: Callable[[Sequence[Any]], DataInfo] = _page_info


def endpoint_of(pipeline: ServedPipeline) -> Endpoint:
    """
    Raises:
        KeyError: this kind of pipeline has no place in the protocol.
    """
    return ENDPOINTS[pipeline.name]


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


def _ocr(pages: Sequence[np.ndarray], results: Sequence[ServedResult], info: DataInfo, draws: bool) -> dict[str, Any]:
    answers = []
    for page, result in zip(pages, results, strict=True):
        answer: dict[str, Any] = {"prunedResult": _pruned(result.json["res"])}
        if draws:
            pictures = result.img
            answer["ocrImage"] = _picture(pictures["ocr_res_img"])
            answer["docPreprocessingImage"] = _picture(pictures.get("preprocessed_img"))
            answer["inputImage"] = _picture(page)
        answers.append(answer)
    return {"ocrResults": answers, "dataInfo": info.model_dump(exclude_none=True)}


def _classification(
    pages: Sequence[np.ndarray], results: Sequence[ServedResult], info: DataInfo, draws: bool
) -> dict[str, Any]:
    found = results[0].json["res"]
    names = found.get("label_names") or [str(number) for number in found["class_ids"]]
    categories = [
        {"id": number, "name": name, "score": score}
        for number, name, score in zip(found["class_ids"], names, found["scores"], strict=True)
    ]
    image = _picture(results[0].img.get("res")) if draws else None
    return {"categories": categories, "image": image, "models": found.get("models")}


def _preprocessing(
    pages: Sequence[np.ndarray], results: Sequence[ServedResult], info: DataInfo, draws: bool
) -> dict[str, Any]:
    answers = []
    for page, result in zip(pages, results, strict=True):
        pruned = _pruned(result.json["res"])
        answer = {"outputImage": _picture(result["output_img"], ".png"), "prunedResult": pruned}
        if draws:
            answer["docPreprocessingImage"] = _picture(result.img["preprocessed_img"])
            answer["inputImage"] = _picture(page)
        answers.append(answer)
    return {"docPreprocessingResults": answers, "dataInfo": info.model_dump(exclude_none=True)}


def _table(key: str) -> Build:
    def build(items: Sequence[Any], results: Sequence[ServedResult], info: DataInfo, draws: bool) -> dict[str, Any]:
        text = _joined([result[key] for result in results], [item.group for item in items]).to_csv()
        image = _picture(results[0].img["res"]) if draws else None
        csv = base64.b64encode(text.encode()).decode("ascii")
        return {"csv": csv, "image": image, "models": results[0].json["res"]["models"]}

    return build


def _joined(tables: Sequence[Any], groups: Sequence[str | None]) -> Any:
    """One table of all; of several, a first column says of which group a row is."""
    import pandas

    if len(tables) == 1:
        return tables[0]
    return pandas.concat(list(tables), keys=groups, names=["group_id"])


def _series_classes(
    items: Sequence[Any], results: Sequence[ServedResult], info: DataInfo, draws: bool
) -> dict[str, Any]:
    found = [
        {"group": item.group, "label": result["label_names"][0], "score": float(result["scores"][0])}
        for item, result in zip(items, results, strict=True)
    ]
    first = {name: found[0][name] for name in ("label", "score")}
    image = _picture(results[0].img["res"]) if draws else None
    several = found if len(found) > 1 else None
    return {**first, "image": image, "series": several, "models": results[0].json["res"]["models"]}


def _pruned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _pruned(item) for name, item in value.items() if name not in OF_THE_FILE}
    return [_pruned(item) for item in value] if isinstance(value, list) else value


def _picture(image: np.ndarray | None, suffix: str = ".jpg") -> str | None:
    """Base64 of `image` uint8 (H, W, 3) BGR, made smaller where it is very large."""
    if image is None:
        return None
    scale = MAX_SIDE / max(image.shape[:2])
    if scale < 1:
        size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return base64.b64encode(cv2.imencode(suffix, image)[1].tobytes()).decode("ascii")


ENDPOINTS = {
    "OCR": Endpoint("/ocr", OCRRequest, Success[OCRAnswer], _ocr),
    "image_classification": Endpoint(
        "/image-classification", ClassificationRequest, Success[ClassificationAnswer], _classification
    ),
    "doc_preprocessor": Endpoint(
        "/document-preprocessing", PreprocessingRequest, Success[PreprocessingAnswer], _preprocessing
    ),
    "ts_forecast": Endpoint(
        "/time-series-forecasting", CsvRequest, Success[TableAnswer], _table("forecast"), series_of, table_info
    ),
    "ts_anomaly_detection": Endpoint(
        "/time-series-anomaly-detection", CsvRequest, Success[TableAnswer], _table("anomaly"), series_of, table_info
    ),
    "ts_classification": Endpoint(
        "/time-series-classification", CsvRequest, Success[SeriesClassAnswer], _series_classes, series_of, table_info
    ),
}
