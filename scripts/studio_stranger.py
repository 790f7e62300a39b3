#!/usr/bin/env python
"""Walks through the studio as somebody who has never used a terminal: a folder with faults in, an answer of curl out.

    python scripts/studio_stranger.py classes --folder /tmp/stranger --minutes 2 --pictures docs/pictures

A folder of `raw_folders.py` is brought in, checked and mended, trained on for the given minutes, the model promoted,
served and asked by the very snippet that the page shows. Clicks are counted, and addresses that were asked for; the
answer must be right. Needs Chromium.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from raw_folders import MAKERS

from kit.browser import Page, browsing
from kit.studios import StudioProcess, studio_in

MOST_CLICKS = 25
LEAVES_OUT = "details.finding[open] button[aria-label^='Leave out ']"
OFFERED = "button:enabled, a, summary, label, select"
FIND = """[...document.querySelectorAll({where})].find(
  (one) => {words}.test((one.ariaLabel || one.textContent).trim()))"""
PLACE = """(() => {{ const one = {found}; if (!one) return null; one.scrollIntoView({{ block: "center" }});
  const box = one.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
  return one.contains(document.elementFromPoint(x, y)) ? [x, y] : null; }})()"""


@dataclass
class Visit:
    """Somebody at a browser.

    Attributes:
        pictures: folder for what was seen; None: nothing is kept.
    """

    page: Page
    studio: StudioProcess
    pictures: Path | None
    clicks: int = 0
    seen: list[str] = field(default_factory=list)

    def click(self, words: str, where: str = "main", seconds: float = 60.0) -> None:
        """The mouse, on what is called `words`; where these end in …, on what begins so."""
        selector = ", ".join(f"{where} {each.strip()}" for each in OFFERED.split(","))
        found = FIND.format(where=json.dumps(selector), words=_pattern(words))
        place = PLACE.format(found=found)
        self.page.wait(f"{place} !== null", seconds)
        # What is being drawn moves for a moment.
        time.sleep(0.3)
        x, y = self.page.run(place)
        for kind in ("mousePressed", "mouseReleased"):
            self.page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.clicks += 1

    def type(self, selector: str, text: str) -> None:
        """A text into a field, instead of what stands there; of a list that entry."""
        field = f"document.querySelector({json.dumps(selector)})"
        self.page.wait(f"{field} !== null")
        self.page.run(f"{field}.focus(), {field}.select?.()")
        if self.page.run(f"{field}.tagName") == "SELECT":
            self.page.run(f"{field}.value = {json.dumps(text)}, {field}.dispatchEvent(new Event('change'))")
        else:
            self.page.call("Input.insertText", text=text)

    def key(self, letter: str) -> None:
        """A letter on the keyboard."""
        code = ord(letter.upper())
        self.page.call("Input.dispatchKeyEvent", type="keyDown", key=letter, text=letter, windowsVirtualKeyCode=code)
        self.page.call("Input.dispatchKeyEvent", type="keyUp", key=letter, windowsVirtualKeyCode=code)

    def shows(self, words: str, seconds: float = 120.0) -> None:
        """Waits until the page says so."""
        self.page.wait(f"document.querySelector('main').innerText.includes({json.dumps(words)})", seconds)

    def look(self, name: str) -> None:
        """Keeps what is seen."""
        self.seen.append(name)
        if self.pictures:
            time.sleep(0.5)
            self.page.picture(self.pictures / f"studio_{name}.png")

    def job_is_done(self, beginning: str, seconds: float = 600.0) -> dict[str, Any]:
        """The newest job of that title, once it has ended well."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            jobs = [job for job in self.studio.get("/api/jobs")["jobs"] if job["title"].startswith(beginning)]
            newest = max(jobs, key=lambda job: job["made"], default=None)
            if newest and newest["state"] == "done":
                found: dict[str, Any] = newest
                return found
            if newest and newest["state"] in ("failed", "lost", "stopped"):
                raise SystemExit(
                    f"{newest['title']} {newest['state']}:\n{self.studio.job(newest['id'])['log'][-3000:]}"
                )
            time.sleep(0.5)
        raise SystemExit(f"{beginning} took longer than {seconds:g} s")


def _pattern(words: str) -> str:
    """A regular expression of JavaScript for the name of an element."""
    plain = re.sub(r"[^\w\s]", lambda found: "\\" + found[0], words.removesuffix("…"))
    return f"/^{plain}{'' if words.endswith('…') else '$'}/"


def bring(visit: Visit, folder: Path, module: str) -> None:
    """A folder, and what is to be learned from it."""
    visit.click("Data", "nav")
    visit.type("#folder", str(folder))
    visit.click("Add")
    visit.click(f"Learn {module}")
    visit.shows("Findings")
    visit.look("data")


def mend_classes(visit: Visit, planted: dict[str, Any]) -> None:
    """The misspelt class, the cut file, the picture on both sides, and wrong labels."""
    visit.click("Call Snaeker Sneaker everywhere")
    visit.click(f"Leave out {planted['cut']}")
    visit.click(f"Leave out {planted['doubled'][0]}")
    visit.click("Look for wrong labels")
    visit.job_is_done("Look for wrong labels")
    visit.shows("suspect labels")
    visit.click("Label")
    visit.shows("The label is suspect")
    visit.look("label")
    suspects = visit.page.run(
        "Number([...document.querySelectorAll('main button')].find((one) => one.textContent.startsWith('suspect'))"
        ".textContent.replace(/\\D/g, ''))"
    )
    for _ in range(suspects):
        visit.key("a")
        time.sleep(0.7)
    visit.click("Done")


def mend_boxes(visit: Visit, planted: dict[str, Any]) -> None:
    """The misspelt category and the cut file; boxes that lie outside or stand twice are told, and stay."""
    visit.click("Call figrue figure everywhere")
    visit.click(f"Leave out train/{planted['cut']}")


def mend_pages(visit: Visit, _planted: dict[str, Any]) -> None:
    """Each page with an error is left out; of a line that can't be read no image is known."""
    while visit.page.run(
        "document.querySelectorAll('details.finding[open] button[aria-label^=\"Leave out \"]').length"
    ):
        visit.click("Leave out …")
        time.sleep(1)


def mend_series(visit: Visit, _planted: dict[str, Any]) -> None:
    """A copy without the row that stands twice; holes are filled in the training."""
    visit.click("Go on with a copy without rows that stand twice")
    visit.shows("/mended", 60)


def train(visit: Visit, minutes: float, options: Mapping[str, str]) -> None:
    """A training of so many minutes on the mended data."""
    visit.click("Train on this")
    if options:
        visit.click("All …")
    for key, value in options.items():
        visit.type("#seek", key)
        visit.type(f'[id="option-{key}"]', value)
    visit.type('[id="option-trainer.max_time"]', f"{minutes:g}m")
    visit.shows(f"trainer.max_time={minutes:g}m")
    visit.look("train")
    visit.click("Train")
    visit.job_is_done("Train", 60 * minutes + 300)
    visit.shows("finished")
    visit.look("run")


def promote_and_serve(visit: Visit, module: str) -> str:
    """The snippet for curl of the server that has the promoted model."""
    visit.click("Use this model")
    visit.click(f"Promote to {module}@champion")
    visit.job_is_done("Promote")
    visit.look("model")
    visit.click("Try and serve it")
    visit.click("Serve and try")
    visit.shows("healthy", 180)
    visit.shows("curl")
    visit.look("server")
    snippet: str = visit.page.run(
        "[...document.querySelectorAll('main .command')].find((one) => one.querySelector('h3').textContent === 'curl')"
        ".querySelector('pre').textContent"
    )
    return snippet


def asked(snippet: str) -> dict[str, Any]:
    """The answer to a snippet, given to a shell as it stands."""
    done = subprocess.run(["sh", "-c", snippet], capture_output=True, text=True, timeout=120, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    if answer.get("errorCode") != 0:
        raise SystemExit(f"the snippet was answered {done.stdout[:500]}")
    result: dict[str, Any] = answer["result"]
    return result


def right_class(result: dict[str, Any], snippet: str, planted: dict[str, Any]) -> str:
    """What it says of the picture, which must be its class."""
    image = snippet.split("base64 < ", 1)[1].split(" |", 1)[0].strip("'")
    name = "/".join(Path(image).parts[-3:])
    true = planted["wrong"].get(name, "Sneaker" if "Snaeker" in name else Path(image).parent.name)
    said = result["categories"][0]["name"]
    if said != true:
        raise SystemExit(f"{image} is a {true}, and the answer is {said}")
    return f"{name}: {said}"


def found_something(result: dict[str, Any], _snippet: str, _planted: dict[str, Any]) -> str:
    """What it found, in words; there must be something."""
    text = json.dumps(result)
    if len(text) < 200:
        raise SystemExit(f"the answer is {text}")
    return f"{len(text)} characters of an answer"


@dataclass(frozen=True)
class Errand:
    """What a stranger wants."""

    module: str
    mend: Callable[[Visit, dict[str, Any]], None]
    judge: Callable[[dict[str, Any], str, dict[str, Any]], str]
    options: Mapping[str, str] = field(default_factory=dict)


ERRANDS = {
    "classes": Errand("image_cls", mend_classes, right_class),
    "boxes": Errand("layout_det", mend_boxes, found_something),
    "pages": Errand("text_det", mend_pages, found_something, {"dataset.ignore_findings": "true"}),
    "series": Errand("ts_forecast", mend_series, found_something, {"dataset.fill": "linear"}),
}


@contextmanager
def visiting(home: Path, data: Path, pictures: Path | None) -> Iterator[Visit]:
    """A studio of `home`, opened in a browser."""
    with studio_in(home, f"studio.data=[{data}]") as studio, browsing() as page:
        page.look("light", 1280, 900)
        page.open(studio.address)
        yield Visit(page, studio, pictures)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=ERRANDS)
    parser.add_argument("--folder", type=Path, required=True, help="empty, or not there yet")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--pictures", type=Path)
    given = parser.parse_args()
    errand, raw, home = ERRANDS[given.kind], given.folder / "raw", given.folder / "home"
    for each in (raw, home):
        each.mkdir(parents=True)
    planted = MAKERS[given.kind](raw, random.Random(1))
    began = time.monotonic()
    with visiting(home, raw, given.pictures) as visit:
        bring(visit, raw, errand.module)
        errand.mend(visit, planted)
        train(visit, given.minutes, errand.options)
        snippet = promote_and_serve(visit, errand.module)
        said = errand.judge(asked(snippet), snippet, planted)
        minutes = (time.monotonic() - began) / 60
        foreign = {address for address in visit.page.asked if visit.studio.place not in address[:60]}
        foreign = {address for address in foreign if not address.startswith(("data:", "blob:"))}
    print(f"{given.kind}: {visit.clicks} clicks, {minutes:.1f} minutes; {said}")
    print(f"asked elsewhere: {sorted(foreign) or 'nothing'}")
    return 0 if visit.clicks <= MOST_CLICKS and not foreign else 1


if __name__ == "__main__":
    sys.exit(main())
