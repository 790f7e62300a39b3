"""The kinds of answers that a pipeline's YAML may name, and how each is filled from what was found."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from pydantic import BaseModel, create_model

from plx_train.contract.pipeline import SECTION, Declaration, DeclaredEndpoint
from plx_train.ground.errors import ConfigError
from plx_train.serving.answers import (
    ClassificationAnswer,
    Described,
    DetectionAnswer,
    LabelMapAnswer,
    RecognisedAnswer,
    SeriesClassAnswer,
    TableAnswer,
)
from plx_train.serving.protocol import CsvRequest, DataInfo, FileRequest, ImageRequest, Request
from plx_train.serving.served import ServedResult

OF_THE_FILE = ("input_path", "page_index")
"""What a result says of where its image came from, which a client knows."""
PAGE_SETTINGS = ("outputs", "pictures", "optional_pictures")
"""Fields of a page's answer: images that are the result, pictures drawn of it, and those that it may lack."""
MAX_SIDE = 2000
"""Pixels of an answer's images on their longer side."""


@dataclass(frozen=True)
class Answered:
    """What an answer is made of.

    Attributes:
        items: pages or series.
        results: of each.
        info: what the file was.
        draws: whether pictures are wanted.
    """

    items: Sequence[Any]
    results: Sequence[ServedResult]
    info: DataInfo
    draws: bool

    @property
    def first(self) -> dict[str, Any]:
        """The first result, as plain values."""
        found: dict[str, Any] = self.results[0].json["res"]
        return found

    @property
    def about(self) -> dict[str, Any]:
        """The first result's picture, where one is wanted, and which models it comes from."""
        image = base64_of(self.results[0].img.get("res")) if self.draws else None
        return {"image": image, "models": self.first.get("models")}


@dataclass(frozen=True)
class AnswerKind:
    """A kind of answer.

    Attributes:
        request: what is asked with.
        model: the answer's fields; takes the endpoint's declaration.
        fill: gives the answer's ``result``.
        needed: settings that the YAML must give.
        optional: settings that it may give.
        needs_table: it must say under which name series are answered.
    """

    request: type[Request]
    model: Callable[[DeclaredEndpoint], type[BaseModel]]
    fill: Callable[[Declaration, Answered], dict[str, Any]]
    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    needs_table: bool = False

    @property
    def reads(self) -> str:
        """What such pipelines read, as declarations say it."""
        return "series" if issubclass(self.request, CsvRequest) else "image"


def answer_kind(declared: Declaration, endpoint: DeclaredEndpoint) -> AnswerKind:
    """The kind of answer that a pipeline's `endpoint` names.

    Raises:
        ConfigError: there is no such kind, or its settings are not those that it takes.
    """
    where = f"{declared.where}: {SECTION}.endpoint"
    if endpoint.answer not in KINDS:
        raise ConfigError(f"{where}.answer is {endpoint.answer}, none of {', '.join(KINDS)}")
    kind = KINDS[endpoint.answer]
    fitting = [name for name, other in KINDS.items() if other.reads == (declared.reads or kind.reads)]
    if endpoint.answer not in fitting:
        raise ConfigError(
            f"{where}.answer is {endpoint.answer}, but pipelines that read {declared.reads} answer with one of "
            f"{', '.join(fitting)}"
        )
    missing = [name for name in kind.needed if not isinstance(endpoint.settings.get(name), str)]
    unknown = [name for name in endpoint.settings if name not in (*kind.needed, *kind.optional)]
    if missing:
        raise ConfigError(f"{where} lacks {missing[0]}, a text that answers of the kind {endpoint.answer} need")
    if unknown:
        raise ConfigError(f"{where}.{unknown[0]} is nothing that answers of the kind {endpoint.answer} take")
    for name in kind.optional:
        given = endpoint.settings.get(name, {})
        if not isinstance(given, dict) or not all(isinstance(text, str) for text in (*given, *given.values())):
            raise ConfigError(f"{where}.{name} must hold the answer's fields, and by what each is filled")
    if kind.needs_table and declared.table is None:
        raise ConfigError(f"{declared.where}: {SECTION} lacks table: which of the results is answered")
    return kind


def _categories(declared: Declaration, answered: Answered) -> dict[str, Any]:
    found = answered.first
    names = found.get("label_names") or [str(number) for number in found["class_ids"]]
    categories = [
        {"id": number, "name": name, "score": score}
        for number, name, score in zip(found["class_ids"], names, found["scores"], strict=True)
    ]
    return {"categories": categories, **answered.about}


def _boxes(declared: Declaration, answered: Answered) -> dict[str, Any]:
    objects = [
        {"bbox": box["coordinate"], "categoryId": box["cls_id"], "categoryName": box["label"], "score": box["score"]}
        for box in answered.first["boxes"]
    ]
    return {"detectedObjects": objects, **answered.about}


def _attributes(declared: Declaration, answered: Answered) -> dict[str, Any]:
    found = answered.first
    if "boxes" in found:
        described = [
            _thing(box["coordinate"], box["labels"], box["cls_scores"], box["det_score"]) for box in found["boxes"]
        ]
    else:
        height, width = answered.items[0].shape[:2]
        # Nothing looks for things in the image: it shows one, as a whole.
        described = [_thing([0, 0, width, height], found["label_names"], found["scores"], 1.0)]
    return {_endpoint(declared).settings["key"]: described, **answered.about}


def _thing(box: list[float], labels: list[str], scores: list[float], score: float) -> dict[str, Any]:
    """A thing in an image, `Described` in the protocol, with the labels that hold of it."""
    named = zip(labels, scores, strict=True)
    return {"bbox": box, "attributes": [{"label": name, "score": value} for name, value in named], "score": score}


def _recognised(declared: Declaration, answered: Answered) -> dict[str, Any]:
    objects = []
    for box in answered.first["boxes"]:
        named = zip(box["labels"], box["rec_scores"], strict=True)
        found = [{"label": label, "score": score} for label, score in named if label is not None]
        objects.append({"bbox": box["coordinate"], "recResults": found, "score": box["det_score"]})
    return {"detectedObjects": objects, **answered.about}


def _attributes_model(endpoint: DeclaredEndpoint) -> type[BaseModel]:
    fields: dict[str, Any] = {
        endpoint.settings["key"]: (list[Described], ...),
        "image": (str | None, None),
        "models": (dict[str, Any] | None, None),
    }
    return create_model("AttributesAnswer", __doc__="What holds of each thing in the image.", **fields)


def _pages(declared: Declaration, answered: Answered) -> dict[str, Any]:
    settings = _endpoint(declared).settings
    answers = []
    for page, result in zip(answered.items, answered.results, strict=True):
        answer: dict[str, Any] = {
            field: base64_of(result[name], ".png") for field, name in settings.get("outputs", {}).items()
        }
        answer["prunedResult"] = _pruned(result.json["res"])
        if answered.draws:
            drawn = result.img
            answer |= {field: base64_of(drawn[name]) for field, name in settings.get("pictures", {}).items()}
            others = settings.get("optional_pictures", {})
            answer |= {field: base64_of(drawn.get(name)) for field, name in others.items()}
            answer["inputImage"] = base64_of(page)
        answers.append(answer)
    return {settings["key"]: answers, "dataInfo": answered.info.model_dump(exclude_none=True)}


def _pages_model(endpoint: DeclaredEndpoint) -> type[BaseModel]:
    settings = endpoint.settings
    fields: dict[str, Any] = dict.fromkeys(settings.get("outputs", {}), (str, ...))
    fields["prunedResult"] = (dict[str, Any], ...)
    pictures = (*settings.get("pictures", {}), *settings.get("optional_pictures", {}), "inputImage")
    fields |= dict.fromkeys(pictures, (str | None, None))
    told = "What was found on a page; images are base64, drawn ones absent where visualize is false."
    page: Any = create_model("PageAnswer", __doc__=told, **fields)
    whole: dict[str, Any] = {settings["key"]: (list[page], ...), "dataInfo": (DataInfo, ...)}
    return create_model("PagesAnswer", __doc__="One item a page.", **whole)


def _table(declared: Declaration, answered: Answered) -> dict[str, Any]:
    tables = [result[str(declared.table)] for result in answered.results]
    text = _joined(tables, [item.group for item in answered.items]).to_csv()
    return {"csv": base64.b64encode(text.encode()).decode("ascii"), **answered.about}


def _joined(tables: Sequence[Any], groups: Sequence[str | None]) -> Any:
    """One table of all; of several, a first column says of which group a row is."""
    import pandas

    if len(tables) == 1:
        return tables[0]
    return pandas.concat(list(tables), keys=groups, names=["group_id"])


def _label(declared: Declaration, answered: Answered) -> dict[str, Any]:
    found = [
        {"group": item.group, "label": result["label_names"][0], "score": float(result["scores"][0])}
        for item, result in zip(answered.items, answered.results, strict=True)
    ]
    first = {name: found[0][name] for name in ("label", "score")}
    about = answered.about
    return {**first, "image": about["image"], "series": found if len(found) > 1 else None, "models": about["models"]}


def _label_map(declared: Declaration, answered: Answered) -> dict[str, Any]:
    found = answered.results[0]
    labels = found["pred"][0]
    beside = {field: found[name] for field, name in _endpoint(declared).settings.get("beside", {}).items()}
    classes = answered.first.get("classes")
    told = {"labelMap": labels.ravel().tolist(), "size": list(labels.shape), "classes": classes}
    return {**told, **beside, **answered.about}


def _label_map_model(endpoint: DeclaredEndpoint) -> type[BaseModel]:
    beside: dict[str, Any] = dict.fromkeys(endpoint.settings.get("beside", {}), (bool | float, ...))
    return create_model("MapAnswer", __base__=LabelMapAnswer, __doc__=LabelMapAnswer.__doc__, **beside)


def _endpoint(declared: Declaration) -> DeclaredEndpoint:
    assert declared.endpoint is not None
    return declared.endpoint


def _pruned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _pruned(item) for name, item in value.items() if name not in OF_THE_FILE}
    return [_pruned(item) for item in value] if isinstance(value, list) else value


def base64_of(image: np.ndarray | None, suffix: str = ".jpg") -> str | None:
    """Base64 of `image` uint8 (H, W, 3) BGR, made smaller where it is very large; nothing for none."""
    if image is None:
        return None
    scale = MAX_SIDE / max(image.shape[:2])
    if scale < 1:
        size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return base64.b64encode(cv2.imencode(suffix, image)[1].tobytes()).decode("ascii")


KINDS = {
    "categories": AnswerKind(ImageRequest, lambda _: ClassificationAnswer, _categories),
    "boxes": AnswerKind(ImageRequest, lambda _: DetectionAnswer, _boxes),
    "label_map": AnswerKind(ImageRequest, _label_map_model, _label_map, optional=("beside",)),
    "attributes": AnswerKind(ImageRequest, _attributes_model, _attributes, needed=("key",)),
    "recognised": AnswerKind(ImageRequest, lambda _: RecognisedAnswer, _recognised, optional=("index",)),
    "pages": AnswerKind(FileRequest, _pages_model, _pages, needed=("key",), optional=PAGE_SETTINGS),
    "table": AnswerKind(CsvRequest, lambda _: TableAnswer, _table, needs_table=True),
    "label": AnswerKind(CsvRequest, lambda _: SeriesClassAnswer, _label),
}
