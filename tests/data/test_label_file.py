"""Lines of label files, whatever ends them and whatever encoding they are in, and paths that lead astray."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from plx_train.data.encodings import probable_encoding, split_lines, wide_encoding
from plx_train.data.label_file import LabelFile


def read(folder: Path, data: bytes) -> tuple[list[tuple[int, str]], LabelFile]:
    (folder / "train.txt").write_bytes(data)
    file = LabelFile(folder / "train.txt", folder)
    return file.lines(), file


def told(file: LabelFile) -> list[tuple[int, str, str]]:
    return [(item.line, item.level, item.code) for item in file.findings]


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_only_line_feeds_end_lines(tmp_path: Path, character: str) -> None:
    lines, file = read(tmp_path, f"a{character}b\nc\n".encode())
    assert lines == [(1, f"a{character}b"), (2, "c")] and told(file) == []


@pytest.mark.parametrize(
    ("data", "lines", "findings"),
    [
        (b"a\rb\r", ["a", "b"], [(1, "warning", "cr-only")]),
        (b"a\r\nb\r\n", ["a", "b"], [(1, "warning", "crlf")]),
        (b"a\nb\rc\n", ["a", "b\rc"], [(2, "warning", "lone-cr")]),
        (b"a\n", ["a"], []),
    ],
)
def test_what_ends_lines(tmp_path: Path, data: bytes, lines: list[str], findings: list[tuple[int, str, str]]) -> None:
    found, file = read(tmp_path, data)
    assert [text for _, text in found] == lines and told(file) == findings


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-16", "UTF-16LE"), ("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE"), ("utf-32", "UTF-32LE")],
)
def test_wide_encodings_are_one_finding_with_the_way_out(tmp_path: Path, encoding: str, name: str) -> None:
    lines, file = read(tmp_path, "images/1.png\tabc\nimages/2.png\tabc\n".encode(encoding))
    assert lines == [] and told(file) == [(1, "error", "not-utf8")]
    assert f"in {name}" in file.findings[0].reason
    assert f"iconv -f {name} -t UTF-8 train.txt" in file.findings[0].reason


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("windows-1252", "Größe und Maß"),
        ("windows-1252", "Größe"),
        ("windows-1252", "café"),
        ("windows-1251", "дом"),
        ("windows-1251", "Привет, мир"),
        ("gb18030", "中文识别模型"),
        ("euc_jp", "こんにちは世界"),
        ("shift_jis", "こんにちは、テキスト"),
        ("euc_kr", "안녕하세요 세계"),
    ],
)
def test_other_encodings_are_guessed(tmp_path: Path, encoding: str, text: str) -> None:
    data = f"images/1.png\tabc\nimages/2.png\t{text}\n".encode(encoding)
    guess = probable_encoding(data)
    assert guess is not None and codecs.lookup(guess) == codecs.lookup(encoding)
    lines, file = read(tmp_path, data)
    assert [number for number, _ in lines] == [1] and told(file) == [(2, "error", "not-utf8")]
    assert f"iconv -f {guess} -t UTF-8 train.txt" in file.findings[0].reason


def test_a_damaged_byte_is_no_other_encoding(tmp_path: Path) -> None:
    data = "é\n".encode() * 5 + b"\xff\n"
    assert probable_encoding(data) is None and wide_encoding(data) is None
    _, file = read(tmp_path, data)
    assert file.findings[0].reason == "byte 1 of the line is not UTF-8: save the file in that encoding"


def test_lines_are_split_as_they_end() -> None:
    assert split_lines(b"a\nb") == ([b"a", b"b"], False)
    assert split_lines(b"a\rb\r") == ([b"a", b"b"], True)
    assert split_lines(b"") == ([b""], False)


def reason(root: Path, name: str) -> str:
    file = LabelFile(root / "train.txt", root)
    assert file.image(name, 3) is None
    assert told(file) == [(3, "error", "path-outside-root")]
    return file.findings[0].reason


def test_absolute_paths_name_the_file_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/1.png").touch()
    assert reason(tmp_path, "/home/me/d/images/1.png").endswith(
        "is absolute: leave /home/me/d/ out, for images/1.png is in the dataset's folder"
    )
    assert "leave C:\\d\\ out" in reason(tmp_path, "C:\\d\\images\\1.png")
    assert "make it relative to the dataset's folder, where images/1.png is" in reason(tmp_path, "/d/IMAGES/1.PNG")
    assert reason(tmp_path, "/d/none.gif").endswith("is absolute: make it relative to the dataset's folder")


def test_links_out_of_the_folder_are_told_with_what_they_lead_to(tmp_path: Path) -> None:
    root, other = tmp_path / "d", tmp_path / "blobs"
    root.mkdir()
    other.mkdir()
    (other / "1.png").touch()
    (root / "1.png").symlink_to(other / "1.png")
    (root / "folder").symlink_to(other)
    (root / "dead.png").symlink_to(other / "none.png")
    assert f"1.png is a link to {other}/1.png; copy the file there (cp -rL {root} copy" in reason(root, "1.png")
    assert f": folder is a link to {other};" in reason(root, "folder/1.png")
    assert f"dead.png is a link to {other}/none.png, and nothing is there" in reason(root, "dead.png")
    assert "link" not in reason(root, "../blobs/1.png")
