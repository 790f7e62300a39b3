"""Models, pipelines and servers in a real browser: chosen, tried on a file, kept; their jobs stand in for commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from kit.browser import CHROMIUM, Page, browsing
from kit.fake_pipeline import LINES, FakePipeline, page_with_text
from kit.local_server import Running, serving
from kit.promotion import Desk, make_export, new_store
from kit.studio_homes import ended_job, listening, new_home, running_job
from kit.studios import StudioProcess, studio_in
from plx_train.config.serve_options import ServeOptions
from plx_train.serving.app import create_app
from plx_train.studio.home import Home

pytestmark = [pytest.mark.long, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]
UNNAMED = """
[...document.querySelectorAll('input, select, textarea')].filter((one) => !one.labels.length && !one.ariaLabel).length
"""
FIGURES = [
    {"engine": "native", "threads": 1, "callers": 2, "median_ms": 8.0, "agrees": True},
    {"engine": "onnx", "threads": 1, "callers": 2, "median_ms": 2.0, "agrees": False},
]
INT8 = {"monitor": "hmean", "fp32": 0.5, "int8": {"onnx": 0.3}, "lost": 0.2, "tolerance": 0.01, "is_bearable": False}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browsing() as page:
        yield page


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    options = ServeOptions()
    with serving(create_app(FakePipeline(reads_pages=True), options), options) as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = new_home(tmp_path_factory.mktemp("home"))
    desk = Desk(new_store(home.outputs), home.root)
    desk.promote(desk.candidate(0.8))
    desk.promote(desk.candidate(0.6))
    run = home.outputs / "mine"
    make_export(run / "export")
    facts = {"status": "FINISHED", "mode": "train", "overrides": ["module=text_det"], "monitor": "val/hmean"}
    (run / "run.json").write_text(json.dumps({**facts, "metrics": {"val/hmean": 0.5}, "seconds": 61.0}))
    (run / "export_int8").mkdir()
    (run / "export_int8" / "quantized.json").write_text(json.dumps(INT8))
    leave(home, "benchmark", "benchmark.json", FIGURES)
    leave(home, "evaluate", "metrics.json", {"val/hmean": 0.25})
    failed = {"model": "mine", "deed": "onnx"}
    ended_job(home, "failed", ["mode=export", "onnx=true"], "error: no room left\n", 1, about=failed)
    return home


def leave(home: Home, mode: str, file: str, content: object) -> None:
    (home.outputs / mode).mkdir()
    (home.outputs / mode / file).write_text(json.dumps(content))
    ended_job(home, mode, [f"mode={mode}"], output=f"outputs/{mode}", about={"model": "mine", "deed": mode})


@pytest.fixture(scope="module")
def studio(home: Home, server: Running) -> Iterator[StudioProcess]:
    with (
        running_job(home, "served", ["mode=serve", "pipeline=OCR"], listening(server.address)),
        studio_in(home.root, f"studio.data=[{home.root}]") as process,
    ):
        yield process


@pytest.fixture(scope="module", autouse=True)
def opened(page: Page, studio: StudioProcess) -> None:
    page.look("light", 1280, 900)
    page.open(studio.address)


def look_at(page: Page, place: str, words: str) -> str:
    page.run(f"location.hash = {json.dumps(place)}")
    page.wait(f"document.querySelector('main').innerText.includes({json.dumps(words)})")
    text: str = page.run("document.querySelector('main').innerText")
    return text


def test_a_file_is_tried_and_again_with_another_parameter(page: Page, server: Running, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "page.png"), page_with_text())
    text = look_at(page, "#/server?job=served", "answered")
    assert f"{server.address}/ocr" in text
    page.choose_file("input[type=file]", tmp_path / "page.png")

    page.wait("document.querySelectorAll('.found-list li').length === 3")
    seen = page.run("[...document.querySelectorAll('.found-list .text')].map((one) => one.textContent)")
    assert seen == list(LINES)
    assert page.run("document.querySelectorAll('polygon.thing').length") == 3
    assert page.run("document.querySelector('.found-picture').getAttribute('viewBox')").startswith("0 0 1000 ")

    page.run("document.querySelector('[id=\"parameter-live-text_det_thresh\"]').focus()")
    page.call("Input.insertText", text="0.4")
    # The pipeline that pretends notes what it was asked with; the picture was not chosen again.
    page.wait("document.querySelector('.older') === null && document.body.innerText.includes('page.png')")
    pipeline = server.service.batcher.pipeline
    page.wait("document.querySelector('.fault') === null")
    assert isinstance(pipeline, FakePipeline)
    for _ in range(100):
        if any(asked.get("text_det_thresh") == 0.4 for _, asked in pipeline.batches):
            break
        page.run("new Promise((done) => setTimeout(done, 50))")
    assert any(asked.get("text_det_thresh") == 0.4 for _, asked in pipeline.batches)
    assert page.faults == []


def test_what_a_server_refuses_is_shown(page: Page, tmp_path: Path) -> None:
    (tmp_path / "no.png").write_text("no picture")
    look_at(page, "#/server?job=served", "answered")

    page.choose_file("input[type=file]", tmp_path / "no.png")

    page.wait("document.querySelector('.fault')?.textContent.includes('not an image of a known format')")
    page.faults.clear()  # the browser itself notes an answer of 400


def test_a_pipeline_is_put_together_and_kept(page: Page, home: Home) -> None:
    text = look_at(page, "#/pipeline?source=OCR&TextDetection=outputs/mine", "Serve and try")
    assert "PP-OCRv4_mobile_rec is" in text
    page.wait("document.querySelector('#part-TextDetection').options.length === 6")
    options = page.run("[...document.querySelector('#part-TextDetection').options].map((one) => one.value)")
    registered = ["models:/text_det@champion", "models:/text_det/2", "models:/text_det/1"]
    assert options == ["", *registered, "outputs/mine", "outputs/mine/export_int8"]
    command = "python -m plx_train mode=serve pipeline=OCR models.TextDetection=outputs/mine serve.port=0"
    page.wait(f"document.querySelector('main').innerText.includes({json.dumps(command)})")

    page.run("document.querySelector('#keep-name').focus()")
    page.call("Input.insertText", text="mine")
    page.run("[...document.querySelectorAll('button')].find((one) => one.textContent === 'Save as a file').click()")

    page.wait("document.querySelector('main').innerText.includes('studio/pipelines/mine.yaml')")
    assert (home.pipelines / "mine.yaml").is_file()
    assert page.faults == []


def test_a_model_is_shown_with_what_was_found_of_it(page: Page) -> None:
    text = look_at(page, "#/model?name=mine", "Promote to text_det@champion")
    page.wait("document.querySelector('main').innerText.includes('no room left')")
    text = page.run("document.querySelector('main').innerText")

    assert "Runs as TextDetection of OCR." in text
    assert "0.2500" in text and "−0.2500" in text
    assert "differs too much" in text
    assert "It loses more than it may" in text
    command = "mode=promote run=outputs/mine registered=text_det alias=champion"
    page.wait(f"document.querySelector('main').innerText.includes({json.dumps(command)})")
    widths = page.run("[...document.querySelectorAll('.speeds .track i')].map((one) => one.style.width)")
    assert widths == ["100%", "25%"]
    assert page.faults == []


def test_every_gate_of_an_attempt_is_shown(page: Page) -> None:
    look_at(page, "#/models", "version 1, hmean 0.8000")
    look_at(page, "#/registered?name=text_det", "refused")
    page.run("document.querySelector('details.attempt').open = true")

    rows = page.run("[...document.querySelectorAll('details.attempt[open] .verdicts li')].map((one) => one.innerText)")
    assert [row.split()[:2] for row in rows] == [
        ["metric", "fails"],
        ["parity", "holds"],
        ["pipeline", "holds"],
        ["latency", "holds"],
    ]
    assert "0.6000 is below 0.8000 of version 1" in rows[0]


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("#/models", "hmean"),
        ("#/model?name=mine", "Promotion"),
        ("#/registered?name=text_det", "History"),
        ("#/pipelines", "Put one together"),
        ("#/pipeline?source=OCR", "Serve and try"),
        ("#/server?job=served", "JavaScript"),
        ("#/machine", "Where things lie"),
    ],
)
def test_no_screen_is_wider_than_the_window(
    page: Page, studio: StudioProcess, place: str, words: str, width: int
) -> None:
    page.look("dark", width, 800)
    look_at(page, place, words)

    assert page.run("document.documentElement.scrollWidth") <= width
    # What comes late stands where it belongs.
    assert page.run("document.querySelector('main h1, main h2').tagName") == "H1"
    assert page.run(UNNAMED) == 0
    ours = (f"http://{studio.place}", "data:", f"blob:http://{studio.place}")
    assert [address for address in page.asked if not address.startswith(ours)] == []
