#!/usr/bin/env python
"""Walks through the studio as somebody who has never used a terminal: a folder with faults in, an answer of curl out.

    python scripts/studio_stranger.py classes --folder /tmp/stranger --minutes 2 --pictures docs/studio

A folder of `raw_folders.py` is brought in, checked and mended, trained on for the given minutes, the model promoted,
served and asked by the very snippet that the page shows; of pages a model that finds texts and one that reads them.
Clicks are counted, an entry of a list as two, and addresses that were asked for; the answer must be right.
Needs Chromium.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from raw_folders import MAKERS
from studio_visit import Visit, tour, visiting

MOST_CLICKS, MOST_MINUTES, TRIES = 25, 15.0, 3
LEAST_READ, LEAST_LETTERS = 0.7, 4
"""Share of a page's words that must be read to the letter, and letters of those that are looked for."""
CURL = """[...document.querySelectorAll('main .command')].find((one) => one.querySelector('h3').textContent === 'curl')
  .querySelector('pre').textContent"""

Planted = dict[str, Any]
Answer = dict[str, Any]


def bring(visit: Visit, folder: Path, module: str) -> None:
    """A folder, and what is to be learned from it."""
    visit.click("Data", "nav")
    visit.type("#folder", str(folder))
    visit.click("Add")
    visit.click(f"Learn {module}")
    visit.shows("Findings")
    visit.look("data")


def bring_again(visit: Visit, folder: Path, module: str) -> None:
    """Something else that is to be learned from a folder that is known."""
    visit.click("Data", "nav")
    visit.click(f"{folder.name}…", "main .cards")
    visit.click("Learn something else")
    visit.click(f"Learn {module}")
    visit.job_is_done("Check", must_end_well=False)


def mend_classes(visit: Visit, planted: Planted) -> None:
    """The misspelt class, the cut file, the picture on both sides, and wrong labels."""
    visit.click("Call Snaeker Sneaker everywhere")
    visit.click(f"Leave out {planted['cut']}")
    visit.click(f"Leave out {planted['doubled'][0]}")
    visit.click("Look for wrong labels")
    visit.job_is_done("Look for wrong labels")
    visit.shows("suspect labels")
    visit.look("suspects")
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


def mend_boxes(visit: Visit, planted: Planted) -> None:
    """The misspelt category and the cut file; boxes that lie outside or stand twice are told, and stay."""
    visit.click("Call figrue figure everywhere")
    visit.click(f"Leave out train/{planted['cut']}")


def mend_pages(visit: Visit, planted: Planted) -> None:
    """The page that is missing, the one whose line is cut, and the one with an outline outside."""
    for name in planted["pages"]:
        visit.click(f"Leave out {name}")


def mend_series(visit: Visit, _planted: Planted) -> None:
    """A copy without the row that stands twice; holes are filled in the training."""
    visit.click("Go on with a copy without rows that stand twice")
    visit.shows("/mended", 60)


def train(visit: Visit, module: str, minutes: float, options: Mapping[str, str]) -> None:
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
    visit.job_is_done(f"Train {module}", 60 * minutes + 600)
    visit.shows("finished")
    visit.look("run")


def promote(visit: Visit, module: str) -> None:
    """The model of the run that is seen."""
    visit.click("Use this model")
    for _ in range(TRIES):
        visit.click(f"Promote to {module}@champion")
        job = visit.job_is_done(f"Promote {module}", must_end_well=False)
        if job["state"] == "done":
            break
        # What is too slow while others work on the machine is asked once more.
        print(visit.studio.job(job["id"])["log"][-300:], flush=True)
    visit.shows("promoted")
    visit.look("model")


def serve(visit: Visit, others: Mapping[str, str]) -> str:
    """The snippet for curl of the server that has the model that is seen.

    Args:
        others: models of other parts of its pipeline.
    """
    visit.click("Try and serve it")
    for part, model in others.items():
        visit.type(f'[id="part-{part}"]', model)
    visit.look("pipeline")
    visit.click("Serve and try")
    visit.shows("healthy", 240)
    visit.shows("curl")
    snippet: str = visit.page.run(CURL)
    return snippet


def asked(snippet: str) -> Answer:
    """The answer to a snippet, given to a shell as it stands."""
    done = subprocess.run(["sh", "-c", snippet], capture_output=True, text=True, timeout=300, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    if answer.get("errorCode") != 0:
        raise SystemExit(f"the snippet was answered {done.stdout[:500]}")
    result: dict[str, Any] = answer["result"]
    return result


def file_of(snippet: str) -> Path:
    """What a snippet asks about."""
    return Path(snippet.split("base64 < ", 1)[1].split(" |", 1)[0].strip("'"))


def right_class(result: Answer, snippet: str, planted: Planted) -> str:
    """What it says of the picture, which must be its class."""
    image = file_of(snippet)
    name = "/".join(image.parts[-3:])
    true = planted["wrong"].get(name, "Sneaker" if "Snaeker" in name else image.parent.name)
    said = result["categories"][0]["name"]
    if said != true:
        raise SystemExit(f"{image} is a {true}, and the answer is {said}")
    return f"{name}: {said}"


def right_words(result: Answer, snippet: str, planted: Planted) -> str:
    """How many longer words of a page stand in what it read, to the letter; spaces are left out."""
    name = file_of(snippet).name
    true = [word for word in planted["words"][name] if len(word) >= LEAST_LETTERS]
    read = [text.replace(" ", "") for page in result["ocrResults"] for text in page["prunedResult"]["rec_texts"]]
    found = sum(any(word in text for text in read) for word in true)
    if found < LEAST_READ * len(true):
        raise SystemExit(f"{found} of {len(true)} words of {name} were read: {read[:20]}")
    return f"{found} of {len(true)} words of {name} read to the letter"


def right_regions(result: Answer, snippet: str, _planted: Planted) -> str:
    """What it found on a page, of which it must be sure."""
    sure = [one for one in result["detectedObjects"] if one["score"] >= 0.5]
    if not sure:
        raise SystemExit(f"nothing was found: {str(result)[:300]}")
    return f"{len(sure)} regions in {file_of(snippet).name}, {sure[0]['categoryName']} the first"


def right_table(result: Answer, _snippet: str, _planted: Planted) -> str:
    """A forecast, in rows."""
    rows = result["csv"]
    if len(rows) < 100:
        raise SystemExit(f"the answer is {rows}")
    return f"{len(rows)} characters of a table"


@dataclass(frozen=True)
class Errand:
    """What a stranger wants.

    Attributes:
        folder: that is brought, as `raw_folders` calls it.
        modules: what is learned from it, the last one served with the others.
        options: of a module's training, where the recipe's are not enough.
        parts: of the served pipeline that the others are for.
    """

    folder: str
    modules: tuple[str, ...]
    mend: Callable[[Visit, Planted], None]
    judge: Callable[[Answer, str, Planted], str]
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)


ERRANDS = {
    "classes": Errand("classes", ("image_cls",), mend_classes, right_class),
    "layout": Errand("boxes", ("layout_det",), mend_boxes, right_regions),
    "pages": Errand(
        "pages",
        ("text_det", "text_rec"),
        mend_pages,
        right_words,
        # As its check says: the pages have characters that the published weights don't know.
        {"text_rec": {"module.dict": "auto"}},
        {"TextDetection": "models:/text_det@champion"},
    ),
    "series": Errand("series", ("ts_forecast",), mend_series, right_table, {"ts_forecast": {"dataset.fill": "linear"}}),
}


def whole_way(visit: Visit, errand: Errand, raw: Path, planted: Planted, minutes: float) -> str:
    """From the folder to the answer; what it says."""
    first, *others = errand.modules
    bring(visit, raw, first)
    errand.mend(visit, planted)
    visit.job_is_done("Check", must_end_well=False)
    for module in errand.modules:
        if module in others:
            bring_again(visit, raw, module)
        train(visit, module, minutes, errand.options.get(module, {}))
        promote(visit, module)
    snippet = serve(visit, errand.parts)
    return errand.judge(asked(snippet), snippet, planted)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=ERRANDS)
    parser.add_argument("--folder", type=Path, required=True, help="empty, or not there yet")
    parser.add_argument("--minutes", type=float, default=3.0, help="of each training")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of every screen")
    given = parser.parse_args()
    errand, raw, home = ERRANDS[given.kind], given.folder / given.kind, given.folder / "home"
    for each in (raw, home):
        each.mkdir(parents=True)
    planted = MAKERS[errand.folder](raw, random.Random(1))
    began = time.monotonic()
    with visiting(home, raw, given.pictures) as visit:
        said = whole_way(visit, errand, raw, planted, given.minutes)
        minutes, clicks = (time.monotonic() - began) / 60, visit.clicks
        if given.pictures:
            tour(visit)
        foreign = {address for address in visit.page.asked if visit.studio.place not in address[:60]}
        foreign = {address for address in foreign if not address.startswith(("data:", "blob:"))}
    print(f"{given.kind}: {clicks} clicks, {minutes:.1f} minutes; {said}")
    print(f"asked elsewhere: {sorted(foreign) or 'nothing'}; faults of the page: {visit.page.faults or 'none'}")
    return 0 if clicks <= MOST_CLICKS and minutes <= MOST_MINUTES and not foreign else 1


if __name__ == "__main__":
    sys.exit(main())
