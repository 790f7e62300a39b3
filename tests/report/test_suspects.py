"""The page of an audit: everything in one file, foreign words as words, pictures that can't be read left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plx_train.contract.doubt import Doubt
from plx_train.ground.errors import UserError
from plx_train.report.suspects import MOST_CARDS, SuspectCard, SuspectsPage, write_suspects_page

FOREIGN = "<script>alert(1)</script>\u202e"


def picture() -> np.ndarray:
    return np.full((20, 30, 3), 200, np.uint8)


def unreadable() -> np.ndarray:
    raise UserError("it can't be read")


def written(folder: Path, *cards: SuspectCard, num_found: int | None = None) -> str:
    pairs = [("another class", "cat", "dog", 2), ("another class", FOREIGN, "dog", 1)]
    found = len(cards) if num_found is None else num_found
    page = SuspectsPage(FOREIGN, {"module": FOREIGN}, {"train": 3}, found, pairs, f"dataset.corrections={FOREIGN}")
    write_suspects_page(folder / "page.html", page, cards)
    return (folder / "page.html").read_text("utf-8")


def test_foreign_words_stay_words(tmp_path: Path) -> None:
    doubts = [Doubt("class", 0.9, FOREIGN, FOREIGN), Doubt("missing", 0.8, "", FOREIGN, (2, 2, 10, 10))]
    text = written(tmp_path, SuspectCard(picture, doubts, "train", FOREIGN, FOREIGN))
    assert "<script" not in text and "\u202e" not in text
    assert text.count("data:image/jpeg;base64,") == 1 and "http" not in text.replace("http-equiv", "")


def test_pictures_that_can_not_be_read_are_named(tmp_path: Path) -> None:
    doubts = [Doubt("class", 0.9, "cat", "dog")]
    text = written(
        tmp_path, *(SuspectCard(read, doubts, "val", "a.png", "val.txt:3") for read in (unreadable, picture))
    )
    assert text.count("data:image/jpeg;base64,") == 1 and "not shown: a.png" in text and "val.txt:3" in text


def test_a_page_does_not_grow_without_end(tmp_path: Path) -> None:
    card = SuspectCard(picture, [Doubt("class", 0.9, "cat", "dog")], "val", "a.png", "")
    text = written(tmp_path, *[card] * (MOST_CARDS + 7), num_found=900)
    assert text.count("<figure") == MOST_CARDS and f"the first {MOST_CARDS}" in text


def test_nothing_is_suspect(tmp_path: Path) -> None:
    assert "No label stands out." in written(tmp_path)
