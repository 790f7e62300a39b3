"""A table without a validation file, divided into tables of a run: lines as they stand, in the file's order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plx_train.contract.check import Finding
from plx_train.contract.division import Divided, LineRuns
from plx_train.contract.truth import Truth
from plx_train.data.divide import AUTO, CLASSES, GROUPS, IMAGES, NONE, TIME, WORDS, Division, divide
from plx_train.data.formats.dataset_format import TEST, TRAIN, VAL, Annotation
from plx_train.data.formats.folders import SPLIT_NAMES
from plx_train.ground.errors import ConfigError
from plx_train.ground.files import user_path
from plx_train.series.division import LEFT_OUT, TRAIN_PART, Cut, parts_by_time, parts_in_words
from plx_train.series.read.reader import InTime, rows_in_time
from plx_train.series.read.roles import Roles
from plx_train.series.read.source import SUFFIXES, TableSource, find_source

if TYPE_CHECKING:
    from plx_train.contract.dataset_options import DatasetOptions

CSV = ".csv"
OUR_TABLES = tuple(split + CSV for split in (TRAIN, VAL, TEST))
"""Tables that are written, whatever the user's are called."""
USUAL = (*OUR_TABLES, *(f"{split}.txt" for split in (TRAIN, VAL, TEST)))
"""Names of files that stand in options which nobody gave."""


@dataclass(frozen=True)
class Wanted:
    """What a room asks of a division.

    Attributes:
        roles: of the table's columns.
        window: rows that its samples are cut of; 0 where whole series are.
        has_marks: the column of labels marks rows, and does not name classes.
    """

    roles: Roles
    window: int
    has_marks: bool = False

    @property
    def by_series(self) -> bool:
        """Whether a series is a sample."""
        return self.window == 0


def table_of(dataset: DatasetOptions) -> str:
    """Name of the table to train on: the one that is named, or the only one in the folder."""
    root = user_path(dataset.root)
    if (root / dataset.train).is_file() or dataset.train not in USUAL or not root.is_dir():
        return dataset.train
    tables = sorted(path.name for path in root.iterdir() if path.is_file() and _is_table(path.name))
    return tables[0] if len(tables) == 1 and _split_of(tables[0]) in (None, TRAIN) else dataset.train


def is_whole(dataset: DatasetOptions) -> bool:
    """Whether a table is there without one for validation, neither named nor forgotten."""
    root = user_path(dataset.root)
    if dataset.split == NONE or not (root / dataset.train).is_file():
        return False
    if dataset.val not in USUAL or (root / dataset.val).is_file():
        return False
    return not any(_split_of(path.name) == VAL for path in root.iterdir())


def _is_table(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith((".", "~$"))


def _split_of(name: str) -> str | None:
    """The split that a table's name speaks of."""
    if not _is_table(name):
        return None
    words = name.lower().partition(".")[0].replace("-", "_").split("_")
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)


def divide_table(dataset: DatasetOptions, wanted: Wanted, folder: Path) -> Divided:
    """The table `dataset.train`, divided into files that are written into `folder`.

    Raises:
        ConfigError: the options ask for a division that series can't have.
    """
    asked = _asked(dataset, wanted)
    root = user_path(dataset.root)
    source, _ = find_source(root / dataset.train, root)
    kind = format_of(dataset.train)
    test = _own_test(root, dataset.train)
    if test:
        asked = replace(asked, test_share=0.0)
    found = _read(source, wanted, dataset) if source is not None else None
    if found is None or found.rows is None or source is None:
        reason = f"there is no such file, and {dataset.train} is divided once its errors are mended"
        return Divided(kind, train=dataset.train, findings=(Finding(dataset.val, 0, "error", "no-validation", reason),))
    if asked.how == TIME:
        parts, told = _by_time(found, asked, wanted, dataset.split_gap)
    else:
        parts, told = _by_series(found, asked, wanted)
    if not (parts != TRAIN_PART).any():
        return Divided(kind, train=dataset.train, findings=(Finding(dataset.val, 0, "error", "no-validation", told),))
    files, origins = _write(source, found, parts, folder)
    if test:
        files, origins = _with_test(root, test, folder, files, origins)
    return Divided(kind, told, files, origins, train=dataset.train)


def format_of(name: str) -> str:
    """What a table's name says of its format."""
    return next((suffix[1:] for suffix in sorted(SUFFIXES, key=len)[::-1] if name.lower().endswith(suffix)), "table")


def _asked(dataset: DatasetOptions, wanted: Wanted) -> Division:
    how, pattern = dataset.split, dataset.split_by
    if how == AUTO:
        how = GROUPS if pattern else CLASSES if wanted.by_series else TIME
    if how == GROUPS and not pattern:
        how = IMAGES
    if how == TIME and wanted.by_series:
        raise ConfigError("dataset.split=time: whole series are classified: divide them by classes or groups")
    if how not in (TIME, GROUPS, IMAGES) and not (how == CLASSES and wanted.by_series):
        raise ConfigError(f"dataset.split={how} divides images: series are divided by time or groups")
    if dataset.split == IMAGES:
        raise ConfigError("dataset.split=images divides images: series are divided by time or groups")
    if pattern and how != GROUPS:
        raise ConfigError(f"dataset.split_by goes with dataset.split=groups, not {how}")
    asked = Division(how, pattern, dataset.val_share, dataset.test_share, dataset.split_seed)
    replace(asked, how=IMAGES if how == TIME else how).check()
    return asked


def _read(source: TableSource, wanted: Wanted, dataset: DatasetOptions) -> InTime:
    roles = wanted.roles
    classes = None if wanted.has_marks else roles.label
    columns = Roles(roles.time, None, group=roles.group, label=classes if wanted.by_series else None).columns()
    return rows_in_time(source, columns, dataset.time_zone)


def _by_time(found: InTime, asked: Division, wanted: Wanted, gap: int | None) -> tuple[np.ndarray, str]:
    """What each row of the file is given to, int8 (rows,), and that in words."""
    assert found.rows is not None
    rows = found.rows
    cut = Cut(asked.val_share, asked.test_share, wanted.window, gap)
    is_marked = wanted.has_marks and wanted.roles.label in rows.columns
    marks = rows.values[:, rows.columns.index(str(wanted.roles.label))] if is_marked else None
    parts, short = np.zeros(len(rows.times), np.int8), 0
    stops = [*rows.starts[1:].tolist(), len(rows.times)]
    for start, stop in zip(rows.starts.tolist(), stops, strict=True):
        given = parts_by_time(stop - start, cut, None if marks is None else marks[start:stop])
        short += given is None
        if given is not None:
            parts[start:stop] = given
    if short == len(stops):
        longest = int(np.max(np.diff([0, *stops])))
        needed = f"{wanted.window} rows for a window in each part" + (f" and {gap} between" if gap else "")
        return parts, f"there is no such file, and {longest:,} rows are too few to divide by time: it needs {needed}"
    counts = np.bincount(parts + 1, minlength=4).tolist()
    told = parts_in_words(counts[1:], "rows", counts[0])
    told += f", of {len(stops):,} series" if len(stops) > 1 else ""
    told += f" ({short:,} too short to divide)" if short else ""
    return _by_file(rows.order, parts), f"{told}: divided here by time"


def _by_series(found: InTime, asked: Division, wanted: Wanted) -> tuple[np.ndarray, str]:
    """The same, whole series at a time; equal ones stay together."""
    assert found.rows is not None and found.table is not None
    rows, labels = found.rows, found.table.labels
    groups = found.table.groups or [rows.scan.name]
    stops = [*rows.starts[1:].tolist(), len(rows.times)]
    hashes: dict[str, str | None] = {
        group: hashlib.sha256(np.ascontiguousarray(rows.values[start:stop]).tobytes()).hexdigest()
        for group, start, stop in zip(groups, rows.starts.tolist(), stops, strict=True)
    }
    samples = [Annotation(group, labels.get(place, ""), rows.scan.name) for place, group in enumerate(groups)]
    truth = Truth.CLASS if wanted.by_series else Truth.TEXT
    splits, _ = divide(samples, truth, asked, hashes)
    given = {one.image: number for number, split in enumerate((TRAIN, VAL, TEST)) for one in splits.get(split, ())}
    by_series = np.asarray([given[group] for group in groups], np.int8)
    if not (by_series != TRAIN_PART).any():
        return np.zeros(len(rows.times), np.int8), (
            "there is no such file, and nothing to make one of: dataset.split=auto divides two series or more, of one "
            "class where series have classes"
        )
    words = WORDS[asked.how] if asked.how != IMAGES else "by series"
    told = parts_in_words(np.bincount(by_series, minlength=3).tolist(), "series")
    return _by_file(rows.order, np.repeat(by_series, np.diff([0, *stops]))), f"{told}: divided here {words}"


def _by_file(order: np.ndarray | None, parts: np.ndarray) -> np.ndarray:
    """What rows are given to, in the order of the file."""
    if order is None:
        return parts
    in_file = np.empty_like(parts)
    in_file[order] = parts
    return in_file


def _write(
    source: TableSource, found: InTime, parts: np.ndarray, folder: Path
) -> tuple[dict[str, str], dict[str, LineRuns]]:
    """Writes the tables; each begins with all that stands above the first row."""
    scan = found.scan
    lines = scan.lines(np.arange(scan.num_rows)) + scan.offset
    files = {split: split + CSV for number, split in enumerate((TRAIN, VAL, TEST)) if (parts == number).any()}
    by_line = np.full(int(lines[-1]) + 1, LEFT_OUT, np.int8)
    by_line[lines] = parts
    opened = [(folder / files[split]).open("wb") if split in files else None for split in (TRAIN, VAL, TEST)]
    try:
        with source.open() as stream:
            for number, line in enumerate(stream, 1):
                ended = line if line.endswith(b"\n") else line + b"\n"
                is_top = number <= scan.top + scan.offset
                given = LEFT_OUT if number >= len(by_line) else int(by_line[number])
                for place, written in enumerate(opened):
                    if written is not None and (is_top or given == place):
                        written.write(ended)
    finally:
        for written in opened:
            if written is not None:
                written.close()
    top = (1 - scan.offset, scan.top + scan.offset)
    origins = {
        name: LineRuns(scan.name, [top, *_runs(lines[parts == number] - scan.offset)])
        for number, split in enumerate((TRAIN, VAL, TEST))
        if (name := files.get(split))
    }
    return files, origins


def _runs(lines: np.ndarray) -> list[tuple[int, int]]:
    """First of lines that follow one another, and their number."""
    breaks = np.flatnonzero(np.diff(lines) != 1) + 1
    starts = np.concatenate([[0], breaks])
    return [(int(lines[start]), int(stop - start)) for start, stop in zip(starts, [*breaks, len(lines)], strict=True)]


def _own_test(root: Path, train: str) -> str | None:
    """A table of the folder that is a test split by its name."""
    names = [f"{TEST}{suffix}" for suffix in SUFFIXES]
    return next((name for name in names if name != train and (root / name).is_file()), None)


def _with_test(
    root: Path, name: str, folder: Path, files: dict[str, str], origins: dict[str, LineRuns]
) -> tuple[dict[str, str], dict[str, LineRuns]]:
    """The same with the user's own test table."""
    source, _ = find_source(root / name, root)
    if source is None:
        return files, origins
    lines = copy_table(source, folder / OUR_TABLES[2])
    origins = origins | {OUR_TABLES[2]: LineRuns(name, [(1 - source.offset, lines)])}
    return files | {TEST: OUR_TABLES[2]}, origins


def copy_table(source: TableSource, path: Path) -> int:
    """Writes a table as CSV; the number of its lines."""
    count = 0
    with source.open() as stream, path.open("wb") as written:
        for line in stream:
            written.write(line)
            count += 1
    return count


def copy_tables(dataset: DatasetOptions, folder: Path) -> Divided:
    """The tables of a dataset that is divided already, as CSV in `folder`."""
    root = user_path(dataset.root)
    test = _own_test(root, dataset.train)
    files, origins = {}, {}
    for split, name in ((TRAIN, dataset.train), (VAL, dataset.val), (TEST, test)):
        source = find_source(root / name, root)[0] if name else None
        if source is not None and name:
            files[split] = split + CSV
            lines = copy_table(source, folder / files[split])
            origins[files[split]] = LineRuns(name, [(1 - source.offset, lines)])
    return Divided(format_of(dataset.train), f"{', '.join(files)} as they are", files, origins)
