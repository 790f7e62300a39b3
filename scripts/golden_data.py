"""Tiny drawn datasets of every room, whole ones and such with all the faults that a check can find in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

SIZES = {"train": (18, 480), "val": (6, 240)}
"""Pictures of a split, or rows."""
WORDS = ("ab", "cab", "bca")
COLUMNS = {
    "ts_forecast": ("date", "y0", "y1"),
    "ts_anomaly": ("date", "y0", "y1", "label"),
    "ts_cls": ("group_id", "time", "y0", "y1", "label"),
}
GROUP_ROWS = 24
START = np.datetime64("2024-01-01", "h")
FAULTS = {
    "text_det": (
        *("\t[]", "\t{}", "\t[{", '\t[{"transcription": "ab", "points": 7}]', '\t[{"transcription": 7, "points": []}]'),
        '\t[{"points": [[0,0],[9,0],[9,9],[0,9]]}]',
        '\t[{"transcription": "outside", "points": [[-50,0],[9,0],[9,9],[0,9]]}]',
        '\t[{"transcription": "crossed", "points": [[0,0],[9,9],[9,0],[0,9]]}]',
        '\t[{"transcription": "three", "points": [[0,0],[9,0],[9,9]]}]',
    ),
    "text_rec": ("\t", "\t ab", "\tab\tc", "\tabz", '\t[{"transcription": "ab", "points": []}]'),
    "image_cls": (" ", " 9", " ab", " -1"),
}
"""Labels that can't be right."""
Write = Callable[[str, Path], None]


def datasets(room: str) -> tuple[Write, dict[str, Write]]:
    """What writes a whole dataset of a room into a folder, and what spoils one that is there, by name."""
    if room in FAULTS:
        return write_images, {"lines": spoil_lines, "layout": spoil_layout}
    return write_series, {"cells": spoil_cells, "rows": spoil_rows, "copies": spoil_copies, "layout": spoil_layout}


def write_images(room: str, root: Path) -> None:
    """A noisy word a picture, which is there to be found, read, or told from the others."""
    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    for split, (count, _) in SIZES.items():
        lines = [draw(room, root, f"{split}_{index}", WORDS[index % 3], rng) for index in range(count)]
        (root / f"{split}.txt").write_text("\n".join(lines))
    (root / "label.txt").write_text("".join(f"{index} {word}\n" for index, word in enumerate(WORDS)))
    (root / "dict.txt").write_text("a\nb\nc\n")


def draw(room: str, root: Path, name: str, word: str, rng: np.random.Generator) -> str:
    """Writes the picture of a word; its line of the label file."""
    image, left = rng.integers(200, 256, (64, 160, 3), np.uint8), int(rng.integers(4, 50))
    cv2.putText(image, word, (left, 46), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (0, 0, 0), 3)
    (root / f"images/{name}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    right = left + cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, 1.5, 3)[0][0]
    box = {"transcription": word, "points": [[left, 10], [right, 10], [right, 52], [left, 52]]}
    labels = {"text_det": f"\t{json.dumps([box])}", "text_rec": f"\t{word}", "image_cls": f" {WORDS.index(word)}"}
    return f"images/{name}.png{labels[room]}"


def spoil_lines(room: str, root: Path) -> None:
    """Pictures that are missing, cut off, there twice, in both splits; lines and labels that can't be right."""
    rng, images = np.random.default_rng(1), root / "images"
    first, second, *rest = (root / "train.txt").read_text().splitlines()
    odd = [draw(room, root, name, "ab", rng) for name in ("gone", "cut", "bare")]
    (images / "gone.png").unlink()
    (images / "cut.png").write_bytes((images / "cut.png").read_bytes()[:9000])
    (images / "copy.png").write_bytes((images / "train_0.png").read_bytes())
    odd += [first, second.replace("train_1", "copy"), "images/bare.png", "", f"/{first}", f"../{first}"]
    for index, label in enumerate(FAULTS[room]):
        draw(room, root, f"odd_{index}", "ab", rng)
        odd.append(f"images/odd_{index}.png{label}")
    (root / "train.txt").write_text("\n".join([first, second, *rest, *odd]))
    (root / "label.txt").write_text("0 ab\n0 cab\n2 bca\n4 ab\nfive\n")
    (root / "val.txt").write_bytes((root / "val.txt").read_bytes() + f"\r\n{first}\n\xff".encode("latin-1"))


def spoil_layout(room: str, root: Path) -> None:
    """Takes the label file, or table, of validation away."""
    for path in root.glob("val.*"):
        path.rename(path.with_stem("other"))


def write_series(room: str, root: Path) -> None:
    """Two waves; classes differ in how quick they are, and anomalies stand a little above."""
    rng, start = np.random.default_rng(0), 0
    root.mkdir(parents=True)
    for split, (_, count) in SIZES.items():
        lines = [",".join(COLUMNS[room])]
        for row in range(start, start + count):
            group = row // GROUP_ROWS if room == "ts_cls" else 0
            label = group % 3 if room == "ts_cls" else int(split == "val" and row % 80 < 4)
            waves = np.sin(np.pi * (1 + group % 3) * row / 12 + np.arange(2)) + rng.normal(0, 0.1, 2)
            values = waves + 0.8 * label * (room == "ts_anomaly")
            cells = {"group_id": group, "time": row % GROUP_ROWS, "date": START + row, "label": label}
            cells |= {"y0": f"{values[0]:.4f}", "y1": f"{values[1]:.4f}"}
            lines.append(",".join(str(cells[name]) for name in COLUMNS[room]))
        (root / f"{split}.csv").write_text("\n".join(lines) + "\n")
        start += count


def spoil_cells(room: str, root: Path) -> None:
    """Training with missing values, a time twice, a text among numbers, an odd label, a gap; hardly any validation."""
    header, *rows = read_table(root / "train.csv")
    values = header.index("y0")
    rows[5][values] = rows[6][values] = ""
    rows[9][values - 1] = rows[8][values - 1]
    rows[12][values + 1] = "oops"
    rows[15][-1] = "7"
    del rows[18]
    write_table(root / "train.csv", [header, *rows])
    write_table(root / "val.csv", read_table(root / "val.csv")[:5])


def spoil_rows(room: str, root: Path) -> None:
    """Training with a short, a blank and an unclosed row; validation with other separators."""
    header, *rows = read_table(root / "train.csv")
    rows[3], rows[6], rows[9] = rows[3][:-1], [], ['"', *rows[9][1:]]
    write_table(root / "train.csv", [header, *rows])
    write_table(root / "val.csv", [[";".join(row)] for row in read_table(root / "val.csv")])


def spoil_copies(room: str, root: Path) -> None:
    """Training out of order, with a column that is always the same; validation that was trained on."""
    header, *rows = read_table(root / "train.csv")
    for row in rows:
        row[header.index("y1")] = "1.5"
    write_table(root / "val.csv", [header, *rows[:200]])
    rows[30], rows[31] = rows[31], rows[30]
    write_table(root / "train.csv", [header, *rows])


def read_table(path: Path) -> list[list[str]]:
    """Cells by row, the header's first."""
    return [line.split(",") for line in path.read_text().splitlines()]


def write_table(path: Path, rows: list[list[str]]) -> None:
    """The reverse of it."""
    path.write_text("\n".join(map(",".join, rows)) + "\n")
