#!/usr/bin/env python
"""Measures what a page that watches a training costs it: the same training, watched and left alone in turn.

    nice python scripts/studio_watched.py --folder /tmp/watched --pairs 20 --seconds 10

One training goes on in a studio; a headless Chromium shows its page, with curves and log as they go, for some seconds,
and nothing for as long, in an order that is drawn. Steps are counted by the times at which the training wrote them
down, processor time by process group. Prints steps a second in watched windows in proportion to the others, and steps a
second of the training's own processor time, which other work changes less, with standard errors of the means over
pairs, and the cores that studio and browser took. Needs Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from bisect import bisect_left
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from chaos import RUN

from kit.browser import Page, browsing
from kit.studios import StudioProcess, studio_in
from plx_train.runs.folder import SPOOL_NAME

NOWHERE = "about:blank"
WARM_SECONDS = 15.0
SETTLING_SECONDS = 2.0
"""After a page was opened or closed; not counted."""
LONGER = {"trainer.epochs": "100000", "trainer.eval_every_epochs": "100000", "trainer.log_every_steps": "1"}
CHANGED = (*LONGER, "trainer.save_every_steps")


def begin(studio: StudioProcess) -> dict[str, Any]:
    """A training without an end that does nothing but steps."""
    kept = [text for text in RUN if text.partition("=")[0] not in CHANGED]
    overrides = [*kept, *(f"{key}={value}" for key, value in LONGER.items())]
    job: dict[str, Any] = studio.post("/api/jobs", {"overrides": overrides, "title": "Watched"})
    while not (spool := studio.root / job["output"] / SPOOL_NAME).is_file() or not steps_in(spool):
        time.sleep(0.5)
    return job


def steps_in(spool: Path) -> list[float]:
    """When each step was written down, in seconds."""
    times = []
    for line in spool.read_text("utf-8").splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        told = json.loads(line)
        if told["kind"] == "metrics" and any(key.startswith("train/") for key in told["values"]):
            times.append(told["ms"] / 1000)
    return times


def cpu_seconds(group: int) -> float:
    """Processor time so far of a process, or of the group that it leads."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if group in (int(path.parent.name), int(fields[2])):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def window(page: Page, address: str, seconds: float, groups: dict[str, int]) -> dict[str, Any]:
    """A time with a page open, its beginning and end, and the cores that each group took in it."""
    page.run(f"location.href = {json.dumps(address)}")
    time.sleep(SETTLING_SECONDS)
    began, before = time.time(), {name: cpu_seconds(group) for name, group in groups.items()}
    time.sleep(seconds)
    ended = time.time()
    cores = {name: (cpu_seconds(group) - before[name]) / (ended - began) for name, group in groups.items()}
    return {"began": began, "ended": ended, "cores": cores, "is_watched": address != NOWHERE}


def told(windows: list[dict[str, Any]], steps: list[float]) -> str:
    """The figures, in words."""
    for one in windows:
        count = bisect_left(steps, one["ended"]) - bisect_left(steps, one["began"])
        one["rate"] = count / (one["ended"] - one["began"])
        one["own rate"] = one["rate"] / one["cores"]["training"]
    pairs = [
        sorted(windows[place : place + 2], key=lambda one: not one["is_watched"]) for place in range(0, len(windows), 2)
    ]
    ratios = ", ".join(
        f"{name} {_spread([watched[key] / alone[key] for watched, alone in pairs])}"
        for name, key in (("a second", "rate"), ("a second of its processor time", "own rate"))
    )
    alone = statistics.mean(pair[1]["rate"] for pair in pairs)
    cores = {
        f"{name} {word}": statistics.mean(pair[place]["cores"][name] for pair in pairs)
        for name in windows[0]["cores"]
        for place, word in enumerate(("watched", "alone"))
    }
    taken = ", ".join(f"{name} {value:.3f}" for name, value in cores.items())
    return f"{len(pairs)} pairs, {alone:.1f} steps/s alone\nsteps watched / alone: {ratios}\ncores taken: {taken}"


def _spread(ratios: list[float]) -> str:
    error = statistics.stdev(ratios) / len(ratios) ** 0.5
    return f"{statistics.mean(ratios):.4f} ± {error:.4f} (median {statistics.median(ratios):.4f})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="empty, or not there yet")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each window")
    given = parser.parse_args()
    given.folder.mkdir(parents=True)
    draw = random.Random(1)
    with studio_in(given.folder) as studio, browsing() as page:
        job = begin(studio)
        name = job["output"].removeprefix("outputs/")
        page.open(studio.address)
        watched = f"http://{studio.place}/#/run?name={name}"
        lock = given.folder / "studio" / "jobs" / job["id"] / "job.lock"
        groups = {"training": int(lock.read_text()), "studio": studio.pid, "browser": page.leader}
        time.sleep(WARM_SECONDS)
        windows = []
        for _ in range(given.pairs):
            for address in draw.sample((watched, NOWHERE), 2):
                windows.append(window(page, address, given.seconds, groups))
        faults = page.faults
    print(told(windows, steps_in(given.folder / job["output"] / SPOOL_NAME)))
    print(f"faults of the page: {faults or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
