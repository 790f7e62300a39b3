"""A table of image paths with a class or a text each, or with a column of 0 and 1 for each label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plx_train.contract.truth import Truth
from plx_train.data.classes import listed
from plx_train.data.formats.csv_boxes import box_columns, read_boxes
from plx_train.data.formats.csv_table import CLASSES, PATHS, TEXTS, ListTable, path_column, read_table
from plx_train.data.formats.dataset_format import TRAIN, VAL, Annotation, Annotations, DataFolder, DatasetFormat
from plx_train.data.formats.folders import SPLIT_NAMES
from plx_train.data.formats.tree import ImageTree

SUFFIXES = (".csv", ".tsv")
SPLITS = ("split", "subset", "set", "fold", "partition")


class CsvList(DatasetFormat):
    """One row per image."""

    name = "csv"
    title = "a CSV file of paths and classes, texts or boxes"
    truths = frozenset({Truth.CLASS, Truth.LABELS, Truth.TEXT, Truth.BOXES})

    def sign(self, folder: DataFolder) -> str | None:
        """A table with a column of image paths."""
        for file in _files(folder).values():
            table = read_table(folder, file)
            path = path_column(table, folder) if isinstance(table, ListTable) else None
            if not isinstance(table, ListTable) or path is None:
                continue
            if folder.truth is Truth.TEXT and _class_column(table, path, folder.label, TEXTS) is None:
                continue
            if folder.truth is Truth.BOXES and box_columns(table.head) is None:
                continue
            return f"{file} lists images"
        return None

    def read(self, folder: DataFolder) -> Annotations:
        """One annotation per row."""
        found, tree = Annotations(folder.truth), ImageTree(folder.root, folder.suffixes)
        files = _files(folder)
        if not files:
            reason = "there is no CSV file, or several: name one in dataset.train"
            found.add(folder.train, 0, "label-file-missing", reason)
        for split, file in files.items():
            table = read_table(folder, file)
            if isinstance(table, str):
                found.add(file, 0, "label-file-unreadable", table)
                continue
            path = path_column(table, folder)
            if path is None:
                reason = f"no column holds image paths: call one {PATHS[0]} ({_shown(table)})"
                found.add(file, 0, "no-path-column", reason)
                continue
            if folder.truth is Truth.LABELS:
                _read_labels(table, path, split, tree, found)
            elif folder.truth is Truth.BOXES:
                label = _class_column(table, path, folder.label, CLASSES)
                read_boxes(table, label, _rows(table, path, split, tree, found), found)
            else:
                _read_classes(table, path, split, (tree, folder, found))
        return found


def _files(folder: DataFolder) -> dict[str, str]:
    """The tables by split: those that the options name, or the only one in the folder, or those called so."""
    if folder.train.lower().endswith(SUFFIXES):
        named = {TRAIN: folder.train, VAL: folder.val}
        return {split: file for split, file in named.items() if (folder.root / file).is_file()}
    there = sorted(path.name for path in folder.root.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    by_split = {SPLIT_NAMES[Path(file).stem.lower()]: file for file in there if Path(file).stem.lower() in SPLIT_NAMES}
    if TRAIN in by_split:
        return by_split
    return {TRAIN: there[0]} if len(there) == 1 else {}


def _read_classes(table: ListTable, path: int, split: str, context: tuple[ImageTree, DataFolder, Annotations]) -> None:
    tree, folder, found = context
    is_text = folder.truth is Truth.TEXT
    usual, noun = (TEXTS, "text") if is_text else (CLASSES, "class")
    label = _class_column(table, path, folder.label, usual)
    if label is None:
        reason = f"no column is called {usual[0]}: name one by dataset.columns.label=<name> ({_shown(table)})"
        found.add(table.file, 0, f"no-{noun}-column", reason)
        return
    for line, row, image, where in _rows(table, path, split, tree, found):
        name = row[label].strip() if label < len(row) else ""
        if is_text and len(row) > table.num_columns:
            reason = f"the row has {len(row)} cells, others {table.num_columns}: put texts with {table.delimiter!r} in "
            reason += "quotes"
            found.add(table.file, line, "cells-in-line", reason)
        elif name:
            found.splits.setdefault(where, []).append(Annotation(image, name, table.file, line))
        else:
            found.add(table.file, line, "no-label", f"{image} has no {noun}")


def _read_labels(table: ListTable, path: int, split: str, tree: ImageTree, found: Annotations) -> None:
    places = _label_columns(table, path)
    if not places or table.head is None:
        found.add(table.file, 0, "no-label-column", f"no named column holds 0 and 1 alone ({_shown(table)})")
        return
    names = tuple(table.head[place] for place in places)
    if found.labels and names != found.labels:
        found.add(table.file, 0, "other-labels", f"the labels are {listed(names)}, elsewhere {listed(found.labels)}")
        return
    found.labels = names
    others = [
        name
        for place, name in enumerate(table.head)
        if name and place not in (path, *places) and name.lower() not in SPLITS
    ]
    if others:
        reason = f"columns that hold more than 0 and 1 are no labels: {listed(others)}"
        found.add(table.file, 0, "column-not-label", reason, is_error=False)
    for line, row, image, where in _rows(table, path, split, tree, found):
        values = [row[place].strip() if place < len(row) else "" for place in places]
        wrong = next((value for value in values if value not in ("0", "1")), None)
        if wrong is not None:
            found.add(table.file, line, "label-not-0-or-1", f"{wrong[:40]!r} is neither 0 nor 1")
            continue
        held = tuple(name for name, value in zip(names, values, strict=True) if value == "1")
        found.splits.setdefault(where, []).append(Annotation(image, held, table.file, line))


def _rows(
    table: ListTable, path: int, split: str, tree: ImageTree, found: Annotations
) -> list[tuple[int, list[str], str, str]]:
    """Line, row, image and split of each row whose image is there."""
    names = [name.lower() for name in table.head or ()]
    of_split = next((names.index(name) for name in SPLITS if name in names), None)
    beside = table.file.rpartition("/")[0]
    kept = []
    for line, row in table.rows:
        given = row[path].strip() if path < len(row) else ""
        image = tree.find(given, beside)
        if image is None:
            found.add(table.file, line, "image-missing", f"there is no image {given[:200]!r} in the dataset's folder")
            continue
        told = row[of_split].strip().lower() if of_split is not None and of_split < len(row) else ""
        kept.append((line, row, image, SPLIT_NAMES.get(told, split)))
    return kept


def _class_column(table: ListTable, path: int, named: str | None, usual: Sequence[str]) -> int | None:
    names = [name.lower() for name in table.head or ()]
    if named is not None:
        return names.index(named.lower()) if named.lower() in names else None
    found = next((names.index(name) for name in usual if name in names and names.index(name) != path), None)
    others = [
        place for place in range(table.num_columns) if place != path and (not names or names[place] not in SPLITS)
    ]
    return found if found is not None else others[0] if len(others) == 1 else None


def _label_columns(table: ListTable, path: int) -> list[int]:
    """Named columns of nothing but 0 and 1; cells that were forgotten are told row by row."""
    values: Sequence[str] = ("0", "1")
    names = table.head or []
    places = (place for place, name in enumerate(names) if name and place != path and name.lower() not in SPLITS)
    filled = {place: [value for value in table.column(place) if value] for place in places}
    return [place for place, given in filled.items() if given and all(value in values for value in given)]


def _shown(table: ListTable) -> str:
    words = table.head or (table.rows[0][1] if table.rows else [])
    return f"the first row is {', '.join(words)[:100]!r}"
