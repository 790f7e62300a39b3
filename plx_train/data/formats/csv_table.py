"""Rows of a table that lists images: what separates their cells, whether the first is a head, which column is what."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from plx_train.contract.truth import Truth
from plx_train.data.formats.dataset_format import DataFolder
from plx_train.data.formats.tree import is_image

DELIMITERS = ",;\t|"
PATHS = ("path", "image", "filename", "file", "file_name", "image_path", "filepath", "img", "img_path", "image_id")
CLASSES = ("class", "label", "category", "class_name", "label_name", "target", "labels", "tag", "choice")
TEXTS = (
    "text",
    "transcription",
    "label",
    "words",
    "word",
    "ground_truth",
    "gt",
    "sentence",
    "transcript",
    "caption",
    "string",
)
HEAD_ROWS = 50
"""Rows that are looked at to see what columns hold."""
MAX_FIELD = 1 << 20
Rows = list[tuple[int, list[str]]]
"""Lines and their cells."""


@dataclass(frozen=True)
class ListTable:
    """A file that was read: its head, where it has one, and its rows with their lines."""

    file: str
    head: list[str] | None
    rows: list[tuple[int, list[str]]]
    delimiter: str = ","

    @property
    def num_columns(self) -> int:
        """Number of cells in the head, or in most of the first rows."""
        if self.head:
            return len(self.head)
        counts = Counter(len(row) for _, row in self.rows[:HEAD_ROWS])
        return counts.most_common(1)[0][0] if counts else 0

    def column(self, place: int) -> list[str]:
        """The first values of a column."""
        return [row[place].strip() for _, row in self.rows[:HEAD_ROWS] if place < len(row)]


def read_table(folder: DataFolder, file: str) -> ListTable | str:
    """The rows of a table, or why there are none."""
    try:
        text = (folder.root / file).read_text("utf-8-sig")
    except UnicodeDecodeError:
        return "the file is not UTF-8: save it in that encoding"
    except OSError as error:
        return f"the file can't be read ({error.strerror or error})"
    is_text = folder.truth is Truth.TEXT
    delimiter = _delimiter(text, folder) if is_text else max(DELIMITERS, key=text.partition("\n")[0].count)
    csv.field_size_limit(MAX_FIELD)
    rows = _rows(text, delimiter, is_text)
    if isinstance(rows, str) and is_text and delimiter == "\t":
        rows = _rows(text, delimiter, is_strict=False, quoting=csv.QUOTE_NONE)  # quotes are part of such texts
    if isinstance(rows, str):
        return rows
    if not rows:
        return "the file holds no row"
    names = [name.strip() for name in rows[0][1]]
    usual = (*PATHS, *(TEXTS if is_text else CLASSES), *([folder.label.lower()] if folder.label else []))
    is_head = any(name.lower() in usual for name in names)
    if is_text and any(is_image(Path(name), folder.suffixes) for name in names):
        is_head = False  # a text may well be one of these words
    return ListTable(file, names, rows[1:], delimiter) if is_head else ListTable(file, None, rows, delimiter)


def _rows(text: str, delimiter: str, is_strict: bool, quoting: int = csv.QUOTE_MINIMAL) -> Rows | str:
    """Rows with a word in them, or why they can't be read."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=is_strict, quoting=quoting)  # type: ignore[arg-type]
    rows = []
    try:
        for row in reader:
            if any(field.strip() for field in row):
                rows.append((reader.line_num, row))
    except csv.Error as error:
        return f"line {reader.line_num} can't be read as CSV: {error}"
    return rows


def _delimiter(text: str, folder: DataFolder) -> str:
    """What separates cells: what leaves an image's path alone in its cell in most lines; texts hold commas too."""
    lines = [line for line in text.splitlines()[:HEAD_ROWS] if line.strip()]

    def num_images(delimiter: str) -> int:
        cells = ((cell.strip(' "') for cell in line.split(delimiter)) for line in lines)
        return sum(any(is_image(Path(cell), folder.suffixes) for cell in row) for row in cells)

    best = max(map(num_images, DELIMITERS))
    able = [one for one in DELIMITERS if num_images(one) == best]
    return max(able, key=lambda one: (sum(one in line for line in lines), one == "\t"))


def path_column(table: ListTable, folder: DataFolder) -> int | None:
    """The column of images: one whose values are called as images are, or whose name says it."""
    suffixes = folder.suffixes
    shares = []
    for place in range(table.num_columns):
        values = table.column(place)
        shares.append(sum(is_image(Path(value), suffixes) for value in values) / max(len(values), 1))
    best = max(range(len(shares)), key=shares.__getitem__, default=None)
    if best is not None and shares[best] > 0.5:
        return best
    names = [name.lower() for name in table.head or ()]
    return next((names.index(name) for name in PATHS if name in names), None)
