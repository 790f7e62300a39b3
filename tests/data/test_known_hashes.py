"""Hashes that were found before: kept line by line, whatever a file of the cache or a name holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from plx_train.data.known_hashes import NONE, Entry, Hashes, found_before, keep

NAMES = ["a", "b b", "c\t1", "é", "\udcff"]


def _entries(first: int = 1) -> list[Entry | None]:
    return [(first + place, 10 * place, f"{first + place:064x}") for place in range(len(NAMES))]


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    store = tmp_path / "deep" / "store.txt"
    assert list(found_before(store, NAMES)) == [None] * len(NAMES)
    keep(store, NAMES, _entries())
    assert list(found_before(store, NAMES)) == _entries()
    assert list(found_before(store, ["", "b", "b b", "zz"])) == [None, None, _entries()[1], None]


def test_other_names_stay_and_new_entries_take_the_place_of_old_ones(tmp_path: Path) -> None:
    store = tmp_path / "store.txt"
    keep(store, NAMES, _entries())
    keep(store, ["0", "b b", "c"], [(7, 7, "7" * 64), None, (8, 8, "8" * 64)])
    found = list(found_before(store, sorted(["0", "c", *NAMES])))
    first = _entries()
    assert found == [(7, 7, "7" * 64), first[0], None, (8, 8, "8" * 64), *first[2:]]


def test_a_name_that_no_line_can_hold_is_not_kept(tmp_path: Path) -> None:
    store = tmp_path / "store.txt"
    keep(store, ["a\nb", "c"], _entries()[:2])
    assert list(found_before(store, ["a\nb", "c"])) == [None, _entries()[1]]


@pytest.mark.parametrize(
    "line", [b"", b"x", b"1\t2\tzz\td\n", b"1\t2\t" + b"0" * 64 + b"\ta\n", b"\xff\n", b"1\t\xc3\xa9\t3\t4\n", b"{}"]
)
def test_what_is_damaged_is_passed_over(tmp_path: Path, line: bytes) -> None:
    store = tmp_path / "store.txt"
    keep(store, NAMES[:2], _entries()[:2])
    store.write_bytes(store.read_bytes() + line)
    found = list(found_before(store, NAMES))
    # Bytes that are no text spoil what is read together with them.
    assert found[2:] == [None, None, None] and found[:2] in (_entries()[:2], [None, None])
    keep(store, NAMES, _entries())
    assert list(found_before(store, NAMES)) == _entries()


def test_a_store_that_can_not_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    keep(tmp_path / "file" / "store.txt", NAMES, _entries())


def test_hashes_by_name() -> None:
    digests = b"".join([bytes([place]) * 32 for place in range(1, 5)] + [NONE])
    hashes = Hashes(NAMES, digests)
    assert hashes["a"] == "01" * 32 and hashes["é"] == "04" * 32 and hashes["\udcff"] is None
    assert list(hashes) == NAMES and len(hashes) == 5 and "b" not in hashes and hashes.get("zz") is None
