"""The lock on a run's folder: one holder, and no file but its own is ever opened for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plx_train.ground.errors import UserError
from plx_train.runs.lock import hold, hold_rank, is_held, refuse_in_use


def test_one_holds_a_folder_and_others_are_told_who(tmp_path: Path) -> None:
    assert is_held(tmp_path) is None
    lock = hold(tmp_path)
    assert is_held(tmp_path) is True
    for ask in (hold, refuse_in_use):
        with pytest.raises(UserError, match=rf"is in use by a run that is going on \(process {os.getpid()} on "):
            ask(tmp_path)
    lock.close()
    assert is_held(tmp_path) is False
    refuse_in_use(tmp_path)
    hold(tmp_path).close()


def test_processes_that_outlive_their_command_keep_the_folder(tmp_path: Path) -> None:
    command = hold(tmp_path)
    rank = hold_rank(tmp_path)
    command.close()
    assert is_held(tmp_path) is True
    with pytest.raises(UserError, match="is in use"):
        hold(tmp_path)
    rank.close()
    assert is_held(tmp_path) is False
    hold(tmp_path).close()


def test_a_link_in_the_locks_place_has_no_other_file_emptied(tmp_path: Path) -> None:
    run, thesis = tmp_path / "run", tmp_path / "thesis.txt"
    run.mkdir()
    thesis.write_text("years of work")
    (run / "run.lock").symlink_to(thesis)
    with pytest.raises(UserError, match=r"run\.lock is no file"):
        hold(run)
    assert is_held(run) is None
    (run / "run.lock").unlink()
    (run / "run.lock").symlink_to(tmp_path / "new")
    with pytest.raises(UserError, match=r"run\.lock is no file"):
        hold(run)
    assert thesis.read_text() == "years of work"
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_in_the_locks_place_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run.lock")
    with pytest.raises(UserError, match=r"run\.lock is no file"):
        hold(tmp_path)
    assert is_held(tmp_path) is None
