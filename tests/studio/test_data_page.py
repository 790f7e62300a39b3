"""Data and labels in a real browser: from a folder of pictures to a training, by mouse and keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.browser import CHROMIUM, Page, browsing
from kit.exporters import class_folders, picture
from kit.processes import until
from kit.runs import train_room
from kit.studios import StudioProcess

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]


@pytest.fixture
def page(studio: StudioProcess) -> Iterator[Page]:
    with browsing() as page:
        page.look("light", 1280, 1000)
        page.open(studio.address)
        there(page, "nav a")
        yield page
        assert not [each for each in page.asked if studio.place not in each and not each.startswith(("data:", "blob:"))]


def there(page: Page, selector: str, image: str = "") -> None:
    """Waits until it is there, on the desk of an image where one is named."""
    at = f"document.querySelector('.file')?.textContent === {image!r}" if image else "true"
    page.wait(f"{at} && Boolean(document.querySelector({selector!r}))", 60)


def go(page: Page, place: str) -> None:
    page.run(f"location.hash = {place!r}")


def click(page: Page, name: str) -> None:
    """The button or link that is called so."""
    found = (
        "[...document.querySelectorAll('button, a')].find((one) => !one.disabled && "
        f"(one.getAttribute('aria-label') || one.textContent).trim().startsWith({name!r}))"
    )
    page.wait(f"Boolean({found})")
    page.run(f"{found}.click()")


def fill(page: Page, selector: str, text: str) -> None:
    there(page, selector)
    page.run(
        f"(() => {{ const field = document.querySelector({selector!r}); field.value = {text!r};"
        "field.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )


def key(page: Page, name: str) -> None:
    text = {"text": name} if len(name) == 1 else {}
    page.call("Input.dispatchKeyEvent", type="keyDown", key=name, **text)
    page.call("Input.dispatchKeyEvent", type="keyUp", key=name)


def labels_of(home: Path, name: str) -> dict[str, Any]:
    path = home / "studio" / "data" / name / "corrections.json"
    told = json.loads(path.read_text()) if path.exists() else {"corrections": []}
    return {one["image"]: one.get("truth", "left out") for one in told["corrections"]}


def test_a_folder_of_pictures_is_labelled_and_trained_on(studio: StudioProcess, home: Path, page: Page) -> None:
    root = home / "raw"
    for number in range(7):
        picture(root / f"{number}.png", number)
    go(page, "#/data")
    fill(page, "#folder", str(root))
    click(page, "Add")
    click(page, "Learn image_cls")
    page.wait("document.body.innerText.includes('unlabelled')", 60)
    click(page, "Label")
    go(page, "#/label?name=raw")
    for number, name in enumerate(("sun", "moon")):
        page.wait(
            f"document.querySelector('.file')?.textContent === '{number}.png' && document.querySelector('#new-name')"
        )
        fill(page, "#new-name", name)
        click(page, "Take")
    for number, which in enumerate("1212", 2):
        page.wait(
            f"document.querySelector('.file').textContent === '{number}.png' && document.querySelector('.names button')"
        )
        key(page, which)
    there(page, ".names button", "6.png")
    key(page, "x")
    wanted = {f"{number}.png": ("sun", "moon")[number % 2] for number in range(6)} | {"6.png": "left out"}
    until(lambda: labels_of(home, "raw") == wanted)
    key(page, "u")
    until(lambda: "6.png" not in labels_of(home, "raw"))
    click(page, "Done")
    click(page, "Check again")
    page.wait("document.body.innerText.includes('6 added by corrections.json')", 60)
    click(page, "Train on this")
    there(page, ".bottom pre")
    said = page.run("document.querySelector('.bottom pre').textContent")
    assert "dataset.root=raw dataset.corrections=studio/data/raw/corrections.json" in said
    corrections = home / "studio" / "data" / "raw" / "corrections.json"
    result = train_room("image_cls", root, home / "run", f"dataset.corrections={corrections}", "trainer.max_steps=2")
    assert result.metrics and not page.faults


def test_a_fault_is_mended_at_its_picture(studio: StudioProcess, home: Path, page: Page) -> None:
    root = class_folders(home / "pets", ("cat", "horse"), 4, ("train", "val"))
    (root / "train" / "hrose").mkdir()
    picture(root / "train" / "hrose" / "9.png", 900)
    (root / "val" / "horse" / "0.png").write_bytes((root / "train" / "horse" / "0.png").read_bytes())
    name = studio.post("/api/data", {"root": str(root)})["name"]
    studio.post(f"/api/data/{name}/module", {"module": "image_cls"})
    studio.post(f"/api/data/{name}/check")
    go(page, f"#/data?name={name}")
    page.wait("document.querySelector('.fault-card img')?.naturalWidth > 0", 60)
    click(page, "Leave out val/horse/0.png")
    until(lambda: labels_of(home, name) == {"val/horse/0.png": "left out"})
    click(page, "Call hrose horse everywhere")
    until(lambda: labels_of(home, name).get("train/hrose/9.png") == "horse")
    click(page, "Undo: val/horse/0.png")
    until(lambda: labels_of(home, name) == {"train/hrose/9.png": "horse"})


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    where = {"button": "left", "buttons": 1, "clickCount": 1}
    page.call("Input.dispatchMouseEvent", type="mousePressed", x=start[0], y=start[1], **where)
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=end[0], y=end[1], **where)
    page.call("Input.dispatchMouseEvent", type="mouseReleased", x=end[0], y=end[1], **where)


def test_a_box_is_drawn_named_moved_and_taken_away(studio: StudioProcess, home: Path, page: Page) -> None:
    name = studio.post("/api/data", {"embedded": "layout_det"})["name"]
    job = studio.post(f"/api/data/{name}/check")["id"]
    until(lambda: studio.job(job)["state"] == "done", 60)
    image = studio.get(f"/api/data/{name}/line")["images"][0]
    row = studio.get(f"/api/data/{name}/image?image={image}")
    go(page, f"#/label?name={name}")
    page.wait("document.querySelectorAll('.outline').length", 60)
    left, top, width, height = page.run(
        "(() => { const box = document.querySelector('.sheet svg').getBoundingClientRect();"
        "return [box.left, box.top, box.width, box.height]; })()"
    )
    scale = min(width / row["width"], height / row["height"])
    edge = left + (width - scale * row["width"]) / 2
    drag(page, (edge + 4, top + 4), (edge + 34, top + 24))
    until(lambda: len(labels_of(home, name).get(image, [])) == len(row["truth"]) + 1)
    key(page, "5")
    until(lambda: labels_of(home, name)[image][-1]["label"] == "figure")
    drawn = labels_of(home, name)[image][-1]["points"]
    assert drawn[0][0] == pytest.approx(4 / scale, abs=2 / scale)
    assert drawn[2][1] == pytest.approx(24 / scale, abs=2 / scale)
    key(page, "ArrowRight")
    until(lambda: labels_of(home, name)[image][-1]["points"][0][0] == pytest.approx(drawn[0][0] + 1))
    key(page, "Delete")
    until(lambda: labels_of(home, name)[image] == row["truth"])
    key(page, "u")
    until(lambda: len(labels_of(home, name)[image]) == len(row["truth"]) + 1)


def test_a_folder_is_sent_and_not_twice(studio: StudioProcess, home: Path, page: Page, tmp_path: Path) -> None:
    given = class_folders(tmp_path / "sent", ("cat", "horse"), 3)
    (given / ".hidden").write_text("x")
    (given / "all.zip").write_bytes(b"PK")
    go(page, "#/data")
    there(page, "#choose-folder")
    page.choose_file("#choose-folder", given)
    page.wait("document.body.innerText.includes('6 of 6 files are here.')", 60)
    kept = home / "studio" / "data" / "sent" / "files"
    sent = {str(path.relative_to(kept)): path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    assert sent == {str(path.relative_to(given)): path.read_bytes() for path in given.rglob("*.png")}
    page.asked.clear()
    (given / "cat" / "9.png").write_bytes((given / "cat" / "0.png").read_bytes() + b"more")
    page.run("document.querySelector('.drop').closest('details').open = true")
    page.choose_file("#choose-folder", given)
    page.wait("document.body.innerText.includes('7 of 7 files are here.')", 60)
    assert sum("/files?path=" in each for each in page.asked) == 1 and (kept / "cat" / "9.png").is_file()


CLICKED_AT_ONCE = """(() => { const ask = fetch; window.fetch = async (path, given) => {
  const answer = await ask(path, given);
  if (String(path).endsWith("/labels"))
    [...document.querySelectorAll("button")].find((one) => one.textContent === "Train on this").click();
  return answer; }; })()"""
"""Has *Train on this* clicked in the moment in which a label is on disk."""


def test_a_training_takes_the_mend_of_the_moment_before(studio: StudioProcess, home: Path, page: Page) -> None:
    root = class_folders(home / "quick", ("cat", "horse"), 4, ("train", "val"))
    (root / "val" / "horse" / "0.png").write_bytes((root / "train" / "horse" / "0.png").read_bytes())
    name = studio.post("/api/data", {"root": str(root)})["name"]
    studio.post(f"/api/data/{name}/module", {"module": "image_cls"})
    job = studio.post(f"/api/data/{name}/check")["id"]
    until(lambda: studio.job(job)["state"] not in ("queued", "running"), 60)
    go(page, f"#/data?name={name}")
    there(page, "button[aria-label='Leave out val/horse/0.png']")
    page.run(CLICKED_AT_ONCE)
    click(page, "Leave out val/horse/0.png")
    page.wait("location.hash.startsWith('#/train')")
    assert "corrections.json" in page.run("location.hash")
