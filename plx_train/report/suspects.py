"""Writes the page of an audit: labels that are likely wrong, with their pictures, most suspect first."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from plx_train.contract.doubt import DOUBTS, Doubt
from plx_train.ground.errors import UserError
from plx_train.ground.files import replace_file
from plx_train.report.page import page_environment
from plx_train.report.pictures import Budget
from plx_train.vision.bounds import TooManyPixels
from plx_train.vision.draw import FALSE, FOUND, MISSED
from plx_train.vision.draw_boxes import draw_boxes

TEMPLATE = "report/suspects.html.jinja"
MOST_CARDS = 200
"""Suspects whose pictures are shown."""
MOST_PAIRS = 6
SMALLEST, LARGEST = 150, 420
"""Longest sides between which pictures are brought, in pixels; of those with boxes up to twice the larger."""
QUALITY = 82
COLOURS = {"missing": MISSED, "spare": FALSE, "twice": FALSE}
"""Colours of boxes, BGR, by the kind of doubt; others are green: there it should be."""


@dataclass(frozen=True)
class SuspectCard:
    """A suspect as the page shows it.

    Attributes:
        read: gives its picture uint8 (H, W, 3) BGR; raises `UserError` where there is none.
        where: file and line of its label.
    """

    read: Callable[[], np.ndarray]
    doubts: Sequence[Doubt]
    split: str
    image: str
    where: str


@dataclass(frozen=True)
class SuspectsPage:
    """What the page says beside the suspects.

    Attributes:
        numbers: samples that were looked through, by split.
        num_found: suspects, of which the first are shown.
        pairs: kind of doubt in words, label, suggestion, and how many suspects there are of it, most first.
        command: what takes the corrections in.
    """

    title: str
    facts: Mapping[str, str]
    numbers: Mapping[str, int]
    num_found: int
    pairs: Sequence[tuple[str, str, str, int]]
    command: str


def write_suspects_page(path: Path, page: SuspectsPage, cards: Sequence[SuspectCard]) -> None:
    """Writes one HTML file that needs nothing else; its folder exists.

    Raises:
        OSError: the file can't be written.
    """
    shown = cards[:MOST_CARDS]
    text = (
        page_environment()
        .get_template(TEMPLATE)
        .render(
            page=page,
            pairs=[pair for pair in page.pairs if pair[-1] > 1][:MOST_PAIRS],
            cards=list(zip(shown, _pictures(shown), strict=True)),
            kinds=DOUBTS,
        )
    )
    replace_file(path, text)


def _pictures(cards: Sequence[SuspectCard]) -> Iterator[str]:
    """Addresses that are the pictures themselves; empty where one can't be read, or the page would grow too large."""
    budget = Budget()
    for card in cards:
        try:
            data = cv2.imencode(".jpg", _picture(card), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        except (UserError, TooManyPixels):
            yield ""
            continue
        if len(data) > budget.bytes_left:
            yield ""
            continue
        budget.bytes_left -= len(data)
        yield f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def _picture(card: SuspectCard) -> np.ndarray:
    """The picture with the places on it that doubts are about."""
    image = card.read()
    boxes = [(doubt, doubt.box) for doubt in card.doubts if doubt.box is not None]
    longest, most = max(image.shape[:2]), LARGEST * 2 if boxes else LARGEST
    scale = max(min(most / longest, 1), SMALLEST / longest)
    size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    for doubt, box in reversed(boxes):
        caption = doubt.suggestion or f"no {doubt.label}"
        image = draw_boxes(image, np.asarray([box]) * scale, [caption], COLOURS.get(doubt.kind, FOUND))
    return image
