#!/usr/bin/env python
"""How long OCR of a page takes here, in PaddleX and in RapidOCR, with the same weights, in turn on the same cores.

    python scripts/ocr_speed.py --paddlex <python with paddlex> --rapidocr <python with rapidocr-onnxruntime> [PAGE …]

Each tool runs in a process of its own, which stays; pages go to one after the other, round after round. Ratios above 1
say how many times as long the other one takes. PaddleX and this package read the same frozen folder with defaults;
RapidOCR has its own conversion of the same weights.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from difflib import SequenceMatcher
from pathlib import Path

ROOT = Path(__file__).parents[1]
NUM_PAGES = 6
WARM_UP = 1


def main() -> int:
    """Prints a table; the exit code is 1 if this package is slower or its texts differ from PaddleX's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path)
    parser.add_argument("--paddlex")
    parser.add_argument("--rapidocr")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worker", choices=list(READERS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        serve(READERS[options.worker](options.folder))
        return 0
    pages = options.pages or sorted((ROOT / "datasets/pages/images").iterdir())[:NUM_PAGES]
    pythons = {"plx_train": sys.executable, "paddlex": options.paddlex, "rapidocr": options.rapidocr}
    with tempfile.TemporaryDirectory() as scratch:
        frozen = f"{scratch}/ocr"
        command = [sys.executable, "-m", "plx_train", "mode=export_pipeline", "pipeline=OCR", f"output={frozen}"]
        subprocess.run(command, check=True, capture_output=True)
        workers = {name: start(name, python, frozen) for name, python in pythons.items() if python}
        times, texts = measure(workers, [page.absolute() for page in pages], options.rounds)
        for worker in workers.values():
            worker.stdin.close()
            worker.wait()
    return report(times, texts)


def start(name: str, python: str, folder: str, script: str = __file__) -> subprocess.Popen[str]:
    """A process that reads pages by `script` until its input ends."""
    environment = {**os.environ, "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "True"}
    if not name.startswith("plx_train"):
        environment.pop("PYTHONPATH", None)
    command = [python, script, "--worker", name, "--folder", folder]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )


def measure(
    workers: dict[str, subprocess.Popen[str]], pages: list[Path], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[list[str]]]]:
    """Seconds of each page, by tool, the warm-up apart; and the texts of each page."""
    times: dict[str, list[float]] = {name: [] for name in workers}
    texts: dict[str, list[list[str]]] = {name: [] for name in workers}
    for number in range(WARM_UP + rounds):
        for page in pages:
            for name, worker in workers.items():
                worker.stdin.write(f"{page}\n")
                worker.stdin.flush()
                answer = json.loads(worker.stdout.readline())
                if number == 0:
                    texts[name].append(answer["texts"])
                if number >= WARM_UP:
                    times[name].append(answer["seconds"])
    return times, texts


def report(times: dict[str, list[float]], texts: dict[str, list[list[str]]]) -> int:
    """Prints medians, ratios and how far the texts agree."""
    count = len(texts["plx_train"])
    print(f"{'':10s}{'median s/page':>14s}{'slowest':>9s}{'ratio':>7s}  texts as here")
    slower = False
    for name, seconds in times.items():
        # Page by page: pages differ more than tools do.
        ratios = [other / own for other, own in zip(seconds, times["plx_train"], strict=True)]
        ratio = statistics.median(ratios)
        own_lines = [line for page in texts["plx_train"] for line in page]
        lines = [line for page in texts[name] for line in page]
        equal = "identical" if lines == own_lines else f"{SequenceMatcher(None, lines, own_lines, False).ratio():.1%}"
        print(f"{name:10s}{statistics.median(seconds):14.3f}{max(seconds):9.3f}{ratio:7.2f}  {equal}")
        slower |= ratio < 1.0
        slower |= name == "paddlex" and lines != own_lines
    print(f"{count} pages, {len(times['plx_train']) // count} rounds in turn, {os.cpu_count()} cores")
    return int(slower)


def serve(read: Callable[[str], list[str]]) -> None:
    """Answers each line of standard input, a path, with the texts on it and the time they took."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        began = time.perf_counter()
        texts = read(line.strip())
        print(json.dumps({"seconds": time.perf_counter() - began, "texts": texts}), file=answers, flush=True)


def read_here(folder: str) -> Callable[[str], list[str]]:
    """This package."""
    import plx_train

    pipeline = plx_train.pipeline(folder)
    return lambda path: next(iter(pipeline.predict(path)))["rec_texts"]


def read_in_paddlex(folder: str) -> Callable[[str], list[str]]:
    """PaddleX with its defaults."""
    os.chdir(folder)
    from paddlex import create_pipeline

    pipeline = create_pipeline(pipeline="pipeline.yaml", device="cpu")
    return lambda path: next(iter(pipeline.predict(path)))["rec_texts"]


def read_in_rapidocr(folder: str) -> Callable[[str], list[str]]:
    """RapidOCR with this package's settings, and without its classifier of line orientations."""
    from rapidocr_onnxruntime import RapidOCR

    engine = RapidOCR(
        use_cls=False, det_limit_side_len=960, det_limit_type="max", det_thresh=0.3, det_box_thresh=0.6,
        det_unclip_ratio=1.5, text_score=0.0, max_side_len=4000,
    )  # fmt: skip
    return lambda path: [line[1] for line in engine(path, use_cls=False)[0] or []]


READERS = {"plx_train": read_here, "paddlex": read_in_paddlex, "rapidocr": read_in_rapidocr}

if __name__ == "__main__":
    sys.exit(main())
