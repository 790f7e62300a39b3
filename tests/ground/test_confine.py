"""Paths that others name stay in the folder that they are about."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plx_train.ground.confine import PathRefused, confined, is_inside, plain_name, refuse_leading_out, sha256_name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    (root / "inner" / "file").write_text("mine")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("not mine")
    (tmp_path / "root-2").mkdir()
    return root


@pytest.mark.parametrize("name", ["inner/file", "inner", "not/there/yet", "./inner/file", "a..b", "...", "ü/ß"])
def test_a_path_in_the_folder_is_taken(root: Path, name: str) -> None:
    assert confined(root, name, "the test") == root / name


def test_an_absolute_path_in_the_folder_is_taken(root: Path) -> None:
    assert confined(root, str(root / "inner" / "file"), "the test") == root / "inner" / "file"


@pytest.mark.parametrize(
    "name",
    [
        *("..", "../outside/secret", "inner/../../outside", "inner/..", "/etc/passwd", "../root-2", "inner/../file"),
        *("", "\0", "inner/file\0.png", "x" * 5000, "..\\outside", "C:\\secret", None, 7, ["inner"], b"inner"),
    ],
)
def test_a_path_that_leads_out_or_is_none_is_refused(root: Path, name: object) -> None:
    with pytest.raises(PathRefused, match=r"^the test names "):
        confined(root, name, "the test")


def test_links_are_followed(root: Path) -> None:
    (root / "within").symlink_to(root / "inner")
    (root / "out").symlink_to(root.parent / "outside")
    (root / "round").symlink_to(root / "round")
    assert confined(root, "within/file", "the test") == root / "within" / "file"
    for name in ("out", "out/secret", "out/new", "round", "round/x"):
        with pytest.raises(PathRefused):
            confined(root, name, "the test")


def test_a_root_behind_a_link_is_a_root(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    assert confined(link, "inner/file", "the test") == link / "inner" / "file"
    assert is_inside(link, root / "inner")
    assert not is_inside(link / "inner", root)


def test_a_sentence_shows_no_order_to_a_terminal(root: Path) -> None:
    with pytest.raises(PathRefused) as refused:
        confined(root, "../\x1b[31mred\u202e" + "x" * 300, "the test")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300 + len(str(root))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "a\\b", "a\0", None, 3, "x" * 5000])
def test_what_is_no_plain_name(name: object) -> None:
    with pytest.raises(PathRefused):
        plain_name(name, "the test")
    assert plain_name("inference.yml", "the test") == "inference.yml"


@pytest.mark.parametrize(
    "digest", ["../../..", "", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 64 + "\n", "/" * 64, None, "٣" * 64]
)
def test_what_is_no_digest(digest: object) -> None:
    with pytest.raises(PathRefused, match=r"no sha256"):
        sha256_name(digest, "the digest")
    assert sha256_name("0f" * 32, "the digest") == "0f" * 32


def test_a_folder_is_looked_through(root: Path) -> None:
    (root / "within").symlink_to("inner/file")
    refuse_leading_out(root)
    (root / "inner" / "out").symlink_to("../../outside")
    with pytest.raises(PathRefused, match=r"inner/out is a link that leads out of"):
        refuse_leading_out(root)
    refuse_leading_out(root, root / "within")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_what_is_neither_file_nor_folder_is_told(root: Path) -> None:
    os.mkfifo(root / "tracking.jsonl")
    with pytest.raises(PathRefused, match=r"tracking\.jsonl is neither a file nor a folder"):
        refuse_leading_out(root)
