#!/usr/bin/env python3
"""Writes a dataset of image features: emoji of one design to be found among those of another, whole categories unseen.

    npm pack emoji-datasource-google@16.0.0 emoji-datasource-twitter@16.0.0
    mkdir google twitter
    tar xzf emoji-datasource-google-*.tgz -C google && tar xzf emoji-datasource-twitter-*.tgz -C twitter
    python scripts/emoji_retrieval.py google/package twitter/package data/emoji

Trained on are both designs of what is in no held-out category; of those the gallery has Noto's design (Apache-2.0) and
queries are Twemoji's (CC BY 4.0). What equals an earlier emoji to the byte, in either design, is left out.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

HELD_OUT = ("Objects", "Symbols", "Food & Drink")
SIDE = "64"


def write(google: Path, twitter: Path, target: Path) -> dict[str, int]:
    """Writes images and label files into `target`; how many lines each has."""
    designs = {"google": google / "img/google" / SIDE, "twitter": twitter / "img/twitter" / SIDE}
    for name in designs:
        (target / "images" / name).mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {"train": [], "gallery": [], "query": [], "label": []}
    seen: set[str] = set()
    for emoji in sorted(json.loads((google / "emoji.json").read_text("utf-8")), key=lambda one: one["image"]):
        if not (emoji["has_img_google"] and emoji["has_img_twitter"]):
            continue
        files = {name: folder / emoji["image"] for name, folder in designs.items()}
        hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files.values()}
        if not hashes & seen:
            number = len(lines["label"])
            lines["label"].append(f"{number} {emoji['short_name']}\n")
            is_held_out = emoji["category"] in HELD_OUT
            for name, path in files.items():
                shutil.copyfile(path, target / "images" / name / path.name)
                split = "train" if not is_held_out else "gallery" if name == "google" else "query"
                lines[split].append(f"images/{name}/{path.name} {number}\n")
        seen |= hashes
    for split, text in lines.items():
        (target / f"{split}.txt").write_text("".join(text), "utf-8")
    return {split: len(text) for split, text in lines.items()}


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    print(write(*map(Path, sys.argv[1:])))
