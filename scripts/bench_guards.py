#!/usr/bin/env python
"""What safety costs: the look at a graph before it is loaded, and decoding in another process, as processor time.

    python scripts/bench_guards.py outputs/a/export outputs/b/export

A row for each exported folder, medians of the loads, in milliseconds; then one for each kind of picture, decoded in
turn here and by a decoder, whose own time counts too: medians of rounds of 20 pictures, a picture.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import psutil

from plx_train.export.graphs.checked import checked_export
from plx_train.export.predictor import Predictor
from plx_train.vision.decoders.process import Decoder, GivenFile
from plx_train.vision.image import decode_image

PICTURES = (("JPEG", ".jpg", 224, 224), ("JPEG", ".jpg", 1024, 800), ("PNG", ".png", 1024, 800),
            ("JPEG", ".jpg", 4000, 3000))  # fmt: skip
A_ROUND = 20
SECONDS = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exports", nargs="*", type=Path, help="exported folders")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    if given.exports:
        print("| export | looking at the graph ms | all of its loading ms |\n|---|---|---|")
    for folder in given.exports:
        print(f"| {folder} | {' | '.join(f'{1e3 * each:.1f}' for each in loading(folder, given.rounds))} |")
    print("\n| picture | here ms | by a decoder ms |\n|---|---|---|")
    decoder = Decoder()
    for kind, suffix, width, height in PICTURES:
        content = picture(suffix, width, height)
        here, there = decoding(decoder, content, given.rounds)
        print(f"| {kind}, {width} × {height} | {1e3 * here:.1f} | {1e3 * there:.1f} |")
    decoder.end()


def loading(folder: Path, rounds: int) -> tuple[float, float]:
    """Seconds that the look at a folder's graph takes, and its loading with it."""
    Predictor(folder)
    looks = [spent(lambda: checked_export(folder)) for _ in range(rounds)]
    loads = [spent(lambda: Predictor(folder)) for _ in range(rounds)]
    return statistics.median(looks), statistics.median(loads)


def spent(work: Callable[[], object]) -> float:
    """Seconds of this process's processor time."""
    began = time.process_time()
    work()
    return time.process_time() - began


def picture(suffix: str, width: int, height: int) -> np.ndarray:
    """A photo-like picture, encoded, uint8 (bytes,)."""
    noise = np.random.default_rng(0).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return cv2.imencode(suffix, cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC))[1].reshape(-1)


def repeated(work: Callable[[], None]) -> None:
    """Does so a round long."""
    for _ in range(A_ROUND):
        work()


def decoding(decoder: Decoder, content: np.ndarray, rounds: int) -> tuple[float, float]:
    """Seconds a picture takes here, and by the decoder with what this process does for it."""
    path, process = Path("picture"), psutil.Process(decoder.process_id)
    file = GivenFile(content.tobytes(), path, is_pdf=False)

    def by_decoder() -> None:
        decoder.open(file, SECONDS)
        decoder.page(0, decoder.max_pixels, SECONDS)
        decoder.put_away(SECONDS)

    by_decoder()
    here, there = [], []
    for _ in range(rounds):
        here.append(spent(lambda: [decode_image(content, path) for _ in range(A_ROUND)]) / A_ROUND)
        before = sum(process.cpu_times()[:2])
        own = spent(lambda: repeated(by_decoder))
        there.append((own + sum(process.cpu_times()[:2]) - before) / A_ROUND)
    return statistics.median(here), statistics.median(there)


if __name__ == "__main__":
    main()
