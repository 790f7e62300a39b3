"""Numbers of more digits than any float has are infinite, which the check tells; they end nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from plx_train.series.read.reader import Columns, read_series

DIGITS = "9" * 400


@pytest.mark.parametrize("number", [DIGITS, f"-{DIGITS}", "1" * 5000])
def test_a_cell_of_hundreds_of_digits_is_told_as_infinite(tmp_path: Path, number: str) -> None:
    rows = [f"2024-01-0{day},{number if day == 4 else day},{day}" for day in range(1, 9)]
    (tmp_path / "table.csv").write_text("\n".join(["date,load,other", *rows]))

    _, findings = read_series(tmp_path / "table.csv", tmp_path, Columns(time="date", values=("load", "other")))

    assert [(one.line, one.level) for one in findings if "load" in one.reason] == [(5, "error")]


@pytest.mark.parametrize("number", [DIGITS, f"-{DIGITS}"])
def test_a_time_of_hundreds_of_digits_is_told(tmp_path: Path, number: str) -> None:
    rows = [f"{number if row == 4 else 1_700_000_000 + row * 60},{row}" for row in range(1, 9)]
    (tmp_path / "table.csv").write_text("\n".join(["date,load", *rows]))

    series, findings = read_series(tmp_path / "table.csv", tmp_path, Columns(time="date"))

    assert not series and any(one.level == "error" for one in findings)
