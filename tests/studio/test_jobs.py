"""Jobs: in line, carried out, stopped, killed, and known again by the next studio."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from kit.processes import until
from plx_train.ground.errors import UserError
from plx_train.studio.home import Home, make_home
from plx_train.studio.jobs import DONE, FAILED, LOST, QUEUED, RUNNING, STOPPED, JobBoard, lane_of

# A command that is quick, one that is wrong, and one that takes its time.
QUICK = ("mode=sync", "tracking=off")
WRONG = ("mode=evaluate", "run=nowhere", "tracking=off")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(str(tmp_path), [])


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """A training that goes on until it is ended, by a package of this name that is found first."""
    package = tmp_path / "first" / "plx_train"
    (package / "studio").mkdir(parents=True)
    here = Path(__file__).resolve().parents[2] / "plx_train" / "studio" / "job_guard.py"
    (package / "__init__.py").touch()
    (package / "studio" / "__init__.py").touch()
    (package / "studio" / "job_guard.py").write_text(here.read_text())
    (package / "__main__.py").write_text(
        "import signal, sys, time\n"
        "def end(*_):\n    print('saved', flush=True)\n    sys.exit(130)\n"
        "signal.signal(signal.SIGINT, end)\nprint('begun', sys.argv, flush=True)\ntime.sleep(60)\n"
    )
    import plx_train.studio.jobs as jobs

    monkeypatch.setattr(jobs, "PACKAGE", package.parent)
    return ("module=x",)


def settle(board: JobBoard, name: str, *states: str) -> None:
    def is_there() -> bool:
        board.tick()
        return board.get(name).state in states

    until(is_there)


def test_a_command_is_carried_out_and_its_words_are_kept(home: Home) -> None:
    board = JobBoard(home)
    job = board.add(QUICK, "Send what is left")
    assert job.state == QUEUED and job.command == "python -m plx_train mode=sync tracking=off"
    settle(board, job.id, DONE, FAILED)
    ended = board.get(job.id)
    assert ended.code is not None and ended.began and ended.ended and ended.ended >= ended.began
    assert board.log(job.id)
    assert [event["kind"] for event in home.events()][-2:] == ["started", "queued"]


def test_a_command_that_fails_says_why_in_its_log(home: Home) -> None:
    board = JobBoard(home)
    job = board.add(WRONG, "Evaluate")
    settle(board, job.id, FAILED)
    assert "error: run nowhere" in board.log(job.id)
    assert JobBoard(home).get(job.id).state == FAILED


def test_one_training_runs_at_a_time_and_others_wait_in_an_order_that_can_be_changed(
    home: Home, slow: tuple[str, ...]
) -> None:
    board = JobBoard(home)
    first, second, third = (board.add(slow, name) for name in ("first", "second", "third"))
    settle(board, first.id, RUNNING)
    board.tick()
    assert [board.get(one.id).state for one in (second, third)] == [QUEUED, QUEUED]
    board.move(third.id, 0)
    assert [job.title for job in board.all() if job.state == QUEUED] == ["third", "second"]
    # Another studio finds the same line.
    assert [job.title for job in JobBoard(home).all() if job.state == QUEUED] == ["third", "second"]
    until(lambda: "begun" in board.log(first.id))
    board.stop(first.id)
    settle(board, first.id, STOPPED)
    assert "saved" in board.log(first.id)
    settle(board, third.id, RUNNING)
    assert board.get(second.id).state == QUEUED
    board.stop(second.id)
    assert board.get(second.id).state == STOPPED and JobBoard(home).get(second.id).state == STOPPED
    board.stop(third.id, now=True)
    settle(board, third.id, STOPPED)
    assert "saved" not in board.log(third.id)


def test_two_slots_take_two_trainings_and_a_quick_job_goes_beside(home: Home, slow: tuple[str, ...]) -> None:
    board = JobBoard(home, slots=2)
    jobs = [board.add(slow, "a training") for _ in range(3)]
    check = board.add(("mode=check_dataset",), "a check")
    board.tick()
    assert [board.get(job.id).state for job in (*jobs, check)] == [RUNNING, RUNNING, QUEUED, RUNNING]
    for job in (*jobs, check):
        until(lambda job=job: board.get(job.id).state == QUEUED or "begun" in board.log(job.id))  # type: ignore[misc]
        board.stop(job.id, now=True)


def test_a_job_outlives_the_studio_and_a_killed_one_is_told_from_a_stopped_one(
    home: Home, slow: tuple[str, ...]
) -> None:
    board = JobBoard(home)
    job = board.add(slow, "a training")
    settle(board, job.id, RUNNING)
    until(lambda: "begun" in board.log(job.id))
    again = JobBoard(home)
    again.tick()
    assert again.get(job.id).state == RUNNING
    leader = int((home.jobs / job.id / "job.lock").read_text())
    os.killpg(leader, signal.SIGKILL)
    settle(again, job.id, FAILED)
    assert again.get(job.id).code == -signal.SIGKILL


def test_where_the_guard_dies_too_the_job_is_lost(home: Home, slow: tuple[str, ...]) -> None:
    board = JobBoard(home)
    job = board.add(slow, "a training")
    settle(board, job.id, RUNNING)
    until(lambda: "begun" in board.log(job.id))
    leader = int((home.jobs / job.id / "job.lock").read_text())
    guard = int(Path(f"/proc/{leader}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(guard, signal.SIGKILL)
    # The command itself goes on, and its lock says so.
    time.sleep(0.2)
    board.tick()
    assert board.get(job.id).state == RUNNING
    os.killpg(leader, signal.SIGKILL)
    settle(board, job.id, LOST)


def test_a_log_of_any_size_is_shown_by_its_end(home: Home) -> None:
    board = JobBoard(home)
    job = board.add(QUICK, "x")
    (home.jobs / job.id / "job.log").write_text("".join(f"line {number}\n" for number in range(100_000)))
    shown = board.log(job.id)
    assert shown.endswith("line 99999\n") and shown.startswith("line ") and len(shown) <= 1 << 18


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ([], "between one and two hundred"),
        (["--help"], "no option"),
        (["rm -rf"], "no option"),
        (["-c", "x=1"], "no option"),
        (["x=\0"], "no option"),
        (["mode=studio"], "no job"),
        (["mode=os"], "no job"),
        (["x=" + "y" * 5000], "no option"),
    ],
)
def test_what_is_no_command_is_refused(home: Home, overrides: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        JobBoard(home).add(overrides, "x")
    assert not list(home.jobs.iterdir())


@pytest.mark.parametrize("name", ["../x", "", "nothing", ".."])
def test_a_job_that_is_not_there_is_told(home: Home, name: str) -> None:
    with pytest.raises(UserError):
        JobBoard(home).get(name)


def test_folders_that_hold_no_job_are_passed_over(home: Home) -> None:
    (home.jobs / "torn").mkdir()
    (home.jobs / "torn" / "job.json").write_text('{"id": "torn", "over')
    (home.jobs / "other").mkdir()
    (home.jobs / "other" / "job.json").write_text(json.dumps({"id": "other"}))
    assert JobBoard(home).all() == []


def test_lanes() -> None:
    assert lane_of(["module=x"]) == lane_of(["-m", "mode=train"]) == lane_of(["mode=benchmark"]) == "training"
    assert lane_of(["mode=serve", "pipeline=OCR"]) == "serving"
    assert lane_of(["mode=check_dataset"]) == "quick"


def test_a_training_says_how_far_it_is(home: Home, slow: tuple[str, ...]) -> None:
    board = JobBoard(home)
    job = board.add(slow, "a training")
    settle(board, job.id, RUNNING)
    until(lambda: "begun" in board.log(job.id))
    assert board.progress(board.get(job.id)) is None
    with (home.jobs / job.id / "job.log").open("a") as log:
        log.write("step 3/12, loss 1.0, epoch 1\n")
        log.write("step 191/500, loss 1.0256, best 0.3939, left 10:32, 2.03 s/step (data 1%), epoch 3\n")
    assert board.progress(board.get(job.id)) == {"step": 191, "of": 500, "left": "10:32"}
    board.stop(job.id, now=True)
    settle(board, job.id, STOPPED)
    assert board.progress(board.get(job.id)) is None
