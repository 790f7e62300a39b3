"""Lines that findings print mend the file at hand: run as they stand, they leave the numbers that were meant."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from plx_train.contract.check import Finding
from plx_train.series.frame import Series
from plx_train.series.read.notation import fitting, shape_of
from plx_train.series.read.reader import Columns, read_series

DAYS = [f"2020-01-{day:02d}" for day in range(1, 31)]


def read(path: Path, columns: Columns) -> tuple[list[Series], list[Finding]]:
    return read_series(path, path.parent, columns)


def table(separator: str, *columns: list[str]) -> str:
    """A table of named columns, each name before its cells; cells with a comma in quotation marks."""
    rows = zip(*columns, strict=True)
    quoted = ([f'"{cell}"' if separator in cell else cell for cell in row] for row in rows)
    return "\n".join(separator.join(row) for row in quoted) + "\n"


def line_of(findings: list[Finding]) -> str | None:
    """The program in a line that a finding prints."""
    found = {match[1] for finding in findings if (match := re.search(r'(python -c ".*")', finding.reason))}
    assert len(found) <= 1
    return next(iter(found), None)


def run_line(line: str) -> None:
    """Runs the program of a line as a shell would hand it to Python, without the seconds that a process takes."""
    _, _, program = shlex.split(line)
    exec(compile(program, "line", "exec"), {})


def run_in_shell(line: str, folder: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", line.replace("python", sys.executable, 1)], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0 and not done.stderr, done.stderr


def grouped(values: list[int], mark: str) -> list[str]:
    return [f"{value:,d}".replace(",", mark) for value in values]


COUNTS = [int(value) for value in np.random.default_rng(0).integers(200, 4000, 30)]
DECIMALS = [round(float(value), 2) for value in np.random.default_rng(1).uniform(1000, 3_000_000, 30)]


def german(values: list[float]) -> list[str]:
    return [f"{value:,.2f}".translate(str.maketrans(",.", ".,")) for value in values]


def spaced(values: list[float], mark: str) -> list[str]:
    return [f"{value:,.2f}".replace(",", mark).replace(".", ",") for value in values]


@pytest.mark.parametrize(
    ("separator", "cells", "values"),
    [
        (";", grouped(COUNTS, "."), COUNTS),
        (";", [str(value).replace(".", ",") for value in DECIMALS], DECIMALS),
        (";", german(DECIMALS), DECIMALS),
        (";", [f"{value:,.2f}" for value in DECIMALS], DECIMALS),
        (";", [str(value) for value in DECIMALS], DECIMALS),
        (",", grouped(COUNTS, "."), COUNTS),
        (",", grouped(COUNTS, ","), COUNTS),
        (",", german(DECIMALS), DECIMALS),
        (",", [f"{value:,.2f}" for value in DECIMALS], DECIMALS),
        (",", ["12,34,567.5", *map(str, DECIMALS[1:])], [1_234_567.5, *DECIMALS[1:]]),
        ("\t", spaced(DECIMALS, " "), DECIMALS),
        (";", spaced(DECIMALS, "\u00a0"), DECIMALS),
        (";", spaced(DECIMALS, "\u202f"), DECIMALS),
        ("|", [f"{value:,.2f}".replace(",", "'") for value in DECIMALS], DECIMALS),
        (";", [f"{value:,.2f}".replace(",", "\u2019") for value in DECIMALS], DECIMALS),
        (",", [f"\u2212{value}" for value in DECIMALS], [-value for value in DECIMALS]),
        (";", ["", *german(DECIMALS[1:])], [np.nan, *DECIMALS[1:]]),
        (";", ["NA", *german(DECIMALS[1:])], [np.nan, *DECIMALS[1:]]),
    ],
)
def test_the_line_leaves_the_numbers_that_were_meant(
    tmp_path: Path, separator: str, cells: list[str], values: list[float]
) -> None:
    path, columns = tmp_path / "t.csv", Columns("date", ("a",))
    ids = [f"{place % 3:03d}" for place in range(30)]
    path.write_text(table(separator, ["date", *DAYS], ["id", *ids], ["a", *cells]), "utf-8")
    _, findings = read(path, columns)
    line = line_of(findings)
    assert line is not None and any(finding.level == "error" for finding in findings)
    run_line(line)
    (series,), left = read(path, columns)
    assert {finding.code for finding in left} <= {"missing-values"}
    np.testing.assert_array_equal(series.values[:, 0], values)
    assert [text.split(",")[:2] for text in path.read_text("utf-8").splitlines()[1:]] == [
        list(pair) for pair in zip(DAYS, ids, strict=True)
    ]


def test_columns_that_are_written_in_several_ways_are_each_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        table(";", ["date", *DAYS], ["a", *german(DECIMALS)], ["b", *(f"{value:.1f}" for value in DECIMALS)])
    )
    line = line_of(read(path, Columns("date"))[1])
    assert line is not None
    run_in_shell(line, tmp_path)
    (series,), left = read(path, Columns("date"))
    assert not left
    np.testing.assert_array_equal(series.values, [[value, float(f"{value:.1f}")] for value in DECIMALS])


def test_dates_ids_and_nameless_columns_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    days = [f"{day:02d}.01.2020" for day in range(1, 31)]
    group = ["NA", "007"] * 15
    numbers = [str(place) for place in range(30)]
    path.write_text(
        "sep=;\n" + table(";", ["", *numbers], ["Datum", *days], ["id", *group], ["a", *grouped(COUNTS, ".")])
    )
    columns = Columns("Datum", ("a",), "id")
    line = line_of(read(path, columns)[1])
    assert line is not None
    run_in_shell(line, tmp_path)
    series, left = read(path, columns)
    assert [finding.level for finding in left if finding.code != "gaps"] == []
    assert {one.group: one.values[:, 0].tolist() for one in series} == {"NA": COUNTS[::2], "007": COUNTS[1::2]}
    assert path.read_text().startswith(",Datum,id,a\n0,01.01.2020,NA,")


@pytest.mark.parametrize(
    ("separator", "cells", "readings"),
    [
        (";", ["3.154"] * 30, ("3154", "3.154")),
        (";", ["3,154"] * 30, ("3154", "3.154")),
        (",", ["3,154"] * 30, ("3154", "3.154")),
        ("\t", ["-3.154", *["12.250"] * 29], ("-3154", "-3.154")),
    ],
)
def test_what_the_file_does_not_tell_is_asked(
    tmp_path: Path, separator: str, cells: list[str], readings: tuple[str, str]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(table(separator, ["date", *DAYS], ["a", *cells]))
    (error,) = [finding for finding in read(path, Columns("date"))[1] if finding.level == "error"]
    assert "python -c" not in error.reason
    assert f"if it marks thousands, that is {readings[0]}, if decimals, {readings[1]}" in error.reason


@pytest.mark.parametrize(
    ("other", "value"),
    [("0,5", 3154.0), ("7.000.000", 3154.0), ("0.5", 3.154), ("1234", None)],
)
def test_one_column_tells_how_another_is_written(tmp_path: Path, other: str, value: float | None) -> None:
    path = tmp_path / "t.csv"
    path.write_text(table(";", ["date", *DAYS], ["a", *["3.154"] * 30], ["b", *[other] * 30]))
    line = line_of(read(path, Columns("date"))[1])
    assert (line is None) == (value is None)
    if line is not None:
        run_line(line)
        (series,), _ = read(path, Columns("date"))
        assert series.values[0, 0] == value


def test_thousands_are_no_texts_however_many_columns_have_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        table(",", ["date", *DAYS], ["sales", *(f"{value:,.2f}" for value in DECIMALS)], ["temp", *["1.5"] * 30])
    )
    _, findings = read(path, Columns("date"))
    (error,) = [finding for finding in findings if finding.level == "error"]
    assert (error.line, error.code) == (2, "decimal-comma") and "(30 such rows: lines 2, 3, 4, …)" in error.reason


def test_decimals_of_three_digits_are_no_thousands(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for cells in (
        [f"{value:.3f}" for value in np.linspace(1, 99, 30)],
        [f"{1 + place / 8}" for place in range(30)],
        ["1234", *(f"{value:.3f}" for value in np.linspace(1, 99, 29))],
    ):
        path.write_text(table(",", ["date", *DAYS], ["a", *cells]))
        assert not read(path, Columns("date"))[1]


@pytest.mark.parametrize("marks", [["-999"], ["999"], ["-555"], ["-999", "-888", "-555"]])
def test_marks_of_missing_values_among_decimals_are_no_thousands(tmp_path: Path, marks: list[str]) -> None:
    path = tmp_path / "t.csv"
    decimals = [f"{value:.3f}" for value in np.random.default_rng(0).uniform(10, 30, 30 - len(marks))]
    path.write_text(table(",", ["date", *DAYS], ["a", *decimals, *marks]))
    (series,), findings = read(path, Columns("date"))
    assert {finding.level for finding in findings} <= {"warning"}
    np.testing.assert_array_equal(series.values[:, 0], [float(cell) for cell in (*decimals, *marks)])


def test_a_file_whose_rows_are_uneven_or_no_text_gets_words(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for content in (b"date;a\n2020-01-01;1,5\n2020-01-02;1;2\n", "date;a;b\n2020-01-01;1,5;ä\n".encode("latin1")):
        path.write_bytes(content)
        (error,) = read(path, Columns("date"))[1]
        assert error.code == "separator" and "python -c" not in error.reason and "sep=';'" in error.reason


@pytest.mark.parametrize(
    ("cells", "sign"),
    [
        (["45%", "5 %"], "%"), (["$1,200.50", "$3"], "$"), (["12 EUR", "5 EUR"], "EUR"), (["3 \u20ac"] * 2, "\u20ac"),
        (["20.5\u00b0C", "3\u00b0C"], "\u00b0C"), (["5 m/s", "7.5 m/s"], "m/s"),
    ],
)  # fmt: skip
def test_numbers_with_signs_beside_them_are_no_texts(tmp_path: Path, cells: list[str], sign: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(table(",", ["date", *DAYS[:2]], ["a", *cells], ["b", "1", "2"]), "utf-8")
    (error,) = read(path, Columns("date"))[1]
    assert (error.level, error.code) == ("error", "not-a-number") and f"with {sign!r} beside them" in error.reason
    assert not [one for one in read(path, Columns("date", ("b",)))[1] if one.level == "error"]


@pytest.mark.parametrize(
    "cells",
    [
        ["1h"] * 30, ["32N"] * 15 + ["33N"] * 15, ["5G"] * 30, ["12V", "24V", "48V"] * 10,
        [f"555 123 {place}" for place in range(400, 430)], ["555 123 410", "600 700 800"] * 15,
        ["192.168.100.110", "192.168.100.111"] * 15, ["192.168.100.110", "10.0.0.1"] * 15,
    ],
)  # fmt: skip
def test_names_and_ids_with_digits_are_left_out(tmp_path: Path, cells: list[str]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(table(",", ["date", *DAYS], ["a", *cells], ["b", *map(str, range(30))]))
    (series,), (finding,) = read(path, Columns("date"))
    assert (finding.level, finding.code, series.columns) == ("warning", "column-left-out", ("b",))
    assert {one.level for one in read(path, Columns("date", ("a",)))[1]} == {"error"}


LARGE = [331_449_281 + 99_999 * place for place in range(30)]


@pytest.mark.parametrize("cells", [[f"{place}V" for place in range(30)], grouped(LARGE, ","), grouped(LARGE, " ")])
def test_units_and_thousands_of_many_numbers_are_told(tmp_path: Path, cells: list[str]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(table(",", ["date", *DAYS], ["a", *cells], ["b", *map(str, range(30))]))
    assert [one.code for one in read(path, Columns("date"))[1]] in (["not-a-number"], ["decimal-comma"])


def test_texts_stay_texts(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for cells in (["S1", "S2"], ["1st", "2nd"], ["A", "3"], ["clear", "rain"], ["12A", "7B"]):
        path.write_text(table(",", ["date", *DAYS[:2]], ["a", *cells], ["b", "1", "2"]))
        assert [one.code for one in read(path, Columns("date"))[1]][:1] in (["column-left-out"], ["not-a-number"])
        assert cells == ["A", "3"] or read(path, Columns("date"))[1][0].code == "column-left-out"


def test_a_column_that_lacks_most_of_its_numbers_names_the_cells(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    cells = [str(place) if place % 3 == 0 else "-" for place in range(30)]
    path.write_text(table(",", ["date", *DAYS], ["a", *cells], ["b", *map(str, range(30))]))
    (error,) = [one for one in read(path, Columns("date"))[1] if one.level == "error"]
    assert (error.line, error.code) == (3, "not-a-number") and "(20 such rows: lines 3, 4, 6, …)" in error.reason


def test_dates_in_parts_become_one_column(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("No,year,month,day,Hour,a\n1,2010,1,2,0,NA\n2,2010,1,2,1,5.50\n3,2010,1,2,2,6\n")
    _, findings = read(path, Columns(None))
    assert findings[0].code == "time-in-parts"
    line = line_of(findings)
    assert line is not None
    run_in_shell(line, tmp_path)
    assert path.read_text().startswith("date,No,a\n2010-01-02 00:00:00,1,NA\n2010-01-02 01:00:00,2,5.50\n")
    (series,), _ = read(path, Columns("date"))
    assert np.diff(series.times).tolist() == [3600 * 10**9] * 2


@pytest.mark.parametrize("cell", ["1,5", "12,345.5"])
def test_the_faulty_cell_is_named_not_a_correct_one(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "t.csv"
    cells = ["63.696", "26.978", *[f"{place}.25" for place in range(27)], cell]
    path.write_text(table(",", ["date", *DAYS], ["a", *cells]))
    (error,) = [one for one in read(path, Columns("date"))[1] if one.level == "error"]
    assert (error.line, error.code) == (31, "decimal-comma") and repr(cell) in error.reason


def test_digits_of_other_scripts_are_no_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(table(",", ["date", *DAYS], ["a", "\u0663", *["1.5"] * 29]), "utf-8")
    (error,) = [one for one in read(path, Columns("date"))[1] if one.level == "error"]
    assert (error.line, error.code) == (2, "not-a-number") and "python -c" not in error.reason


def test_cells_of_one_shape_are_written_alike() -> None:
    cells = [
        "1.234",
        "20.304",
        "-0.5",
        "0012",
        "1,234,567",
        "12 345,5",
        "1e10",
        "\u22123.5",
        "x1",
        "2024-01-01",
        "+100",
    ]
    for cell in cells:
        assert fitting(shape_of(cell)) == fitting(cell) and shape_of(f" {cell} ") == shape_of(cell)
    assert shape_of("8.905") == shape_of("1.234") and shape_of("0012") != shape_of("4012")
