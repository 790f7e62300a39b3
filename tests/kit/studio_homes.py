"""Homes of studios, and jobs in them that look as if they ran or ended, without their commands."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plx_train.serving.server import LISTENING
from plx_train.studio.home import Home, make_home


def new_home(folder: Path) -> Home:
    """A home that may look into its own folder alone."""
    return make_home(str(folder), [str(folder)])


def job_folder(home: Home, name: str, overrides: Sequence[str], lane: str, **more: Any) -> Path:
    """A job that waits."""
    folder = home.jobs / name
    folder.mkdir(parents=True)
    made = {"id": name, "overrides": list(overrides), "title": f"Job {name}", "lane": lane, "made": time.time()}
    (folder / "job.json").write_text(json.dumps({**made, "output": None, "about": {}, **more}))
    return folder


def ended_job(
    home: Home, name: str, overrides: Sequence[str], log: str = "", code: int = 0, lane: str = "quick", **more: Any
) -> None:
    """A job that ended with a code."""
    folder = job_folder(home, name, overrides, lane, **more)
    (folder / "job.log").write_text(log)
    (folder / "ended.json").write_text(json.dumps({"code": code, "began": time.time() - 5, "at": time.time()}))


@contextmanager
def running_job(home: Home, name: str, overrides: Sequence[str], log: str, lane: str = "serving") -> Iterator[None]:
    """A job whose lock is held within the block, as its guard would."""
    folder = job_folder(home, name, overrides, lane)
    (folder / "job.log").write_text(log)
    (folder / "started.json").write_text(json.dumps({"at": time.time()}))
    lock = os.open(folder / "job.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(lock)


def listening(address: str) -> str:
    """What a command prints that serves at an address."""
    return f"TextDetection: PP-OCRv4_mobile_det\n{LISTENING.format(name='OCR', address=address)}\n"
