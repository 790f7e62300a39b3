"""Training from the page in a real browser: set up, started, watched, stopped, gone on with, compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.browser import CHROMIUM, Page, browsing
from kit.studios import StudioProcess, studio_in

pytestmark = [pytest.mark.long, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]
FIND = """
[...document.querySelectorAll('button:enabled, a')].find((one) => (one.ariaLabel || one.textContent).trim() === {})
"""
CHOOSE_BOTH = """
for (const one of document.querySelectorAll('table.runs input[type=checkbox]'))
  if (!one.ariaLabel.includes('image_cls')) one.click();
"""
UNNAMED = """
[...document.querySelectorAll('input, select, textarea')].filter((one) => !one.labels.length && !one.ariaLabel).length
"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browsing() as page:
        yield page


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    root = tmp_path_factory.mktemp("home")
    for name, lr, reached in (("first", 0.1, 0.5), ("second <b>", 0.01, 0.75)):
        write_run(root / "outputs" / name, lr, reached)
    with studio_in(root) as process:
        yield process


def write_run(folder: Path, lr: float, reached: float) -> None:
    folder.mkdir(parents=True)
    facts = {
        "status": "FINISHED",
        "mode": "train",
        "overrides": ["module=image_cls", f"optimizer.lr={lr}"],
        "monitor": "val/accuracy",
        "metrics": {"val/accuracy": reached, "before/accuracy": 0.1},
        "seconds": 61.0,
    }
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "config.yaml").write_text(f"optimizer:\n  lr: {lr}\n  weight_decay: 0.0\nseed: 1\n")
    logged = [
        {"seq": step, "ms": 1, "kind": "metrics", "step": step, "values": {"val/accuracy": reached * step / 3}}
        for step in range(4)
    ]
    (folder / "tracking.jsonl").write_text("".join(json.dumps(one) + "\n" for one in logged))


def click(page: Page, words: str) -> None:
    found = FIND.format(json.dumps(words)).strip()
    page.wait(f"{found} !== undefined")
    page.run(f"{found}.click()")


def shows(page: Page, words: str) -> None:
    page.wait(f"document.body.innerText.includes({json.dumps(words)})")


def type_into(page: Page, selector: str, text: str) -> None:
    page.run(f"document.querySelector({json.dumps(selector)}).select()")
    page.call("Input.insertText", text=text)


def test_a_form_says_what_is_wrong_and_shows_its_command(page: Page, studio: StudioProcess) -> None:
    page.open(studio.address)
    shows(page, "Try it with data that are here already")
    page.run("location.hash = '#/train?module=image_cls'")
    shows(page, "Learning rate")
    type_into(page, '[id="option-optimizer.lr"]', "quick")
    shows(page, "optimizer.lr")
    page.wait("document.querySelector('.bottom .fault') !== null")
    assert page.run("document.querySelector('.bottom button.main').disabled")
    type_into(page, '[id="option-optimizer.lr"]', "0.002,0.004")
    page.wait("document.querySelector('.bottom .fault') === null")
    shows(page, "python -m plx_train -m module=image_cls trainer.max_time=10m optimizer.lr=0.002,0.004")
    assert page.run("document.querySelector('.bottom button.main').textContent") == "Sweep"
    page.run("document.querySelector('details summary').click()")
    type_into(page, "#seek", "ema")
    page.wait("document.querySelectorAll('details .field').length < 20")
    assert page.faults == []


def test_a_training_is_started_watched_stopped_and_gone_on_with(page: Page, studio: StudioProcess) -> None:
    page.run("location.hash = '#/train?module=image_cls&time=9m'")
    shows(page, "Learning rate")
    page.run("document.querySelector('.bottom button.main').focus()")
    page.press("Enter")
    page.wait("location.hash.startsWith('#/run?')")
    page.wait("document.querySelector('.log')?.textContent.includes('step ')", 120)
    click(page, "Stop and keep")
    shows(page, "stopped")
    click(page, "Go on")
    page.wait("document.querySelector('.log')?.textContent.includes('goes on')", 60)
    click(page, "Stop and keep")
    shows(page, "stopped")
    # A run that has not yet written anything is asked for, not missed.
    assert page.faults == []


def test_runs_are_compared(page: Page, studio: StudioProcess) -> None:
    page.run("location.hash = '#/runs'")
    shows(page, "second <b>")
    page.run(CHOOSE_BOTH)
    click(page, "Compare 2")
    shows(page, "What differs")
    text = page.run("document.querySelector('main').innerText")
    assert "optimizer.lr" in text and "weight_decay" not in text
    assert "0.5000" in text and page.run("document.querySelector('td b').textContent") == "0.7500"
    assert page.run("document.querySelectorAll('svg').length") >= 1
    assert page.faults == []


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("place", ["#/", "#/train", "#/train?module=image_cls", "#/runs", "#/machine"])
def test_no_screen_is_wider_than_the_window(page: Page, studio: StudioProcess, place: str, width: int) -> None:
    page.look("dark", width, 800)
    page.run(f"location.hash = {json.dumps(place)}")
    page.wait("document.querySelector('main h1') !== null && !document.body.innerText.includes('Reading ')")
    assert page.run("document.documentElement.scrollWidth") <= width
    assert page.run(UNNAMED) == 0
    assert [address for address in page.asked if not address.startswith((f"http://{studio.place}", "data:"))] == []
