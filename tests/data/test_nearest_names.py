"""A path that leads nowhere, and the file that was meant."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest

from plx_train.data import nearest_names
from plx_train.data.nearest_names import NearestNames

NFC, NFD = (unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "images"
    folder.mkdir(parents=True)
    for name in ("case.jpg", "a b.png", "plain.png", "page_12.png", "übung.png"):
        (folder / name).touch()
    return folder.parent


@pytest.mark.parametrize(
    ("name", "found", "reason"),
    [
        ("images/CASE.JPG", "images/case.jpg", "small and capital letters differ"),
        ("Images/plain.png", "images/plain.png", "small and capital letters differ"),
        ("images/plain.png ", "images/plain.png", "without the space"),
        ('"images/plain.png"', "images/plain.png", "without the quotes"),
        ("'images/plain.png'", "images/plain.png", "without the quotes"),
        ("“images/plain.png”", "images/plain.png", "without the quotes"),
        ("data/images/plain.png", "images/plain.png", "without data/ in front"),
        ("/home/me/data/images/plain.png", "images/plain.png", "in front"),
        ("C:\\data\\images\\plain.png", "images/plain.png", "in front"),
        ("file:///x/images/plain.png", "images/plain.png", "in front"),
        ("images/a%20b.png", "images/a b.png", "without % for letters"),
        ("images/%C3%BCbung.png", "images/übung.png", "without % for letters"),
        ("images/plain.jpeg", "images/plain.png", "the file's suffix is .png"),
        ("images/plain", "images/plain.png", "the file's suffix is .png"),
        ("plain.png", "images/plain.png", "in another folder"),
        ("images/plain.png\t0", "images/plain.png", "a tab stands in the path"),
        ("images/plian.png", "images/plain.png", ""),
    ],
)
def test_what_was_meant(root: Path, name: str, found: str, reason: str) -> None:
    hint = NearestNames(root).hint(name)
    assert hint.startswith(f"; did you mean {found}") and reason in hint


@pytest.mark.parametrize(("there", "given", "form"), [(NFD, NFC, "NFD"), (NFC, NFD, "NFC")])
def test_names_that_look_the_same_are_told_apart_by_their_form(root: Path, there: str, given: str, form: str) -> None:
    (root / "images" / there).touch()
    hint = NearestNames(root).hint(f"images/{given}")
    assert f"images/{there}" in hint and f"looks the same, but the Unicode form is {form}" in hint


@pytest.mark.parametrize(
    "name", ["images/page_13.png", "images/other.png", "nowhere/x.png", "../x.png", "", "images", "\0"]
)
def test_nothing_is_guessed_where_nothing_is_near(root: Path, name: str) -> None:
    assert NearestNames(root).hint(name) == ""


def test_many_missing_names_take_no_time(root: Path) -> None:
    for number in range(2000):
        (root / "images" / f"{number:06d}.png").touch()
    nearest, start = NearestNames(root), time.perf_counter()
    hints = [nearest.hint(f"images/{number:06d}.jpg") for number in range(100_000)]
    assert time.perf_counter() - start < 10
    assert sum(map(bool, hints)) == nearest_names.MAX_HINTS
