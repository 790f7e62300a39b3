"""CSV files of images: with a head or without, however paths and classes are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.exporters import picture
from kit.gathered import read_as, seen_as, told, truths
from plx_train.contract.truth import Truth

TABLES = {
    "head": "path,class\nimg/a.png,cat\nimg/b.png,dog\n",
    "other names": "filename,label\na.png,cat\nb.png,dog\n",
    "other order": "category;image\ncat;img/a.png\ndog;img/b.png\n",
    "no head": "img/a.png,cat\nimg/b.png,dog\n",
    "tabs, BOM, CR LF, quotes": '\ufeffimage\tlabel\r\n"img/a.png"\tcat\r\nimg/b.png\tdog\r\n',
    "more columns": "id,image_path,width,label\n1,img/a.png,24,cat\n2,img/b.png,24,dog\n",
    "without suffix": "image_id,label\na,cat\nb,dog\n",
    "of another machine": "path,label\nC:\\data\\img\\a.png,cat\n/home/me/set/img/b.png,dog\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed, name in enumerate("abcd"):
        picture(tmp_path / "img" / f"{name}.png", seed)
    return tmp_path


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_classes_of_a_table(root: Path, text: str) -> None:
    (root / "labels.csv").write_text(text, "utf-8", newline="")
    assert seen_as(root, Truth.CLASS) == "csv"
    found = read_as("csv", root, Truth.CLASS)
    assert truths(found) == {"img/a.png": "cat", "img/b.png": "dog"} and not found.findings


def test_a_column_or_files_may_divide(root: Path) -> None:
    (root / "all.csv").write_text("file,label,split\na.png,cat,train\nb.png,dog,valid\nc.png,dog,TEST\n")
    found = read_as("csv", root, Truth.CLASS)
    assert [truths(found, split) for split in ("train", "val", "test")] == [
        {"img/a.png": "cat"},
        {"img/b.png": "dog"},
        {"img/c.png": "dog"},
    ]
    (root / "all.csv").rename(root / "train.csv")
    (root / "train.csv").write_text("a.png,cat\n")
    (root / "val.csv").write_text("b.png,cat\n")
    found = read_as("csv", root, Truth.CLASS)
    assert truths(found) == {"img/a.png": "cat"} and truths(found, "val") == {"img/b.png": "cat"}


def test_labels_are_columns_of_0_and_1(root: Path) -> None:
    (root / "labels.csv").write_text("filename,red,round,weight\na.png,1,0,3\nb.png,1,1,7\nc.png,0,0,1\n")
    found = read_as("csv", root, Truth.LABELS)
    assert found.labels == ("red", "round")
    assert truths(found) == {"img/a.png": ("red",), "img/b.png": ("red", "round"), "img/c.png": ()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path,label\na.png,cat\nz.png,dog\n", ("labels.csv", 3, "error", "image-missing")),
        ("path,label\na.png,cat\n../../b.png,\n", ("labels.csv", 3, "error", "no-label")),
        ("path,species,country\na.png,cat,us\n", ("labels.csv", 0, "error", "no-class-column")),
    ],
)
def test_what_is_wrong_is_told(root: Path, text: str, expected: tuple[str, int, str, str]) -> None:
    (root / "labels.csv").write_text(text)
    assert expected in told(read_as("csv", root, Truth.CLASS))


def test_a_column_can_be_named(root: Path) -> None:
    (root / "labels.csv").write_text("path,species,country\na.png,cat,us\n")
    assert truths(read_as("csv", root, Truth.CLASS, label="species")) == {"img/a.png": "cat"}


def test_a_table_of_other_things_is_none(root: Path) -> None:
    (root / "prices.csv").write_text("time,price\n2024-01-01,3\n")
    assert seen_as(root, Truth.CLASS) is None


def test_a_label_with_a_forgotten_cell_stays_one(root: Path) -> None:
    (root / "labels.csv").write_text("filename,red,round,note\na.png,1,0,x\nb.png,,1,\nc.png,0,1,\nd.png,1,,y\n")
    found = read_as("csv", root, Truth.LABELS)
    assert found.labels == ("red", "round") and truths(found) == {"img/a.png": ("red",), "img/c.png": ("round",)}
    assert told(found) == {
        ("labels.csv", 3, "error", "label-not-0-or-1"),
        ("labels.csv", 5, "error", "label-not-0-or-1"),
        ("labels.csv", 0, "warning", "column-not-label"),
    }
    assert any(one.reason.endswith("are no labels: note") for one in found.findings)


@pytest.mark.parametrize("name", ["fold", "Split", ""])
def test_a_column_that_divides_or_has_no_name_is_no_label(root: Path, name: str) -> None:
    (root / "labels.csv").write_text(f"filename,{name},red\na.png,0,1\nb.png,1,1\n")
    found = read_as("csv", root, Truth.LABELS)
    assert found.labels == ("red",) and not found.findings


def test_a_column_that_is_named_makes_a_head(root: Path) -> None:
    (root / "labels.csv").write_text("photo,species\na.png,cat\nb.png,dog\n")
    found = read_as("csv", root, Truth.CLASS, label="Species")
    assert truths(found) == {"img/a.png": "cat", "img/b.png": "dog"} and not found.findings
