"""The line that rewrites a file as it should be, made for the file at hand: numbers stay numbers, ids stay texts."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from plx_train.data.label_file import BYTE_ORDER_MARK
from plx_train.series.read.names import DATE_PARTS, DAY_PARTS, GROUP_NAME, LABEL_NAME, TIME_NAMES, named_as, plain_name
from plx_train.series.read.notation import ColumnNotation, Notation, settled
from plx_train.series.read.source import READ_FAULTS, TableSource

PLAIN_PATH = re.compile(r"[\w./+@=-]+\.csv(\.gz|\.xz)?")
PLAIN_NAME = re.compile(r"[^'\"`$\\!\r\n\t]*")
"""Names that a shell and Python take as they are between these quotation marks."""
MISSING_TO_PANDAS = {"#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
                     "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}  # fmt: skip
SPACE_MARK = r"r'\s', '', regex=True"
APOSTROPHE_MARK = r"'[\x27\u2019\u00b4\x60]', '', regex=True"
BLANK_NAMES = ".rename(columns=lambda c: '' if c.startswith('Unnamed: ') else c)"
MINUS_SIGN = r"'\u2212', '-', regex=False"


@dataclass
class Survey:
    """What all cells of a file say of how it is written.

    Attributes:
        separator: between its cells.
        columns: by name, those of numbers; none where the rows can't be told apart.
        texts: names of the others.
        notations: of `columns`; None where the file does not tell.
        skipped: lines before the header.
        keeps_texts: a text is one that pandas takes for a missing value.
        has_blank_name: a column has no name.
        is_whole: all rows could be told apart.
        encoding: what pandas must be told of a file that is not UTF-8.
    """

    separator: str
    columns: dict[str, ColumnNotation] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    notations: dict[str, Notation | None] = field(default_factory=dict)
    skipped: int = 0
    keeps_texts: bool = False
    has_blank_name: bool = False
    is_whole: bool = True
    encoding: str = ""

    @property
    def doubtful(self) -> list[str]:
        """Columns of which the file does not tell how they are written."""
        return [name for name, notation in self.notations.items() if notation is None]


def survey(
    source: TableSource, header_line: int, separator: str, missing: Collection[str], texts: Collection[str]
) -> Survey:
    """Looks at every cell of a file.

    Args:
        header_line: counted from 1.
        missing: cells that are no values.
        texts: columns that are no numbers, whatever they hold; those of usual names for such are none either.
    """
    found = Survey(separator, skipped=header_line - 1)
    try:
        _look(source, header_line, found, missing, texts)
    except UnicodeDecodeError:
        found.is_whole, found.encoding = False, ", encoding='cp1252'"
    except (*READ_FAULTS, zlib.error, csv.Error):
        found.is_whole = False
    return found


def _look(
    source: TableSource, header_line: int, found: Survey, missing: Collection[str], texts: Collection[str]
) -> None:
    rows = _rows(source, header_line, found.separator)
    header = [name.strip() for name in next(rows, [])]
    if not header or len({name for name in header if name}) < len([name for name in header if name]):
        found.is_whole = False
        return
    found.has_blank_name = "" in header
    columns = [ColumnNotation() for _ in header]
    texts = {*texts, *_named_texts(header)}
    is_text, missing = [name in texts for name in header], frozenset(missing)
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            found.is_whole = False
            return
        for column, cell, skip in zip(columns, row, is_text, strict=True):
            if (text := cell.strip()) in missing:
                found.keeps_texts |= text in MISSING_TO_PANDAS
            elif not skip:
                column.add(text)
    _sort_out(found, header, columns, texts)


def mend(source: TableSource, found: Survey) -> str:
    """What mends a file: a line for the shell where the file tells all that it needs, else what is left open."""
    if not found.is_whole:
        return f"read it by pandas with sep={found.separator!r}{found.encoding} and write it anew"
    if found.doubtful:
        return f"column {_question(found, found.doubtful[0])}"
    path = _plain_path(source)
    options = _keywords(found)
    shown = [*found.columns, *found.texts]
    if path is None or not all(PLAIN_NAME.fullmatch(name) for name in shown):
        return f"read it by pandas with {options or 'dtype=str'} and write it anew"
    return f'this mends it: python -c "{_program(path, found, options)}"'


def remedies(source: TableSource, found: Survey, cells: Mapping[str, str]) -> dict[str, str]:
    """What is said of columns whose numbers are written in another way.

    Args:
        cells: of each such column a number as it stands.
    """
    said = {}
    for name, cell in cells.items():
        way = found.notations.get(name)
        if way is not None:
            what = (
                "marks thousands" if way.thousands else "has a decimal comma" if way.decimal == "," else "is a number"
            )
            said[name] = f"column {name}: {cell!r} {what}; {mend(source, found)}"
        elif name in found.notations:
            said[name] = f"column {_question(found, name, cell)}"
        else:
            said[name] = f"column {name}: {cell!r} must have a point before its decimals, and nothing between thousands"
    return said


def date_parts(source: TableSource, header: Sequence[str], skipped: int) -> str | None:
    """What is said of a table whose dates stand in a column of years, one of months and one of days; else None.

    Args:
        skipped: lines before the header.
    """
    found = {part: named_as(header, (part,)) for part in (*DATE_PARTS, *DAY_PARTS)}
    if not all(found[part] for part in DATE_PARTS):
        return None
    names = {name: part for part, name in found.items() if name is not None}
    said = f"the dates stand in the columns {', '.join(names)}, so that rows are counted"
    path = _plain_path(source)
    if path is None or not all(PLAIN_NAME.fullmatch(name) for name in header):
        return f"{said}: write them in one column"
    given = _arguments(path, skipped, "dtype=str", "keep_default_na=False")
    blank = BLANK_NAMES if "" in header else ""
    program = (
        f"import pandas as p; t = p.read_csv({given}); t.insert(0, 'date', p.to_datetime(t["
        f"{list(names)!r}].rename(columns={names!r}))); t.drop(columns={list(names)!r}){blank}"
        f".to_csv('{path}', index=False)"
    )
    return f'{said}; this makes one of them: python -c "{program}"'


def _plain_path(source: TableSource) -> str | None:
    """The file's path, where it is a CSV whose name a shell takes as it stands."""
    return next((path for path in (source.path or "", source.name) if PLAIN_PATH.fullmatch(path)), None)


def _arguments(path: str, skipped: int, *options: str) -> str:
    """Arguments of `read_csv`; empty options are left out."""
    return ", ".join(filter(None, (f"'{path}'", f"skiprows={skipped}" if skipped else "", *options)))


def _rows(source: TableSource, header_line: int, separator: str) -> Iterator[list[str]]:
    """Cells of the header, then of every line below it; none where the bytes are no text."""
    with source.open() as stream:
        for _ in range(header_line - 1):
            stream.readline()
        start = stream.readline().removeprefix(BYTE_ORDER_MARK)
        yield from csv.reader([start.decode("utf-8")], delimiter=separator, skipinitialspace=True)
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        yield from csv.reader(text, delimiter=separator, skipinitialspace=True)


def _named_texts(header: list[str]) -> list[str]:
    usual = {*TIME_NAMES, plain_name(GROUP_NAME), LABEL_NAME}
    return [name for name in header if plain_name(name) in usual]


def _sort_out(found: Survey, header: list[str], columns: list[ColumnNotation], texts: Collection[str]) -> None:
    for name, column in zip(header, columns, strict=True):
        if not name:
            continue
        if name in texts or (not column.is_number and column.num_numbers + column.num_odd):
            found.texts.append(name)
        else:
            found.columns[name] = column
    notations = settled(found.columns.values(), found.separator)
    found.notations = dict(zip(found.columns, notations, strict=True))


def _question(found: Survey, name: str, faulty: str | None = None) -> str:
    """What is asked of a column, by a cell that is not read as it stands where one is known."""
    cell = faulty or found.columns[name].first or ""
    readings = found.columns[name].possible(found.separator)
    sep = "" if found.separator == "," else f"sep={found.separator!r} and "
    if len(readings) != 2:
        return f"{name}: numbers such as {cell!r} are written in several ways: write them all in one"
    plain, grouped = readings
    cell = cell if grouped.thousands in cell else found.columns[name].first or ""
    mark = {",": "comma", ".": "point"}.get(grouped.thousands, "mark")
    return (
        f"{name}: {cell!r} has a {mark}: if it marks thousands, that is {grouped.value(cell):.10g}, if decimals, "
        f"{plain.value(cell):.10g}, and the file does not tell which: read it by pandas with {sep}"
        f"thousands={grouped.thousands!r} or decimal={plain.decimal!r}, as was meant, and write it anew"
    )


def _keywords(found: Survey) -> str:
    """Arguments of `read_csv` by which all columns are read, where they are written alike."""
    used = [one for one in found.notations.values() if one is not None]
    marks = sorted({one.thousands for one in used if one.thousands})
    options = [f"sep={found.separator!r}"] if found.separator != "," else []
    if marks == ["."] or any(one.decimal == "," for one in used):
        options.append("decimal=','")
    return ", ".join([*options, *(f"thousands={mark!r}" for mark in marks[:1])])


def _suits_keywords(found: Survey) -> bool:
    """Whether one decimal and one mark of thousands read all columns right."""
    used = [one for one in found.notations.values() if one is not None]
    marked = [column for name, column in found.columns.items() if column.used]
    decimals, thousands = {one.decimal or "" for one in used} - {""}, {one.thousands for one in used} - {""}
    return (
        len(decimals) <= 1
        and len(thousands) <= 1
        and not decimals & thousands
        and not found.keeps_texts
        and not any(column.needs_words or column.num_odd for column in marked)
    )


def _program(path: str, found: Survey, options: str) -> str:
    blank = BLANK_NAMES if found.has_blank_name else ""
    if _suits_keywords(found):
        # Cells of dates, ids and classes stay as they are written; the mark of thousands would be taken out of them.
        dtype = "dtype={" + ", ".join(f"{name!r}: str" for name in found.texts) + "}" if found.texts else ""
        arguments = _arguments(path, found.skipped, options, dtype)
        return f"import pandas as p; p.read_csv({arguments}){blank}.to_csv('{path}', index=False)"
    sep = f"sep={found.separator!r}" if found.separator != "," else ""
    arguments = _arguments(path, found.skipped, sep, "dtype=str", "keep_default_na=False")
    steps = [f"import pandas as p; t = p.read_csv({arguments})"]
    by_way: dict[tuple[Notation, bool], list[str]] = {}
    for name, way in found.notations.items():
        if way is not None and (not way.is_plain or found.columns[name].needs_words):
            by_way.setdefault((way, found.columns[name].has_minus), []).append(name)
    steps += [f"c = {names!r}; t[c] = t[c].apply(lambda s: s{_exchange(*way)})" for way, names in by_way.items()]
    return "; ".join([*steps, f"t{blank}.to_csv('{path}', index=False)"])


def _exchange(way: Notation, has_minus: bool) -> str:
    """Calls that bring texts to digits and a point."""
    marks = {"": "", " ": SPACE_MARK, "'": APOSTROPHE_MARK}
    thousands = marks.get(way.thousands, f"{way.thousands!r}, '', regex=False")
    calls = [MINUS_SIGN if has_minus else "", thousands, "',', '.', regex=False" if way.decimal == "," else ""]
    return "".join(f".str.replace({call})" for call in calls if call)
