"""Answers as PaddleX's basic serving has them, field by field, for whatever pipeline gives them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class Category(BaseModel):
    """One class, with its score."""

    id: int
    name: str
    score: float


class ClassificationAnswer(BaseModel):
    """Classes of an image, best first; `models` says which versions it comes from."""

    categories: list[Category]
    image: str | None = None
    models: dict[str, Any] | None = None


class DetectedObject(BaseModel):
    """A thing in an image: its box as x0, y0, x1, y1 or four corners in pixels, and its class."""

    bbox: list[float]
    categoryId: int
    categoryName: str
    score: float


class DetectionAnswer(BaseModel):
    """What stands where in an image; `models` says which versions it comes from."""

    detectedObjects: list[DetectedObject]
    image: str | None = None
    models: dict[str, Any] | None = None


class LabelMapAnswer(BaseModel):
    """A number for each pixel, row by row, `size` the map's height and width; `models` says which versions it is of."""

    labelMap: list[int]
    size: list[int]
    classes: list[dict[str, Any]] | None = None
    image: str | None = None
    models: dict[str, Any] | None = None


class Recognised(BaseModel):
    """The label of a known image that is near, and how near."""

    label: str
    score: float


class RecognisedObject(BaseModel):
    """A thing in an image, its box as x0, y0, x1, y1, and the nearest known images; none where it is unknown."""

    bbox: list[float]
    recResults: list[Recognised]
    score: float


class RecognisedAnswer(BaseModel):
    """What things in an image are; `models` says which versions it comes from."""

    detectedObjects: list[RecognisedObject]
    image: str | None = None
    models: dict[str, Any] | None = None


class Attribute(BaseModel):
    """What holds of a thing, with its score."""

    label: str
    score: float


class Described(BaseModel):
    """A thing in the image, or that the whole image shows, and what holds of it."""

    bbox: list[float]
    attributes: list[Attribute]
    score: float


class TableAnswer(BaseModel):
    """What was found in series: CSV and a plot of the first one, as base64.

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
    """The first series' class, and all of several series."""

    label: str
    score: float
    image: str | None = None
    series: list[SeriesClass] | None = None
    models: dict[str, Any] | None = None
