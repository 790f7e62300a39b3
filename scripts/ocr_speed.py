#!/usr/bin/env python
"""How long OCR of a page takes here, in PaddleX and in RapidOCR, with the same weights, in turn on the same cores.

    python scripts/ocr_speed.py --paddlex <python with paddlex> --rapidocr <python with rapidocr-onnxruntime> [PAGE …]

Each tool runs in a process of its own, which stays; pages go to one after the other, round after round. Ratios above 1
say how many times as long the other one takes. PaddleX and this package read the same frozen folder with defaults;
RapidOCR has its own conversion of the same weights.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from difflib import SequenceMatcher
from pathlib import Path

from side_by_side import OWN, ROOT, Answer, Read, Readers, arguments, ask_in_turn, compared, serve, start

NUM_PAGES = 6


def main() -> int:
    """Prints a table; the exit code is 1 if this package is slower or its texts differ from PaddleX's."""
    parser = arguments(__doc__, READERS)
    parser.add_argument("pages", nargs="*", type=Path)
    parser.add_argument("--paddlex")
    parser.add_argument("--rapidocr")
    options = parser.parse_args()
    if options.worker:
        serve(READERS[options.worker](options.folder))
        return 0
    pages = options.pages or sorted((ROOT / "datasets/pages/images").iterdir())[:NUM_PAGES]
    pythons = {OWN: sys.executable, "paddlex": options.paddlex, "rapidocr": options.rapidocr}
    with tempfile.TemporaryDirectory() as scratch:
        frozen = f"{scratch}/ocr"
        command = [sys.executable, "-m", "plx_train", "mode=export_pipeline", "pipeline=OCR", f"output={frozen}"]
        subprocess.run(command, check=True, capture_output=True)
        workers = {name: start(__file__, name, python, frozen) for name, python in pythons.items() if python}
        return report(ask_in_turn(workers, pages, options.rounds))


def report(found: dict[str, list[list[Answer]]]) -> int:
    """Prints medians, ratios and how far the texts agree."""
    own = found[OWN]
    own_lines = lines_of(own)
    print(f"{'':10s}{'median s/page':>14s}{'slowest':>9s}{'ratio':>7s}  texts as here")
    slower = False
    for name, answers in found.items():
        median, ratio = compared(answers, own, lambda answer: answer.seconds)
        slowest = max(answer.seconds for pages in answers[1:] for answer in pages)
        lines = lines_of(answers)
        equal = "identical" if lines == own_lines else f"{SequenceMatcher(None, lines, own_lines, False).ratio():.1%}"
        print(f"{name:10s}{median:14.3f}{slowest:9.3f}{ratio:7.2f}  {equal}")
        slower |= ratio < 1.0
        slower |= name == "paddlex" and lines != own_lines
    print(f"{len(own[0])} pages, {len(own) - 1} rounds in turn, {os.cpu_count()} cores")
    return int(slower)


def lines_of(answers: list[list[Answer]]) -> list[str]:
    """The texts of all pages, as they were read first."""
    return [line for answer in answers[0] for line in answer.found]


def read_here(folder: str) -> Read:
    """This package."""
    import plx_train

    pipeline = plx_train.pipeline(folder)
    return lambda path: next(iter(pipeline.predict(path)))["rec_texts"]


def read_in_paddlex(folder: str) -> Read:
    """PaddleX with its defaults."""
    os.chdir(folder)
    from paddlex import create_pipeline

    pipeline = create_pipeline(pipeline="pipeline.yaml", device="cpu")
    return lambda path: next(iter(pipeline.predict(path)))["rec_texts"]


def read_in_rapidocr(folder: str) -> Read:
    """RapidOCR with this package's settings, and without its classifier of line orientations."""
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR(
        use_cls=False, det_limit_side_len=960, det_limit_type="max", det_thresh=0.3, det_box_thresh=0.6,
        det_unclip_ratio=1.5, text_score=0.0, max_side_len=4000,
    )  # fmt: skip
    return lambda path: [line[1] for line in engine(path, use_cls=False)[0] or []]


READERS: Readers = {"plx_train": read_here, "paddlex": read_in_paddlex, "rapidocr": read_in_rapidocr}

if __name__ == "__main__":
    sys.exit(main())
