"""Masks in a real browser: brushed, drawn by corners, taken back; the data's own files stay as they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from kit.browser import CHROMIUM, Page, browsing
from kit.processes import until
from kit.rooms import tiny_room
from kit.studios import PACKAGE, StudioProcess, brought, checked

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]
IMAGE = "images/train_0.png"
CLASSES = ["_background_", "disc", "rectangle"]
SHOWN = """(() => { const sheet = document.querySelector('.mask canvas'), seen = sheet.getContext('2d')
  .getImageData(0, 0, sheet.width, sheet.height).data;
  return [...seen].filter((_, at) => at % 4 === 3 && seen[at]).length; })()"""
"""How many pixels the page shows to be of a class."""


def key(page: Page, name: str) -> None:
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key=name, **({"text": name} if kind == "keyDown" else {}))


def pointed(page: Page, kind: str, x: float, y: float) -> None:
    """The mouse, at shares of the picture's width and height."""
    left, top, width, height = page.run(
        "(() => { const box = document.querySelector('.mask svg').getBoundingClientRect();"
        "return [box.left, box.top, box.width, box.height]; })()"
    )
    where = {"x": left + x * width, "y": top + y * height, "button": "left", "buttons": 1, "clickCount": 1}
    page.call("Input.dispatchMouseEvent", type=kind, **where)


def test_a_mask_is_brushed_filled_and_taken_back(studio: StudioProcess, home: Path) -> None:
    root = tiny_room("semantic_seg").make_dataset(home / "shapes")
    given = cv2.imread(str(root / "annotations" / "train_0.png"), cv2.IMREAD_UNCHANGED)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    name = brought(studio, root, "semantic_seg")
    checked(studio, name)
    kept = home / "studio" / "data" / name

    def mask() -> np.ndarray | None:
        path = kept / "corrections.json"
        entries = json.loads(path.read_text())["corrections"] if path.exists() else []
        return cv2.imread(str(kept / entries[0]["truth"]["mask"]), cv2.IMREAD_UNCHANGED) if entries else None

    def is_now(expected: np.ndarray | None) -> bool:
        found = mask()
        return found is expected if found is None or expected is None else np.array_equal(found, expected)

    with browsing() as page:
        page.look("light", 1280, 1000)
        page.open(studio.address)
        page.wait("Boolean(document.querySelector('nav a'))", 60)
        page.run(f"location.hash = '#/label?name={name}&image={IMAGE}'")
        page.wait(f"Boolean(document.querySelector('.mask canvas')) && {SHOWN} === {np.count_nonzero(given)}", 60)
        key(page, "3")
        for kind, x, y in (("mousePressed", 0.05, 0.9), ("mouseMoved", 0.3, 0.9), ("mouseReleased", 0.3, 0.9)):
            pointed(page, kind, x, y)
        until(lambda: mask() is not None)
        brushed = mask()
        assert brushed is not None and (brushed[57, 4:19] == 2).all() and np.array_equal(brushed[:50], given[:50])
        key(page, "p")
        key(page, "2")
        for x, y in ((0.5, 0), (0.999, 0), (0.999, 0.25), (0.5, 0.25)):
            pointed(page, "mousePressed", x, y)
            pointed(page, "mouseReleased", x, y)
        page.press("Enter")
        filled = brushed.copy()
        filled[:16, 32:] = 1
        until(lambda: is_now(filled))
        key(page, "u")
        until(lambda: is_now(brushed))
        page.wait(f"{SHOWN} === {np.count_nonzero(brushed)}")
        key(page, "u")
        until(lambda: is_now(None))
        page.wait(f"{SHOWN} === {np.count_nonzero(given)}")
        assert not page.faults
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_requests_about_masks(studio: StudioProcess, home: Path) -> None:
    root = tiny_room("semantic_seg").make_dataset(home / "asked")
    (home / "secret.png").write_bytes((root / "annotations" / "train_0.png").read_bytes())
    name = brought(studio, root, "semantic_seg")
    checked(studio, name)
    told = studio.get(f"/api/data/{name}/mask?image={IMAGE}")
    assert told["size"] == [64, 64] and told["classes"] == CLASSES and sum(told["runs"][1::2]) == 64 * 64
    assert studio.request("GET", f"/api/data/{name}/mask?image=../secret.png")[0] == 400
    truth = {"size": [64, 64], "runs": [1, 4096], "classes": CLASSES}
    row = studio.post(f"/api/data/{name}/labels", {"entries": [{"image": IMAGE, "truth": truth}]})["rows"][0]
    assert row["state"] == "corrected" and row["was"] == {"mask": "annotations/train_0.png"} and row["isMended"]
    assert studio.get(f"/api/data/{name}/mask?image={IMAGE}")["runs"] == [1, 4096]
    assert studio.get(f"/api/data/{name}/mask?image={IMAGE}&was=true")["runs"] == told["runs"]
    for wrong in (
        {"size": [64, 64], "runs": [9, 4096], "classes": CLASSES},
        {"mask": "../../../secret.png", "classes": CLASSES},
        {"mask": "../secret.png"},
        "disc",
        ["disc"],
    ):
        studio.post(f"/api/data/{name}/labels", {"entries": [{"image": IMAGE, "truth": wrong}]}, 400)
    noisy = {"size": [64, 64], "runs": [0, 1] * 2_000_000, "classes": CLASSES}
    body = json.dumps({"entries": [{"image": IMAGE, "truth": noisy}]}).encode()
    headers = {**studio.headers(), "Content-Type": "application/json"}
    assert studio.request("POST", f"/api/data/{name}/labels", body, headers)[0] == 413
    one = checked(studio, name)
    assert "1 corrected by corrections.json" in one["check"]["division"] and not one["isNewer"]
    row = studio.get(f"/api/data/{name}/image?image={IMAGE}")
    assert not row["isMended"], "the check knows of it"
    assert studio.get(f"/api/data/{name}/mask?image={IMAGE}")["runs"] == [1, 4096]


def test_a_defect_is_marked(studio: StudioProcess, home: Path) -> None:
    root = tiny_room("image_anomaly").make_dataset(home / "stripes")
    name = brought(studio, root, "image_anomaly")
    checked(studio, name)
    told = studio.get(f"/api/data/{name}/mask?image={IMAGE}")
    assert told["classes"] == ["good", "defect"] and told["runs"] == [0, 4096]
    truth = {"size": [64, 64], "runs": [0, 64, 2, 4032], "classes": ["good", "defect", "cut"]}
    studio.post(f"/api/data/{name}/labels", {"entries": [{"image": IMAGE, "truth": truth}]})
    one = checked(studio, name)
    assert one["check"]["ok"] and "1 corrected" in one["check"]["division"]
    told = studio.get(f"/api/data/{name}/mask?image={IMAGE}")
    assert told["runs"] == [0, 64, told["classes"].index("cut"), 4032]


def test_what_a_model_sees_is_shown_and_accepted(studio: StudioProcess, home: Path) -> None:
    root = tiny_room("semantic_seg").make_dataset(home / "asked_of_a_model")
    lines = (root / "train.txt").read_text().splitlines(keepends=True)
    (root / "train.txt").write_text("".join(line for line in lines if not line.startswith(IMAGE)))
    (root / "annotations" / "train_0.png").unlink()
    name = brought(studio, root, "semantic_seg")
    checked(studio, name)
    given = [*tiny_room("semantic_seg").overrides, "module=semantic_seg", f"dataset.root={root}", "tracking=off"]
    run = subprocess.run(
        [sys.executable, "-m", "plx_train", *given, "trainer.max_steps=1", "output=outputs/seen", "device=cpu"],
        cwd=home, env=os.environ | {"PYTHONPATH": str(PACKAGE)}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    studio.post(f"/api/data/{name}/predict", {"run": "seen"})
    until(
        lambda: studio.get(f"/api/data/{name}/line?choice=suggested")["images"] == [IMAGE], "no image is suggested", 90
    )
    said = studio.get(f"/api/data/{name}/images?choice=suggested")["rows"][0]["suggested"]
    assert sum(said["truth"]["runs"][1::2]) == 64 * 64 and said["truth"]["classes"] == CLASSES
    assert not any(row["suggested"]["truth"] for row in studio.get(f"/api/data/{name}/images")["rows"])
    kept = home / "studio" / "data" / name / "corrections.json"

    with browsing() as page:
        page.look("light", 1280, 1000)
        page.open(studio.address)
        page.wait("Boolean(document.querySelector('nav a'))", 60)
        page.run(f"location.hash = '#/label?name={name}&choice=suggested'")
        page.wait("Boolean(document.querySelector('.callout img')?.naturalWidth)", 60)
        key(page, "a")
        until(kept.exists)
        assert not page.faults

    (entry,) = json.loads(kept.read_text())["corrections"]
    mask = cv2.imread(str(kept.parent / entry["truth"]["mask"]), cv2.IMREAD_UNCHANGED)
    numbers, lengths = said["truth"]["runs"][::2], said["truth"]["runs"][1::2]
    assert entry["image"] == IMAGE and np.array_equal(mask.ravel(), np.repeat(numbers, lengths))
