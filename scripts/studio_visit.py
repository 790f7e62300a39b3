"""Somebody at a browser: clicks, types, looks, and waits for jobs, as scripts that walk through the studio do."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from kit.browser import Page, browsing
from kit.studios import StudioProcess, studio_in

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
    done: set[str] = field(default_factory=set)

    def click(self, words: str, where: str = "main", seconds: float = 60.0) -> None:
        """The mouse, on what is called `words`; where these end in …, on what begins so."""
        selector = ", ".join(f"{where} {each.strip()}" for each in OFFERED.split(","))
        found = FIND.format(where=json.dumps(selector), words=_pattern(words))
        place = PLACE.format(found=found)
        x, y = self._still(place, seconds)
        for kind in ("mousePressed", "mouseReleased"):
            self.page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.clicks += 1

    def _still(self, place: str, seconds: float) -> list[float]:
        """Where it is, once it stays there: what is being drawn moves for a moment."""
        before = None
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            now: list[float] | None = self.page.run(place)
            if now is not None and now == before:
                return now
            before = now
            time.sleep(0.3)
        raise TimeoutError(f"never still: {place}; {self.page.run('document.body.innerText')}")

    def type(self, selector: str, text: str) -> None:
        """A text into a field, instead of what stands there; of a list that entry."""
        field = f"document.querySelector({json.dumps(selector)})"
        self.page.wait(f"{field} !== null")
        self.page.run(f"{field}.focus(), {field}.select?.()")
        if self.page.run(f"{field}.tagName") == "SELECT":
            # A hand opens the list and takes an entry.
            self.clicks += 2
            self.page.wait(f"[...{field}.options].some((one) => one.value === {json.dumps(text)})")
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
            self.pictures.mkdir(parents=True, exist_ok=True)
            time.sleep(1)
            self.page.picture(self.pictures / f"{name}.png")

    def go(self, place: str) -> None:
        """Goes there as a link would; until nothing is read any more."""
        self.page.run(f"location.hash = '#/{place}'")
        time.sleep(0.5)
        self.page.wait("!/Reading .* …/.test(document.querySelector('main').innerText)")
        self.page.run("scrollTo(0, 0)")

    def job_is_done(self, beginning: str, seconds: float = 600.0, must_end_well: bool = True) -> dict[str, Any]:
        """The newest job of that title, once it has ended; one that was waited for before counts no more."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            jobs = [job for job in self.studio.get("/api/jobs")["jobs"] if job["title"].startswith(beginning)]
            jobs = [job for job in jobs if job["id"] not in self.done]
            newest = max(jobs, key=lambda job: job["made"], default=None)
            if newest and (newest["state"] == "done" or (newest["ended"] and not must_end_well)):
                found: dict[str, Any] = newest
                self.done.add(found["id"])
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


@contextmanager
def visiting(home: Path, data: Path, pictures: Path | None) -> Iterator[Visit]:
    """A studio of `home`, opened in a browser."""
    with studio_in(home, f"studio.data=[{data}]") as studio, browsing() as page:
        page.look("light", 1280, 900)
        page.open(studio.address)
        yield Visit(page, studio, pictures)


def tour(visit: Visit) -> None:
    """Pictures of every screen, dark and narrow ones among them, once there is something to see."""
    page = visit.page
    visit.click("Try an example")
    page.wait("document.querySelector('.found') !== null", 120)
    visit.look("server")
    runs = [one["name"] for one in visit.studio.get("/api/runs")["runs"]]
    places = {"start": "", "data_all": "data", "runs": "runs", "models": "models", "pipelines": "pipelines"}
    places |= {"machine": "machine", "train_all": "train", "label_all": "label"}
    registered = visit.studio.get("/api/registry")["models"]
    places |= {f"registered_{one['name']}": f"registered?name={one['name']}" for one in registered[:1]}
    for name, place in places.items():
        visit.go(place)
        visit.look(name)
    for scheme, width in (("dark", 1280), ("light", 360)):
        page.look(scheme, width, 900)
        for name, place in {"start": "", "run": f"run?name={runs[0]}", "runs": "runs", "machine": "machine"}.items():
            visit.go(place)
            visit.look(f"{name}_{scheme if scheme == 'dark' else 'narrow'}")
