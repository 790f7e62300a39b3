"""Files of series are read as they are written, and what is wrong in them is told with its line."""

from __future__ import annotations

import gzip
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pytest

from plx_train.contract.check import Finding
from plx_train.series.frame import Series
from plx_train.series.read import lines, scan, source, table
from plx_train.series.read.reader import Columns, read_header, read_series

BY_DATE = Columns(time="date")
HEAD = "date,a,b\n"
TWO_ROWS = "2020-01-01,1,2\n2020-01-02,3,4\n"


def read(
    folder: Path, content: str | bytes, columns: Columns = BY_DATE, name: str = "t.csv"
) -> tuple[list[Series], list[Finding]]:
    """The series of a file of this content, and what was found."""
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_series(folder / name, folder, columns)


def found(findings: list[Finding]) -> list[tuple[int, str, str]]:
    return [(finding.line, finding.level, finding.code) for finding in findings]


def test_a_table_by_hand(tmp_path: Path) -> None:
    (series,), findings = read(tmp_path, "date,a,b,note\n2020-01-01,1,-2.5,x\n2020-01-02,NA,4e3,y\n2020-01-03,5,6,z\n")
    assert (series.name, series.where, series.columns, series.is_datetime) == ("t.csv", "t.csv:2", ("a", "b"), True)
    assert series.times.astype("datetime64[ns]").astype(str).tolist()[2].startswith("2020-01-03T00:00")
    np.testing.assert_array_equal(series.values, [[1, -2.5], [np.nan, 4000], [5, 6]])
    assert found(findings) == [(1, "warning", "column-left-out"), (3, "warning", "missing-values")]


@pytest.mark.parametrize(
    ("name", "pack"), [("t.csv", bytes), ("t.csv.gz", gzip.compress), ("t.csv.xz", lzma.compress), ("T.CSV", bytes)]
)
def test_compressed_or_not_it_is_the_same(tmp_path: Path, name: str, pack: type[bytes]) -> None:
    (series,), findings = read(tmp_path, pack((HEAD + TWO_ROWS).encode()), name=name)
    assert series.values.tolist() == [[1, 2], [3, 4]] and not findings


@pytest.mark.parametrize(
    "content",
    [
        "date,a,b\r\n2020-01-01,1,2\r\n2020-01-02,3,4",
        '"date","a","b"\n"2020-01-01","1","2"\n"2020-01-02","3","4"\n',
        "date, a, b\n2020-01-01, 1, 2\n2020-01-02 , 3, 4\n",
        'date,a,b,c\n2020-01-01,1,2,"x, y"\n2020-01-02,3,4,"say ""z"""\n',
        'date,a,b,c\n2020-01-01,1,2,5" pipe\n2020-01-02,3,4,7" pipe\n',
    ],
    ids=["CRLF", "quoted", "spaced", "commas in quotes", "inches"],
)
def test_ways_of_writing_the_same_rows(tmp_path: Path, content: str) -> None:
    (series,), findings = read(tmp_path, content)
    assert series.values.tolist() == [[1, 2], [3, 4]]
    assert {finding.code for finding in findings} <= {"column-left-out"}


@pytest.mark.parametrize(
    ("content", "line", "code", "part"),
    [
        ("", 0, "file-empty", "empty"),
        (HEAD, 0, "file-empty", "no row"),
        ("1,2\n3,4\n", 1, "no-header", "numbers alone"),
        ("date;a\n2020-01-01;1,5\n", 1, "separator", "sep=';', decimal=','"),
        ("date\ta\n2020-01-01\t1\n", 1, "separator", "tabs"),
        ("date|a\n2020-01-01|1\n", 1, "separator", "bars"),
        ("date,a,a\n2020-01-01,1,2\n", 1, "column-twice", "'a' 2 times"),
        ("Date,a\n2020-01-01,1\n", 1, "column-missing", "dataset.columns.time names: did you mean 'Date'?"),
        ("date,a\n2020-01-01,x\n2020-01-02,y\n", 1, "no-values", "no column but date"),
        (HEAD + "2020-01-01,1\n", 2, "cells-in-line", "2 cells, the header 3"),
        (HEAD + TWO_ROWS + "2020-01-03,1,2,3\n", 4, "cells-in-line", "4 cells, the header 3"),
        ('date,a,b\n"2020-01-01,1",2\n', 2, "cells-in-line", "2 cells, the header 3"),
        (HEAD + '2020-01-01,1,"2\n' + TWO_ROWS, 2, "quote-open", "not closed"),
        (HEAD + "2020-01-01,1,2\r2020-01-02,3,4\n", 2, "line-ends", "CR"),
        ((HEAD + TWO_ROWS).encode("utf-16"), 1, "not-utf8", "UTF-16"),
        ("date,\xe9\n2020-01-01,1\n".encode("latin1"), 1, "not-utf8", "header"),
        (HEAD.encode() + "2020-01-01,1,2\n2020-01-02,1,\xe9\n".encode("latin1"), 3, "not-utf8", "line"),
        (HEAD + TWO_ROWS + ",5,6\n", 4, "time-missing", "no time"),
        (HEAD + TWO_ROWS + "soon,5,6\n", 4, "time-unparseable", "'soon'"),
        (HEAD + "0.5,1,2\n1.5,2,3\n", 2, "time-unparseable", "or as integers"),
        (HEAD + TWO_ROWS + "2020-01-03,5,x1\n", 4, "not-a-number", "'x1' is not a number"),
        ('date,a\n2020-01-01,"1,5"\n', 2, "decimal-comma", "has a decimal comma; this mends it"),
        ('date,a\n2020-01-01,"1,500"\n', 2, "decimal-comma", "if it marks thousands"),
        (HEAD + TWO_ROWS + "2020-01-03,1e400,2\n", 4, "infinite-values", "infinite"),
        (HEAD + "2020-01-01,,2\n2020-01-02,,4\n", 2, "no-value", "no row has a value"),
        (HEAD + TWO_ROWS + "2020-01-02,3,5\n", 4, "duplicate-time", "stands in line 3 already"),
    ],
)
def test_faults_are_told_with_their_line(tmp_path: Path, content: str | bytes, line: int, code: str, part: str) -> None:
    _, findings = read(tmp_path, content)
    (error,) = [finding for finding in findings if finding.level == "error"]
    assert (error.line, error.code) == (line, code) and part in error.reason


@pytest.mark.parametrize(
    ("content", "line", "code"),
    [
        ("\ufeff" + HEAD + TWO_ROWS, 1, "byte-order-mark"),
        (HEAD + "2020-01-01,1,2\n\n  \t\n2020-01-02,3,4\n", 3, "blank-line"),
        (",date,a,b\n0,2020-01-01,1,2\n1,2020-01-02,3,4\n", 1, "column-unnamed"),
        (HEAD + "2020-01-02,3,4\n2020-01-01,1,2\n", 3, "out-of-order"),
        ("date,a\x85c,b\n" + TWO_ROWS, 1, "control-character"),
        ("date,a,b\u2028\n" + TWO_ROWS, 1, "control-character"),
        ("date,a\u200b,b\n" + TWO_ROWS, 1, "invisible-character"),
        ("date,\u00e9,e\u0301\n" + TWO_ROWS, 1, "mixed-forms"),
    ],
)
def test_oddities_are_warned_of_and_mended(tmp_path: Path, content: str, line: int, code: str) -> None:
    (series,), findings = read(tmp_path, content)
    assert found(findings) == [(line, "warning", code)]
    assert series.values.tolist() == [[1, 2], [3, 4]] and np.diff(series.times).tolist() == [86_400 * 10**9]


def test_lines_are_right_behind_blank_ones(tmp_path: Path) -> None:
    _, findings = read(tmp_path, "\n" + HEAD + "2020-01-01,1,2\n\n\n2020-01-02,x,4\n2020-01-03,5,y\n")
    errors = [(finding.line, finding.code) for finding in findings if finding.level == "error"]
    assert errors == [(6, "not-a-number"), (7, "not-a-number")]


def test_many_faults_are_counted_not_listed(tmp_path: Path) -> None:
    content = HEAD + "".join(f"2020-01-{day:02d},x,{day}\n" for day in range(1, 31)) + "2020-01-31,1,1\n"
    _, findings = read(tmp_path, content, Columns("date", ("a", "b")))
    assert [str(finding) for finding in findings] == [
        "t.csv:2: column a: 'x' is not a number; leave the cell empty where a value is missing "
        "(30 such rows: lines 2, 3, 4, …)"
    ]


def test_groups_are_taken_apart_and_put_in_order(tmp_path: Path) -> None:
    content = "g,t,a,s,label\ny,2,1,7,up\nx,5,2,8,NA\ny,1,3,7,up\nx,6,4,8,NA\n"
    columns = Columns("t", ("a",), "g", ("s",), "label")
    series, findings = read(tmp_path, content, columns)
    assert [(one.name, one.where, one.group, one.label, one.static) for one in series] == [
        ("t.csv:y", "t.csv:4", "y", "up", (("s", 7.0),)),
        ("t.csv:x", "t.csv:3", "x", "NA", (("s", 8.0),)),
    ]
    assert [one.times.tolist() for one in series] == [[1, 2], [5, 6]]
    assert [one.values.ravel().tolist() for one in series] == [[3, 1], [2, 4]]
    assert found(findings) == [(4, "warning", "out-of-order")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("g,t,a,s\nx,1,1,5\nx,2,2,6\n", "static-changes"),
        ("g,t,a,s\nx,1,1,5\n,2,2,5\n", "group-missing"),
        ("g,t,a,s,l\nx,1,1,5,up\nx,2,2,5,down\n", "label-changes"),
        ("g,t,a,s,l\nx,1,1,5,up\nx,2,2,5,\n", "label-missing"),
        ("g,t,a,s\n" + "".join(f"{row},{row},1,5\n" for row in range(2001)), "groups-of-one-row"),
    ],
)
def test_groups_that_are_none(tmp_path: Path, content: str, code: str) -> None:
    label = "l" if ",l\n" in content else None
    _, findings = read(tmp_path, content, Columns("t", ("a",), "g", ("s",), label))
    assert code in [finding.code for finding in findings if finding.level == "error"]


def test_rows_are_counted_where_there_is_no_time(tmp_path: Path) -> None:
    series, findings = read(tmp_path, "g,a\nx,1\ny,2\nx,3\n", Columns(None, None, "g"))
    assert [one.times.tolist() for one in series] == [[0, 1], [0]] and not findings


def test_a_column_has_one_role(tmp_path: Path) -> None:
    for columns in (Columns("date", ("a", "date")), Columns("date", ("a", "a"))):
        _, findings = read(tmp_path, HEAD + TWO_ROWS, columns)
        assert found(findings) == [(1, "error", "column-in-two-roles")]


def test_flags_are_0_or_1_and_may_be_constant(tmp_path: Path) -> None:
    columns = Columns("date", ("a", "b"), flags=("b",))
    _, constant = read(tmp_path, HEAD + "2020-01-01,1,0\n2020-01-02,3,0\n", columns)
    _, other = read(tmp_path, HEAD + "2020-01-01,1,0\n2020-01-02,3,2\n", columns)
    assert not constant and found(other) == [(3, "error", "flag-not-0-or-1")]


def test_constant_columns_say_nothing(tmp_path: Path) -> None:
    _, whole = read(tmp_path, HEAD + "2020-01-01,1,2\n2020-01-02,1,4\n")
    _, group = read(tmp_path, "g,a\nx,1\nx,1\ny,1\ny,2\nz,3\n", Columns(None, None, "g"))
    assert found(whole) == found(group) == [(2, "warning", "constant-column")]
    assert "in 1 of 3 series, the first is t.csv:x" in group[0].reason


def test_links_and_paths_out_of_the_dataset_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.csv").write_text(HEAD + TWO_ROWS)
    (root / "link.csv").symlink_to(tmp_path / "secret.csv")
    (root / "loop.csv").symlink_to(root / "loop.csv")
    for path in (root / "../secret.csv", root / "link.csv"):
        assert found(read_series(path, root, BY_DATE)[1]) == [(0, "error", "path-outside-root")]
    for path in (root / "loop.csv", root / "a\0b.csv"):
        assert read_series(path, root, BY_DATE)[1][0].code in ("path-invalid", "file-missing")


def test_a_file_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(HEAD)
    (finding,) = read_series(tmp_path / "trian.csv", tmp_path, BY_DATE)[1]
    assert (finding.code, finding.reason) == ("file-missing", "the file does not exist; there is train.csv")
    (finding,) = read_series(tmp_path / "train.feather", tmp_path, BY_DATE)[1]
    assert finding.code == "file-missing"
    (tmp_path / "train.feather").write_bytes(b"ARROW1")
    assert read_series(tmp_path / "train.feather", tmp_path, BY_DATE)[1][0].code == "file-kind"


@pytest.mark.parametrize(("name", "magic"), [("t.csv.gz", b"\x1f\x8b\x08\0"), ("t.csv.xz", b"\xfd7zXZ\0")])
def test_damaged_archives_are_told(tmp_path: Path, name: str, magic: bytes) -> None:
    pack = gzip.compress if name.endswith("gz") else lzma.compress
    whole = pack((HEAD + TWO_ROWS * 100).encode())
    for content in (magic + b"nothing of that kind", whole[:-20], b"plain text"):
        _, findings = read(tmp_path, content, name=name)
        assert found(findings) == [(0, "error", "file-unreadable")]


def test_an_archive_of_one_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 1000)
    monkeypatch.setattr(scan, "MAX_LINE", 1000)
    monkeypatch.setattr(lines, "BLOCK", 500)
    _, header = read(tmp_path, gzip.compress(b"a" * 5000), name="t.csv.gz")
    _, body = read(tmp_path, gzip.compress(HEAD.encode() + b"1" * 5000), name="t.csv.gz")
    assert found(header) == [(1, "error", "no-header")] and found(body) == [(0, "error", "file-unreadable")]


def test_an_archive_of_blank_lines_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_BLANKS", 1000)
    _, findings = read(tmp_path, gzip.compress(HEAD.encode() + b"\n" * 5000), name="t.csv.gz")
    assert found(findings) == [(2, "error", "blank-line")]
    _, findings = read(tmp_path, gzip.compress(b"\n" * 5000), name="t.csv.gz")
    assert found(findings) == [(1001, "error", "no-header")]


def test_more_rows_than_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_memory", lambda: 2 * (2 * 8 + table.BYTES_BESIDE) - 1)
    _, findings = read(tmp_path, HEAD + TWO_ROWS)
    assert found(findings) == [(0, "error", "file-too-large")]
    monkeypatch.setattr(table, "_memory", lambda: 2 * (2 * 8 + table.BYTES_BESIDE))
    assert not read(tmp_path, HEAD + TWO_ROWS)[1]


def test_a_workbook_that_swells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 100_000)
    monkeypatch.setattr(source, "MAX_SHEET", 99_999)
    assert found(read_series(tmp_path / "t.xlsx", tmp_path, BY_DATE)[1]) == [(0, "error", "file-too-large")]
    assert found(read(tmp_path, b"no workbook", name="u.xlsx")[1])[0][2] in ("file-unreadable", "excel-extra")


def test_a_workbook_without_its_reader_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(path: Path) -> bytes:
        raise ImportError("Missing optional dependency 'openpyxl'.")

    monkeypatch.setattr(source, "_sheet", absent)
    _, (finding,) = read(tmp_path, b"x", name="t.xlsx")
    assert finding.code == "excel-extra" and "openpyxl" in finding.reason


def test_a_sheet_is_read_with_its_own_rows(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    import pandas

    days = pandas.date_range("2020-01-01", periods=4, freq="h")
    frame = pandas.DataFrame({"date": days, "a": [1, 2.5, None, 4], "b": [1, 2, 3, 5]})
    frame = frame.astype(object)
    frame.iloc[1] = None
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    (series,), findings = read_series(tmp_path / "t.xlsx", tmp_path, BY_DATE)
    np.testing.assert_array_equal(series.values, [[1, 1], [np.nan, 3], [4, 5]])
    assert found(findings) == [
        (2, "warning", "gaps"),
        (3, "warning", "blank-line"),
        (4, "warning", "missing-values"),
    ]


def test_a_header_is_read_alone(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"date, a ,b\n" + "\xe9".encode("latin1") + b'"')
    assert read_header(tmp_path / "t.csv", tmp_path) == ("date", "a", "b")
    assert read_header(tmp_path / "none.csv", tmp_path) == ()


def test_blocks_are_joined_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"{row},{row % 7},{row * 0.5}\n" for row in range(500))
    whole = read(tmp_path, "t,a,b\n" + rows, Columns("t"))[0][0]
    for block in (17, 64, 1001):
        monkeypatch.setattr(lines, "BLOCK", block)
        monkeypatch.setattr(table, "CELLS_AT_ONCE", block)
        (series,), findings = read(tmp_path, "t,a,b\n" + rows + "\n500,x,1\n", Columns("t"))
        np.testing.assert_array_equal(series.values[:500], whole.values)
        assert (503, "error", "not-a-number") in found(findings) and np.isnan(series.values[500, 0])


def test_rows_of_one_series_in_order_are_not_copied(tmp_path: Path) -> None:
    (series,), _ = read(tmp_path, HEAD + TWO_ROWS)
    assert series.values.base is not None and series.times.base is not None
    assert np.shares_memory(series.rows(1).values, series.values)


def test_a_name_that_a_shell_would_run_stays_out_of_the_command(tmp_path: Path) -> None:
    _, (finding,) = read(tmp_path, "date;a\n2020-01-01;1\n", name="t'; rm x; '.csv")
    assert "python -c" not in finding.reason and "sep=';'" in finding.reason
