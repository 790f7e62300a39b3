#!/usr/bin/env python
"""Whether PaddleX reads the same texts from a frozen pipeline as this package does.

python scripts/check_paddlex_pipeline.py --paddlex <python with paddlex 3.7> [--folder ocr] [PAGE …]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
NUM_PAGES = 12
READ_IN_PADDLEX = """
import json, sys
from paddlex import create_pipeline
pipeline = create_pipeline(pipeline="pipeline.yaml", device="cpu")
found = []
for page in sys.argv[1:]:
    result = next(iter(pipeline.predict(page)))
    boxes = [box.tolist() for box in result["rec_polys"]]
    found.append([result["rec_texts"], boxes, list(map(float, result["rec_scores"]))])
print("FOUND" + json.dumps(found))
"""


def main() -> int:
    """Prints a line per page and a summary; the exit code is 1 if a text or a box differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path)
    parser.add_argument("--paddlex", required=True)
    parser.add_argument("--folder", type=Path, help="a frozen pipeline; left out: that of the published weights")
    options = parser.parse_args()
    pages = [
        page.absolute() for page in options.pages or sorted((ROOT / "datasets/pages/images").iterdir())[:NUM_PAGES]
    ]
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.folder or freeze(Path(scratch) / "ocr")).absolute()
        ours, theirs = read_here(folder, pages), read_in_paddlex(options.paddlex, folder, pages)
    lines = differing = 0
    largest = 0.0
    for page, (texts, boxes, scores), (other_texts, other_boxes, other_scores) in zip(pages, ours, theirs, strict=True):
        same = texts == other_texts and boxes == other_boxes
        print(f"{page.name:40s}{len(texts):5d} lines  {'equal' if same else 'DIFFERENT'}")
        lines, differing = lines + len(texts), differing + (not same)
        if len(scores) == len(other_scores):
            largest = max([largest, *(abs(one - other) for one, other in zip(scores, other_scores, strict=True))])
    print(f"{lines} lines on {len(pages)} pages, {differing} pages differ; largest difference of a score {largest:.1e}")
    return int(differing > 0)


def freeze(folder: Path) -> Path:
    """The OCR pipeline with published weights, frozen."""
    command = [sys.executable, "-m", "plx_train", "mode=export_pipeline", "pipeline=OCR", f"output={folder}"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def read_here(folder: Path, pages: list[Path]) -> list[list]:  # type: ignore[type-arg]
    """(texts, boxes, scores) of each page by this package."""
    import plx_train

    results = list(plx_train.pipeline(folder).predict(pages))
    return [
        [result["rec_texts"], [box.tolist() for box in result["rec_polys"]], list(map(float, result["rec_scores"]))]
        for result in results
    ]


def read_in_paddlex(python: str, folder: Path, pages: list[Path]) -> list[list]:  # type: ignore[type-arg]
    """The same by PaddleX, in its own environment."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", READ_IN_PADDLEX, *map(str, pages)], cwd=folder, capture_output=True, text=True, check=False,
        env=environment | {"PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "True"},
    )  # fmt: skip
    if "FOUND" not in done.stdout:
        raise SystemExit(f"PaddleX failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.split("FOUND")[1])


if __name__ == "__main__":
    sys.exit(main())
