"""Where files are kept, what tells them apart, and how one is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from plx_train.ground.errors import UserError
from plx_train.ground.files import cache_folder, is_folder, replace_file, replacing, resolve_path, sha256, user_path
from plx_train.ground.parsed import parse_json


def test_the_hash_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    replace_file(path, "first")
    replace_file(path, "zweite Fassung – ü", is_durable=True)
    assert path.read_text("utf-8") == "zweite Fassung – ü"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_there_stays_where_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    replace_file(path, "first")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        _ = 1 / 0
    assert path.read_text("utf-8") == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "nowhere" / "a.json", "text")


def test_paths_as_users_write_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert user_path("~/data") == tmp_path / "data"
    assert user_path("data") == Path("data")
    assert resolve_path("data") == resolve_path("~/data") == tmp_path / "data"


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PLX_TRAIN_CACHE", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "plx_train"
    monkeypatch.setenv("PLX_TRAIN_CACHE", "~/elsewhere")
    assert cache_folder() == tmp_path / "elsewhere"


@pytest.mark.parametrize("given", ["e" * 300, "é" * 200, "a/" + "b" * 256 + "/c"])
def test_a_name_that_no_file_system_takes_is_told(given: str) -> None:
    with pytest.raises(UserError, match=r"is no path: a name in it has \d+ bytes"):
        resolve_path(given)
    assert not is_folder(Path(given))


def test_json_that_is_nested_without_end_is_no_json() -> None:
    with pytest.raises(ValueError, match="too deeply"):
        parse_json("[" * 100_000)
    assert parse_json(b'{"a": [1]}') == {"a": [1]}
