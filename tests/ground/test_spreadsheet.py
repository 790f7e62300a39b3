"""Tables for spreadsheets compute nothing, and numbers in them stay numbers."""

from __future__ import annotations

import csv
import io
from typing import Any

import pandas
import pytest

from plx_train.ground.spreadsheet import cell, csv_text, frame_csv_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+HYPERLINK(1)", "'+HYPERLINK(1)"),
        ("-2+3+cmd|x", "'-2+3+cmd|x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1+1", "' =1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\t=1+1", "[U+0009]=1+1"),
        ("\r=1+1", "[U+000D]=1+1"),
        ("a;=1+1", "a;'=1+1"),
        *((f"a; {sign}1+1", f"a;' {sign}1+1") for sign in "=+-@\uff1d\uff0b\uff0d\uff20"),
        ("a\nb\u202e\x1b[2J", "a[U+000A]b[U+202E][U+001B][2J"),
        ("-", "'-"),
    ],
)
def test_a_formula_becomes_a_text(text: str, shown: str) -> None:
    assert cell(text) == shown


@pytest.mark.parametrize(
    "value",
    ["-1.5", "+3", "1e-5", "-1,5", "-.5", "-12%", "-inf", "nan", -1.5, 3, None, "2020-01-31", "a-b", "مرحبا", ""],
)
def test_numbers_and_words_stay(value: Any) -> None:
    assert cell(value) == value


def test_a_table() -> None:
    text = csv_text([["=x", "score"], ["a,b", -0.25], ["-1", 3]])
    assert list(csv.reader(io.StringIO(text))) == [["'=x", "score"], ["a,b", "-0.25"], ["-1", "3"]]


def test_a_frame_with_its_names() -> None:
    times = pandas.Index(pandas.to_datetime(["2020-01-01", "2020-01-02"]), name="=time")
    table = pandas.DataFrame({"@load": [-1.5, 2.0], "label": ["=1+1", "-1"]}, times)
    assert frame_csv_text(table) == "'=time,'@load,label\n2020-01-01,-1.5,'=1+1\n2020-01-02,2.0,-1\n"
    assert list(table.columns) == ["@load", "label"] and table["label"].iloc[0] == "=1+1"
    plain = pandas.DataFrame({"label": [0, 1], "score": [0.125, 1e-9]}, pandas.Index(["a", "=b"], name="sample"))
    assert frame_csv_text(plain) == "sample,label,score\na,0,0.125\n'=b,1,1e-09\n"
