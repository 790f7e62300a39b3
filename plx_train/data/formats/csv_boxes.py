"""A table with a row for each box: path, class and four sides."""

from __future__ import annotations

from collections.abc import Sequence

from plx_train.contract.truth import Outline
from plx_train.data.formats.csv_table import CLASSES, ListTable
from plx_train.data.formats.dataset_format import Annotation, Annotations
from plx_train.data.formats.parsed_json import corners, number

SIDES = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)
WITH_SIZES = (("x", "y", "width", "height"), ("x", "y", "w", "h"), ("left", "top", "width", "height"))
"""Names of the columns, where the last two are the box's sides."""
Rows = Sequence[tuple[int, list[str], str, str]]
"""Line, cells, image and split of each row."""


def box_columns(head: Sequence[str] | None) -> tuple[tuple[int, ...], bool] | None:
    """Places of the four numbers, and whether the last two are width and height; None where there are none."""
    names = [name.strip().lower() for name in head or ()]
    for wanted in (*SIDES, *WITH_SIZES):
        if all(name in names for name in wanted):
            return tuple(names.index(name) for name in wanted), wanted in WITH_SIZES
    return None


def read_boxes(table: ListTable, label: int | None, rows: Rows, found: Annotations) -> None:
    """One annotation for each image of a table; an image whose row has no numbers has no object.

    Args:
        label: the column of classes.
    """
    columns = box_columns(table.head)
    if columns is None or label is None:
        what = (
            f"no columns are called {', '.join(SIDES[0])}" if columns is None else f"no column is called {CLASSES[0]}"
        )
        found.add(table.file, 0, "no-box-columns", what)
        return
    places, has_sizes = columns
    outlines: dict[tuple[str, str], tuple[int, list[Outline]]] = {}
    for line, row, image, split in rows:
        _, own = outlines.setdefault((split, image), (line, []))
        cells = [row[place].strip() if place < len(row) else "" for place in places]
        if not any(cells):
            continue
        name = row[label].strip() if label < len(row) else ""
        sides = [_number(cell) for cell in cells]
        if None in sides or not name:
            found.add(table.file, line, "box-invalid", f"{image}: {', '.join(cells)[:60]} is no box, or has no class")
            continue
        left, top, right, bottom = (float(side or 0) for side in sides)
        if has_sizes:
            right, bottom = left + right, top + bottom
        own.append(Outline(corners(left, top, right, bottom), name))
    for (split, image), (line, own) in outlines.items():
        found.splits.setdefault(split, []).append(Annotation(image, tuple(own), table.file, line))


def _number(cell: str) -> float | None:
    try:
        return number(float(cell))
    except ValueError:
        return None
