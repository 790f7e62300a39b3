"""The web page in a real browser: a file in, boxes and text out, by mouse and by keyboard, asking nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from kit.browser import CHROMIUM, Page, browsing
from kit.fake_pipeline import LINES, FakePipeline, FakeResult, page_with_text
from kit.local_server import Running, serving
from plx_train.config.serve_options import ServeOptions
from plx_train.serving.app import create_app

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browsing() as page:
        yield page


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    options = ServeOptions()
    with serving(create_app(FakePipeline(reads_pages=True), options), options) as running:
        yield running


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "page.png"
    cv2.imwrite(str(path), page_with_text())
    return path


def texts(page: Page) -> list[str]:
    found: list[str] = page.run("[...document.querySelectorAll('#list .text')].map((part) => part.textContent)")
    return found


def test_a_file_shows_its_boxes_and_text(page: Page, server: Running, image: Path, tmp_path: Path) -> None:
    page.asked.clear()
    page.open(server.address + "/")
    page.choose_file("#file", image)
    page.wait("document.querySelectorAll('#list li').length === 3")

    assert texts(page) == list(LINES)
    assert page.run("document.querySelectorAll('polygon').length") == 3
    assert page.run("document.querySelector('canvas').width") == 1000
    box = page.run("JSON.stringify(document.querySelector('polygon').getBoundingClientRect())")
    seen = page.run("JSON.stringify(document.querySelector('canvas').getBoundingClientRect())")
    assert all(name in box for name in ("x", "width"))
    assert box != seen
    assert "3 found" in page.run("document.getElementById('status').textContent")
    page.picture(tmp_path / "seen.png")
    colours = cv2.imread(str(tmp_path / "seen.png")).reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) > 50, "something is to be seen"
    assert page.faults == []
    asked = [address for address in page.asked if not address.startswith(("data:", "blob:", "about:"))]
    assert asked
    assert all(address.startswith(server.address) for address in asked)


def test_the_keyboard_is_enough(page: Page, server: Running, image: Path) -> None:
    page.open(server.address + "/")
    seen = []
    for _ in range(3):
        page.press("Tab")
        seen.append(page.run("document.activeElement.id || document.activeElement.textContent"))
    assert seen == ["API", "Health", "file"]
    page.choose_file("#file", image)
    page.wait("document.querySelectorAll('#list li').length === 3")
    for wanted in ("copy", "save"):
        page.press("Tab")
        assert page.run("document.activeElement.id") == wanted
    # A list that scrolls is a stop of its own in some browsers.
    for _ in range(2):
        page.press("Tab")
        if page.run("document.activeElement.closest('li') !== null"):
            break
    assert page.run("document.querySelector('polygon').classList.contains('hot')")
    page.press("Tab")
    assert page.run("document.querySelectorAll('polygon')[1].classList.contains('hot')")
    assert page.run("document.querySelectorAll('polygon.hot').length") == 1
    labels = "[...document.querySelectorAll('input, button')].every((one) => one.labels?.length || one.textContent)"
    assert page.run(labels), "everything that can be used has a name"


def test_a_refusal_is_shown(page: Page, server: Running, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"this is no image")
    page.open(server.address + "/")
    page.choose_file("#file", broken)
    page.wait("document.getElementById('status').classList.contains('bad')")
    told = page.run("document.getElementById('status').textContent")
    assert "not an image of a known format (422)" in told
    page.faults.clear()


def test_dark_and_light_are_readable(page: Page, server: Running) -> None:
    page.open(server.address + "/")
    grounds = {}
    for scheme in ("light", "dark"):
        page.look(scheme)
        ink = page.run("getComputedStyle(document.body).color.match(/\\d+/g).slice(0, 3).map(Number)")
        ground = page.run("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)")
        assert contrast(ink, ground) > 7
        grounds[scheme] = sum(ground)
    page.look("light", width=400)
    assert page.run("document.documentElement.scrollWidth <= 400"), "a telephone shows it whole"
    page.look("light")
    assert grounds["light"] > grounds["dark"]


def contrast(ink: list[int], ground: list[int]) -> float:
    """The ratio of luminances that WCAG defines."""
    parts = np.array([ink, ground]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    dark, light = np.sort(linear @ [0.2126, 0.7152, 0.0722])
    return float((light + 0.05) / (dark + 0.05))


def test_a_key_is_asked_for_and_sent(page: Page, image: Path) -> None:
    options = ServeOptions()
    app = create_app(FakePipeline(reads_pages=True), options, api_key="geheim")
    with serving(app, options) as server:
        page.open(server.address + "/")
        page.choose_file("#file", image)
        page.wait("document.getElementById('status').classList.contains('bad')")
        page.run("document.getElementById('key').value = 'geheim'")
        page.choose_file("#file", image)
        page.wait("document.querySelectorAll('#list li').length === 3")
    page.faults.clear()


@pytest.mark.parametrize(
    ("kind", "lines"), [("image_classification", ["dog", "cat"]), ("doc_preprocessor", ["turned by 0°"])]
)
def test_other_pipelines_have_the_page_too(kind: str, lines: list[str], page: Page, image: Path) -> None:
    options = ServeOptions()
    with serving(create_app(FakePipeline(kind), options), options) as server:
        page.open(server.address + "/")
        page.choose_file("#file", image)
        page.wait(f"document.querySelectorAll('#list li').length === {len(lines)}")
        assert texts(page) == lines
        assert page.faults == []


class Recognising(FakePipeline):
    """One thing that is known and one that is not."""

    store = None
    build_index = append_index = remove_index = FakePipeline.read

    def _found(self, image: np.ndarray) -> FakeResult:
        boxes = [
            {"coordinate": [10, 20, 300, 140], "labels": ["cup", "pot"], "rec_scores": [0.9, 0.8], "det_score": 0.5},
            {"coordinate": [400, 0, 500, 340], "labels": [None], "rec_scores": [None], "det_score": 0.5},
        ]
        return FakeResult({"input_path": None, "boxes": boxes, "models": {}}, image, ("res",))


@pytest.mark.parametrize(
    ("kind", "lines", "captions"),
    [
        ("object_detection", ["cat"], ["cat"]),
        ("pedestrian_attribute_recognition", ["1: hat 0.75, bag 0.75", "2: no attribute"], ["1", "2"]),
        ("PP-ShiTuV2", ["cup", "unknown"], ["cup", "unknown"]),
    ],
)
def test_boxes_of_things_lie_on_the_picture(
    kind: str, lines: list[str], captions: list[str], page: Page, image: Path
) -> None:
    options = ServeOptions()
    made = Recognising(kind) if kind == "PP-ShiTuV2" else FakePipeline(kind)
    with serving(create_app(made, options), options) as server:
        page.open(server.address + "/")
        page.choose_file("#file", image)
        page.wait(f"document.querySelectorAll('#list li').length === {len(lines)}")
        assert texts(page) == lines
        told = page.run("[...document.querySelectorAll('.page text')].map((part) => part.textContent)")
        assert sorted(told) == sorted(captions)
        width, left = page.run(
            "(() => { const [box, seen] = ['polygon', 'canvas'].map("
            "(name) => document.querySelector(name).getBoundingClientRect());"
            "return [box.width / seen.width, (box.left - seen.left) / seen.width]; })()"
        )
        assert abs(width - 0.29) < 0.01 and abs(left - 0.01) < 0.01
        page.run("document.querySelector('#list button').focus()")
        assert page.run("document.querySelectorAll('polygon.hot').length") == 1
        assert page.faults == []


def test_the_description_of_the_api_is_shown(page: Page, server: Running) -> None:
    page.open(server.address + "/api")
    page.wait("document.querySelectorAll('h2').length > 2")
    told = page.run("document.body.innerText")
    assert "POST /ocr" in told
    assert "textDetUnclipRatio" in told
    assert page.faults == []
