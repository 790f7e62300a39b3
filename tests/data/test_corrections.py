"""Files of corrections: what they may say, and that each fault is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from plx_train.contract.truth import Outline, RunLengths
from plx_train.data.corrections import Correction, EntryFault, correction_of, corrections_text, read_corrections

BOX = ((0.0, 0.0), (4.0, 0.0), (4.0, 2.5), (0.0, 2.5))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    given = [
        Correction("images/a.png", "cat", note="dog → cat"),
        Correction("images/b.png", None),
        Correction("images/c.png", ("hat", "bag")),
        Correction(
            "images/d.png",
            (Outline(BOX, "cat"), Outline(BOX, "", True), Outline((), "cat", False, RunLengths((2, 3), (1, 5)))),
        ),
        Correction("images/e \u202e.png", ()),
    ]
    path = tmp_path / "corrections.json"
    path.write_text(corrections_text(given), "utf-8")
    assert "\u202e" not in path.read_text("utf-8")
    read = read_corrections(path, "corrections.json")
    assert read.findings == ()
    assert [(one.image, one.truth) for one in read.entries.values()] == [(one.image, one.truth) for one in given]
    assert [one.line for one in read.entries.values()] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("3", "no object"),
        ('{"truth": "cat"}', "image is missing"),
        ('{"image": "a.png", "truht": "cat"}', "'truht'"),
        ('{"image": "a.png"}', "either truth or leave_out"),
        ('{"image": "a.png", "truth": "cat", "leave_out": true}', "either truth or leave_out"),
        ('{"image": "a.png", "leave_out": "yes"}', "neither true nor false"),
        ('{"image": "a.png", "truth": 3}', "no text"),
        ('{"image": "a.png", "truth": ["cat", 3]}', "no text"),
        ('{"image": "a.png", "truth": [{"label": "cat", "points": [[0, 0], [1, 1]]}]}', "outline 1: points"),
        ('{"image": "a.png", "truth": [{"label": "cat", "size": [2, 2], "counts": [1, 4]}]}', "outline 1: counts"),
        ('{"image": "a.png", "truth": [{"label": 1, "points": [[0, 0], [1, 0], [1, 1], [0, 1]]}]}', "label is no text"),
        ('{"image": "a.png", "truth": [{"box": [0, 0, 1, 1]}]}', "'box'"),
        ('{"image": "first.png", "truth": "dog"}', "line 3 already"),
    ],
)
def test_a_wrong_entry_is_told_with_its_line(tmp_path: Path, entry: str, reason: str) -> None:
    path = tmp_path / "corrections.json"
    text = '{"note": "[\\"corrections\\": [",\n"corrections": [\n  {"image": "first.png",\n   "truth": "cat"},\n  '
    path.write_text(text + entry + ' ], "version": 1}', "utf-8")
    read = read_corrections(path, "fix.json")
    assert [(found.path, found.line, found.level) for found in read.findings] == [("fix.json", 5, "error")]
    assert reason in read.findings[0].reason
    assert list(read.entries) == ["first.png"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "no JSON"),
        ("[]", "lacks the list corrections"),
        ('{"corrections": {}}', "lacks the list corrections"),
        ('{"corrections": []}', '"version": 1'),
        ('{"corrections": [], "version": 2}', "version is 2"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_another_file_is_told(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "corrections.json"
    path.write_text(text, "utf-8")
    read = read_corrections(path, "fix.json")
    assert [found.code for found in read.findings] == ["corrections-unreadable"]
    assert reason in read.findings[0].reason


def test_any_line_of_a_draft_may_be_deleted(tmp_path: Path) -> None:
    given = [Correction(f"images/{name}.png", "cat", note='a "b", ]') for name in "abc"]
    lines = corrections_text(given).splitlines()
    path = tmp_path / "corrections.json"
    for gone in range(1, 4):
        path.write_text("\n".join(line for place, line in enumerate(lines) if place != gone))
        read = read_corrections(path, "corrections.json")
        kept = [one for place, one in enumerate(given, 1) if place != gone]
        assert read.findings == () and [(one.image, one.note) for one in read.entries.values()] == [
            (one.image, one.note) for one in kept
        ]
        assert [one.line for one in read.entries.values()] == [2, 3]


def test_windows_writes_them_too(tmp_path: Path) -> None:
    path = tmp_path / "corrections.json"
    text = '{"version": 1, "corrections": [\r\n{"image": "a\\\\b.png", "truth": "cat"}\r\n]}'
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    read = read_corrections(path, "fix.json")
    assert [(name, one.line) for name, one in read.entries.items()] == [("a/b.png", 2)]


def test_new_classes_are_written_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "corrections.json"
    path.write_text(corrections_text([Correction("a.png", "fox")], ["fox", "ünï"]), "utf-8")
    assert read_corrections(path, "fix.json").classes == ("fox", "ünï")
    path.write_text('{"version": 1, "classes": ["fox", 3], "corrections": []}')
    assert "classes is no list of names" in read_corrections(path, "fix.json").findings[0].reason


def test_one_entry_is_held_against_the_same_rules() -> None:
    assert correction_of({"image": "a\\b.png", "truth": "cat"}) == Correction("a/b.png", "cat")
    with pytest.raises(EntryFault, match="neither true nor false"):
        correction_of({"image": "a.png", "leave_out": "yes"})
