"""The study's journal: records are read at once, and those of one go wait for the disk together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from optuna.storages.journal import JournalFileBackend

from plx_train.sweep.journal import Journal
from plx_train.sweep.record import Objective
from plx_train.sweep.space import parse_space
from plx_train.sweep.study import Study
from plx_train.sweep.untried import key_of_values

FIRST, SECOND = {"op_code": 0, "name": "a"}, {"op_code": 2, "name": "ä"}


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the file whenever the disk was waited for."""
    found: list[int] = []
    sync = os.fsync

    def counted(descriptor: int) -> None:
        found.append(os.fstat(descriptor).st_size)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", counted)
    return found


def test_each_record_is_on_disk_when_it_is_written(tmp_path: Path, syncs: list[int]) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append_logs([FIRST])
    journal.append_logs([SECOND, SECOND])
    assert len(syncs) == 2
    assert syncs[-1] == path.stat().st_size
    assert list(JournalFileBackend(str(path)).read_logs(0)) == [FIRST, SECOND, SECOND]


def test_records_of_one_go_wait_once_and_are_read_before(tmp_path: Path, syncs: list[int]) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    with journal.in_one_go():
        with journal.in_one_go():
            journal.append_logs([FIRST])
        journal.append_logs([SECOND])
        assert syncs == []
        assert list(Journal(path).read_logs(0)) == [FIRST, SECOND]
    assert syncs == [path.stat().st_size]
    with journal.in_one_go():
        pass
    assert len(syncs) == 1, "nothing was written"


def test_a_fault_leaves_nothing_behind_the_disk(tmp_path: Path, syncs: list[int]) -> None:
    journal = Journal(tmp_path / "journal")
    with pytest.raises(KeyError), journal.in_one_go():
        journal.append_logs([FIRST])
        raise KeyError
    assert len(syncs) == 1
    journal.append_logs([SECOND])
    assert len(syncs) == 2


def test_a_grid_of_many_configurations_waits_once(tmp_path: Path, syncs: list[int]) -> None:
    study = Study(tmp_path, "s", None, (Objective(""),))
    before = len(syncs)
    study.fill([{"lr": number} for number in range(50)])
    assert len(syncs) == before + 1
    assert study.waiting() == 50


def test_what_was_tried_is_not_looked_at_again_with_each_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[dict[str, object]] = []

    def counted(values: dict[str, object]) -> tuple[tuple[str, str], ...]:
        looked_at.append(values)
        return key_of_values(values)

    monkeypatch.setattr("plx_train.sweep.study.key_of_values", counted)
    study = Study(tmp_path, "s", None, (Objective(""),))
    space = parse_space(["lr=interval(1e-5, 1e-1)"], {}, [], False)
    for _ in range(30):
        study.ask(space)
    assert len(looked_at) <= 3 * 30
