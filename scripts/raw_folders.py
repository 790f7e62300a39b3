#!/usr/bin/env python
"""Folders as people bring them, made of the embedded datasets, with faults planted that a check must show.

    python scripts/raw_folders.py classes|boxes|pages|series FOLDER

Prints what was planted as JSON. The same folder comes out each time.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

DATASETS = Path(__file__).resolve().parent.parent / "datasets"
KINDS = ("Trouser", "Sneaker", "Bag", "Dress", "Sandal")
MISSPELT = "Snaeker"
PAGES = {"train": 2, "val": 4}
"""Every which page of a split is brought: all of them take a quarter of an hour to be evaluated beside other work."""
OF_A_KIND, OF_A_KIND_VAL = 60, 16
SIDE = 112
WRONG_SHARE = 0.05
TURNED = 5
EXIF_ORIENTATION, TURNED_RIGHT = 0x0112, 6


def classes(folder: Path, draw: random.Random) -> dict[str, Any]:
    """A folder per class: turned photos, one picture on both sides, a misspelt class, a cut file, wrong labels."""
    names = (DATASETS / "clothes" / "label.txt").read_text("utf-8").splitlines()
    kinds = {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in names}
    planted: dict[str, Any] = {"turned": [], "wrong": {}, "misspelt": [], "cut": "", "doubled": []}
    for split, number in (("train", OF_A_KIND), ("val", OF_A_KIND_VAL)):
        rows = [line.rsplit(" ", 1) for line in (DATASETS / "clothes" / f"{split}.txt").read_text("utf-8").splitlines()]
        for kind in KINDS:
            chosen = [image for image, label in rows if kinds[label] == kind][:number]
            for place, image in enumerate(chosen):
                target = folder / split / kind / f"{kind.lower()}_{place:03}.jpg"
                target.parent.mkdir(parents=True, exist_ok=True)
                picture = Image.open(DATASETS / "clothes" / image).convert("RGB").resize((SIDE, SIDE))
                picture.save(target, quality=92)
    train = sorted((folder / "train").glob("*/*.jpg"))
    for path in draw.sample(train, TURNED):
        exif = Image.Exif()
        exif[EXIF_ORIENTATION] = TURNED_RIGHT
        # A camera held upright keeps the picture lying, and says so.
        Image.open(path).rotate(90, expand=True).save(path, quality=92, exif=exif)
        planted["turned"].append(path.relative_to(folder).as_posix())
    for path in draw.sample(train, round(WRONG_SHARE * len(train))):
        other = draw.choice([kind for kind in KINDS if kind != path.parent.name])
        target = folder / "train" / other / f"also_{path.name}"
        path.rename(target)
        planted["wrong"][target.relative_to(folder).as_posix()] = path.parent.name
    sneakers = sorted((folder / "train" / "Sneaker").glob("sneaker_*.jpg"))[:6]
    (folder / "train" / MISSPELT).mkdir()
    for path in sneakers:
        target = folder / "train" / MISSPELT / path.name
        path.rename(target)
        planted["misspelt"].append(target.relative_to(folder).as_posix())
    cut = sorted((folder / "train" / "Bag").glob("bag_*.jpg"))[3]
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    planted["cut"] = cut.relative_to(folder).as_posix()
    seen = sorted((folder / "val" / "Dress").glob("*.jpg"))[0]
    twin = folder / "train" / "Dress" / "dress_again.jpg"
    shutil.copy(seen, twin)
    planted["doubled"] = [path.relative_to(folder).as_posix() for path in (seen, twin)]
    return planted


def boxes(folder: Path, draw: random.Random) -> dict[str, Any]:
    """Pages in COCO's format: a box outside, one labelled twice, a misspelt category, a cut file."""
    planted: dict[str, Any] = {}
    for split in ("train", "val"):
        told = json.loads((DATASETS / "layout" / "annotations" / f"instance_{split}.json").read_text("utf-8"))
        (folder / split).mkdir(parents=True)
        for image in told["images"]:
            shutil.copy(DATASETS / "layout" / "images" / image["file_name"], folder / split / image["file_name"])
        if split == "train":
            planted = _plant_in_boxes(told, folder / split, draw)
        (folder / split / "_annotations.coco.json").write_text(json.dumps(told), "utf-8")
    return planted


def _plant_in_boxes(told: dict[str, Any], images: Path, draw: random.Random) -> dict[str, Any]:
    files = {image["id"]: image["file_name"] for image in told["images"]}
    outside, doubled, misspelt = draw.sample(told["annotations"], 3)
    outside["bbox"][0] = 5000
    told["annotations"].append({**doubled, "id": max(one["id"] for one in told["annotations"]) + 1})
    told["categories"].append({"id": 99, "name": "figrue"})
    misspelt["category_id"] = 99
    cut = images / told["images"][5]["file_name"]
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    named = {"outside": outside, "doubled": doubled, "misspelt": misspelt}
    return {key: files[one["image_id"]] for key, one in named.items()} | {"cut": cut.name}


def pages(folder: Path, draw: random.Random) -> dict[str, Any]:
    """Pages with marked lines: an outline outside the page, a page that is missing, a broken line."""
    (folder / "images").mkdir(parents=True)
    for split, every in PAGES.items():
        rows = (DATASETS / "pages" / f"{split}_lines.txt").read_text("utf-8").splitlines()[::every]
        for row in rows:
            name = row.split("\t", 1)[0]
            shutil.copy(DATASETS / "pages" / name, folder / name)
        (folder / f"{split}.txt").write_text("\n".join(rows) + "\n", "utf-8")
    lines = (folder / "train.txt").read_text("utf-8").splitlines()
    words = {}
    for line in lines:
        name, marked = line.split("\t", 1)
        words[Path(name).name] = " ".join(one["transcription"] for one in json.loads(marked)).split()
    first, second, third = draw.sample(range(len(lines)), 3)
    name, marked = lines[first].split("\t", 1)
    outlines = json.loads(marked)
    outlines[0]["points"] = [[x + 9000, y] for x, y in outlines[0]["points"]]
    lines[first] = f"{name}\t{json.dumps(outlines)}"
    lines[second] = lines[second][: len(lines[second]) // 2]
    names = [lines[place].split("\t", 1)[0] for place in (first, second, third)]
    (folder / names[2]).unlink()
    (folder / "train.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return {"outside": first + 1, "broken": second + 1, "missing": third + 1, "pages": names, "words": words}


def series(folder: Path, draw: random.Random) -> dict[str, Any]:
    """A table of traffic: rows that are missing, one that stands twice, a word among numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    head, *rows = (DATASETS / "traffic" / "train.csv").read_text("utf-8").splitlines()
    hole, twice, word = sorted(draw.sample(range(100, len(rows) - 100), 3))
    cells = rows[word].split(",")
    rows[word] = ",".join([cells[0], "n/a", *cells[2:]])
    rows = [*rows[:hole], *rows[hole + 3 : twice], rows[twice], *rows[twice:]]
    (folder / "traffic.csv").write_text("\n".join([head, *rows]) + "\n", "utf-8")
    return {"missing": 3, "twice": 1, "word": 1}


MAKERS: dict[str, Callable[[Path, random.Random], dict[str, Any]]] = {
    "classes": classes,
    "boxes": boxes,
    "pages": pages,
    "series": series,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=MAKERS)
    parser.add_argument("folder", type=Path, help="empty, or not there yet")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    print(json.dumps(MAKERS[given.kind](given.folder, random.Random(1)), indent=1))


if __name__ == "__main__":
    main()
