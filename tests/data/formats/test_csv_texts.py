"""CSV and TSV of paths and texts: with and without a head, with commas, quotes and tabs in texts."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from kit.exporters import picture
from kit.gathered import read_as, seen_as, told, truths
from plx_train.contract.truth import Truth

TEXTS = ("Hello, big, world", 'He said "no"', "a;b", "label", "12.50", "x|y", "Größe ½", '"Stop" sign')


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in range(len(TEXTS)):
        picture(tmp_path / "crops" / f"word {number}.png", number)
    return tmp_path


def expected() -> dict[str, object]:
    return {f"crops/word {number}.png": text for number, text in enumerate(TEXTS)}


def rows() -> list[list[str]]:
    return [[f"crops/word {number}.png", text] for number, text in enumerate(TEXTS)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("head", [None, ["filename", "text"], ["image", "label"], ["path", "Transcription"]])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_what_a_writer_of_csv_writes(root: Path, delimiter: str, head: list[str] | None, encoding: str) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\r\n" if head else "\n")
    writer.writerows([*([head] if head else []), *rows()])
    (root / ("labels.tsv" if delimiter == "\t" else "labels.csv")).write_text(file.getvalue(), encoding, newline="")
    assert seen_as(root, Truth.TEXT) == "csv"
    found = read_as("csv", root, Truth.TEXT)
    assert truths(found) == expected() and not found.findings


@pytest.mark.parametrize("head", ["", "image\ttext\n"])
def test_tabs_alone_separate_and_quotes_are_texts(root: Path, head: str) -> None:
    (root / "gt.tsv").write_text(head + "".join(f"{path}\t{text}\n" for path, text in rows()))
    found = read_as("csv", root, Truth.TEXT)
    assert truths(found) == expected() and not found.findings


def test_a_text_that_falls_apart_is_told(root: Path) -> None:
    (root / "labels.csv").write_text(
        "".join(f"{path},{text}\n" for path, text in rows()[2:5] + rows()[:1]) + "crops/word 5.png,\n"
    )
    found = read_as("csv", root, Truth.TEXT)
    assert truths(found) == {f"crops/word {number}.png": TEXTS[number] for number in (2, 3, 4)}
    assert told(found) == {("labels.csv", 4, "error", "cells-in-line"), ("labels.csv", 5, "error", "no-label")}


def test_a_column_can_be_named_and_a_table_without_texts_is_none(root: Path) -> None:
    (root / "a.csv").write_text(
        "id,file,Said\n" + "".join(f'{n},"{path}","t{n}"\n' for n, (path, _) in enumerate(rows()))
    )
    assert seen_as(root, Truth.TEXT) is None
    found = read_as("csv", root, Truth.TEXT, label="Said")
    assert truths(found)["crops/word 3.png"] == "t3" and not found.findings
