"""Somebody who sends files to a studio and labels images without a pause, however often it is killed meanwhile."""

from __future__ import annotations

import http.client
import json
import random
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from kit.exporters import picture
from kit.studios import StudioProcess
from plx_train.ground.files import sha256

CLASSES = ("sun", "moon", "star")
IMAGES = 40
UNHEARD = (OSError, http.client.HTTPException)
"""What a request meets while the studio is gone."""
AGAIN_SECONDS, PAUSE_SECONDS = 0.2, 0.05
REACHED_SECONDS = 120.0


class Hands:
    """Two of them: one sends files, one labels; both say again what was not heard, as pages do.

    Args:
        folder: for the pictures, new.
    """

    def __init__(self, studio: StudioProcess, folder: Path, seed: int) -> None:
        self._studio, self._folder = studio, folder
        self._draw = random.Random(seed)
        self._is_over = threading.Event()
        self._faults: list[str] = []
        self._labels: dict[str, str] = {}
        self._counts = {"labels": 0, "said again": 0}
        self._sent: dict[str, str] = {}
        for number in range(IMAGES):
            picture(folder / "raw" / f"{number}.png", number)
        self._labelled = studio.post("/api/uploads", {"name": "labelled"})["name"]
        for path in sorted((folder / "raw").iterdir()):
            self._put(self._labelled, path.name, path.read_bytes())
        studio.post(f"/api/data/{self._labelled}/module", {"module": "image_cls"})
        job = studio.post(f"/api/data/{self._labelled}/check")["id"]
        while studio.job(job)["ended"] is None:
            time.sleep(AGAIN_SECONDS)
        self._filled = studio.post("/api/uploads", {"name": "filled"})["name"]
        self._threads = [threading.Thread(target=one) for one in (self._send, self._label)]

    def begin(self) -> None:
        """Both begin."""
        for one in self._threads:
            one.start()

    def end(self) -> list[str]:
        """Both finish what they are at; what they met that they should not have."""
        self._is_over.set()
        for one in self._threads:
            one.join(REACHED_SECONDS)
            if one.is_alive():
                self._faults.append("the studio is not reached")
        return self._faults

    def missed(self) -> list[str]:
        """What is not there, or otherwise than it was said."""
        found = []
        place = self._studio.root / "studio" / "data" / self._filled / "files"
        there = {path.name: sha256(path) for path in place.iterdir()}
        found += [f"{name} was sent" for name, digest in self._sent.items() if there.get(name) != digest]
        found += [f"{name} was never sent whole" for name in there if name not in self._sent]
        rows = self._studio.get(f"/api/data/{self._labelled}/images?most=200")["rows"]
        shown = {row["image"]: row["truth"] for row in rows}
        kept = json.loads((self._studio.root / "studio" / "data" / self._labelled / "corrections.json").read_text())
        on_disk = {one["image"]: one.get("truth") for one in kept["corrections"]}
        for image, said in self._labels.items():
            if not said == shown.get(image) == on_disk.get(image):
                found.append(f"{image} is {said}, shown as {shown.get(image)}, kept as {on_disk.get(image)}")
        return found

    def words(self) -> str:
        """How much both did."""
        return (
            f"{len(self._sent)} files sent, {self._counts['labels']} labels of {len(self._labels)} images, "
            f"{self._counts['said again']} requests said again"
        )

    def _send(self) -> None:
        number = IMAGES
        while not self._is_over.is_set():
            path = picture(self._folder / "more" / f"{number}.png", number, (160, 160))
            content = path.read_bytes()
            status, told = self._heard(partial(self._put, self._filled, path.name, content))
            if status != 200:
                self._faults.append(f"{path.name}: {told!r}")
            self._sent[path.name] = sha256(path)
            number += 1
            time.sleep(PAUSE_SECONDS)

    def _label(self) -> None:
        while not self._is_over.is_set():
            image, said = f"{self._draw.randrange(IMAGES)}.png", self._draw.choice(CLASSES)
            body = json.dumps({"entries": [{"image": image, "truth": said}]}).encode()
            path = f"/api/data/{self._labelled}/labels"
            status, told = self._heard(partial(self._ask, "POST", path, body, "application/json"))
            if status != 200:
                self._faults.append(f"{image}: {told!r}")
            self._labels[image] = said
            self._counts["labels"] += 1
            time.sleep(PAUSE_SECONDS)

    def _heard(self, ask: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        ends = time.monotonic() + REACHED_SECONDS
        while True:
            try:
                return ask()
            except UNHEARD:
                if time.monotonic() > ends:
                    raise
                self._counts["said again"] += 1
                time.sleep(AGAIN_SECONDS)

    def _put(self, name: str, path: str, body: bytes) -> tuple[int, bytes]:
        return self._ask("PUT", f"/api/data/{name}/files?path={quote(path)}", body, "application/octet-stream")

    def _ask(self, method: str, path: str, body: bytes, kind: str) -> tuple[int, Any]:
        return self._studio.request(method, path, body, {**self._studio.headers(), "Content-Type": kind})
