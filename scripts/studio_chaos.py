#!/usr/bin/env python
"""Kills a studio, its trainings and the browser that watches them, and compares what comes out with undisturbed runs.

    python scripts/studio_chaos.py --folder /tmp/chaos --kills 20 --seed 1

Kills (-9) come at random moments, while files are sent and images labelled. A studio is started again at another port,
a training is gone on with by the page's own request, a browser is opened again. In the end every training must be done,
every file and label must be there, and the collected command lines, given to a terminal in an empty folder, must come
to the same bits.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from chaos import RUN
from studio_busy import Hands

from kit.browser import CHROMIUM, Page, browsing
from kit.studios import PACKAGE, StudioProcess, studio_in
from plx_train.ground.files import sha256

STUDIO, TRAINING, BROWSER = "studio", "training", "browser"
LEAST_SECONDS, MOST_SECONDS = 1.0, 12.0
"""Between a kill and the next."""
LONGEST_SECONDS = 900.0
IS_SHOWN = "document.querySelectorAll('table.runs tbody tr, .jobs li').length > 0"


class Watched:
    """A browser that shows the runs of a studio, where this machine has one."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._page: Page | None = None

    def look(self, studio: StudioProcess) -> None:
        """Opens the page anew; it must show what is there."""
        self._open.close()
        if CHROMIUM:
            page = self._page = self._open.enter_context(browsing())
            page.open(studio.address)
            page.run("location.hash = '#/runs'")
            page.wait(IS_SHOWN)

    def kill(self) -> None:
        """As a user's machine would."""
        if self._page:
            self._page.kill()
        self._page = None
        self._open.close()


def trainings(studio: StudioProcess, seeds: int) -> list[str]:
    """Names of jobs that are put in line; what they write into stands in them."""
    asked = [[*(text for text in RUN if text != "quiet=true"), f"seed={seed}"] for seed in range(1, seeds + 1)]
    return [studio.post("/api/jobs", {"overrides": each, "title": f"Training {each[-1]}"})["id"] for each in asked]


def kill_one(studio: StudioProcess, browser: Watched, what: str) -> str:
    """What was hit, in words."""
    if what == STUDIO:
        studio.kill()
        studio.start()
        browser.look(studio)
        return "the studio"
    if what == BROWSER:
        browser.kill()
        browser.look(studio)
        return "the browser"
    running = [job for job in studio.get("/api/jobs")["jobs"] if job["state"] == "running"]
    for job in running:
        lock = studio.root / "studio" / "jobs" / job["id"] / "job.lock"
        if lock.is_file() and (leader := lock.read_text().strip()):
            os.killpg(int(leader), signal.SIGKILL)
            return job["title"]
    return "nothing: no training runs"


def go_on(studio: StudioProcess) -> bool:
    """Goes on with what was killed, by the page's request; whether all is done."""
    jobs = studio.get("/api/jobs")["jobs"]
    newest = {}
    for job in sorted(jobs, key=lambda job: job["made"]):
        newest[job["output"]] = job
    for job in newest.values():
        if job["state"] in ("failed", "lost"):
            studio.post(f"/api/jobs/{job['id']}/resume")
    return all(job["state"] == "done" for job in newest.values())


def digests(folder: Path) -> dict[str, str]:
    """Hashes of a run's best weights."""
    return {path.name: sha256(path) for path in sorted((folder / "checkpoints" / "best").glob("*.safetensors"))}


def replayed(commands: list[str], folder: Path) -> None:
    """Gives command lines to a terminal in an empty folder."""
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    for command in commands:
        words = [sys.executable, *shlex.split(command)[1:]]
        subprocess.run(words, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def disturbed(folder: Path) -> Iterator[tuple[StudioProcess, Watched]]:
    """A studio in `folder`, and a browser at it."""
    browser = Watched()
    with studio_in(folder) as studio:
        try:
            yield studio, browser
        finally:
            browser.kill()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="empty, or not there yet")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--trainings", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    home = given.folder / "studio"
    home.mkdir(parents=True)
    with disturbed(home) as (studio, browser):
        hands = Hands(studio, given.folder / "given", given.seed)
        names = trainings(studio, given.trainings)
        browser.look(studio)
        hands.begin()
        kills = [draw.choice((STUDIO, TRAINING, TRAINING, BROWSER)) for _ in range(given.kills)]
        for number, what in enumerate(kills, 1):
            time.sleep(draw.uniform(LEAST_SECONDS, MOST_SECONDS))
            print(f"{number}: killed {kill_one(studio, browser, what)}", flush=True)
            go_on(studio)
        ends = time.monotonic() + LONGEST_SECONDS
        while not go_on(studio):
            if time.monotonic() > ends:
                raise SystemExit(json.dumps(studio.get("/api/jobs"), indent=1))
            time.sleep(1)
        faults = hands.end()
        studio.kill()
        studio.start()
        browser.look(studio)
        faults += hands.missed()
        firsts = [studio.job(name) for name in names]
        resumed = len(studio.get("/api/jobs")["jobs"]) - len(names)
    words = ", ".join(f"{kills.count(what)} of the {what}" for what in (STUDIO, TRAINING, BROWSER))
    replayed([job["command"] for job in firsts], given.folder / "replayed")
    pairs = [(digests(home / job["output"]), digests(given.folder / "replayed" / job["output"])) for job in firsts]
    equal = sum(one == other and bool(one) for one, other in pairs)
    print(f"{given.kills} kills ({words}), {resumed} times gone on; {equal} of {len(pairs)} trainings equal to the bit")
    print(f"{hands.words()}; lost: {faults or 'nothing'}")
    return 0 if equal == len(pairs) and not faults else 1


if __name__ == "__main__":
    sys.exit(main())
