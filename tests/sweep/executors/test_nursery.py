"""Runs that begin with everything imported: as others in all that can be seen, and only where that is so."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kit.processes import is_alive, until
from plx_train.runs.lock import is_held
from plx_train.sweep.executors.executor import Ended
from plx_train.sweep.executors.nursery import BornGuard, Nursery
from plx_train.sweep.executors.run_process import RunProcess
from plx_train.train.checkpoints import step_checkpoints

COMMAND = (sys.executable, "-m", "plx_train", "module=ts_cls", "device=cpu", "device.threads=1", "tracking=off")
SECONDS = 120.0
ENVIRONMENT = {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    made = Nursery()
    # It comes up as its first run needs it, which can't be a mistake.
    assert end_of(begin(made, tmp_path_factory.mktemp("first"), "mode=check_dataset")) == Ended(0)
    yield made
    made.close()


def begin(nursery: Nursery | None, folder: Path, *more: str, **variables: str) -> RunProcess:
    # It changes from test to test, and what changes is taken to matter.
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    command = (*COMMAND, f"output={folder / 'run'}", *more)
    return RunProcess(command, ENVIRONMENT | variables, folder / "run.log", 30.0, nursery=nursery)


def end_of(run: RunProcess) -> Ended:
    until(run.poll, "the run goes on", SECONDS)
    ended = run.poll()
    assert ended is not None
    return ended


def is_born(run: RunProcess) -> bool:
    return isinstance(run._guard, BornGuard)


@pytest.mark.long
def test_a_run_is_the_same_whether_it_is_born_or_started(nursery: Nursery, tmp_path: Path) -> None:
    found = {}
    for name, by in (("born", nursery), ("started", None)):
        run = begin(by, tmp_path / name, "trainer.max_steps=3", "trainer.batch_size=8", PLX_ANY=name)
        assert is_born(run) is (by is not None)
        assert end_of(run) == Ended(0), (tmp_path / name / "run.log").read_text()
        found[name] = sorted((tmp_path / name / "run" / "checkpoints" / "best").glob("*.safetensors"))
    assert [path.name for path in found["born"]] == [path.name for path in found["started"]] != []
    for born, started in zip(found["born"], found["started"], strict=True):
        assert born.read_bytes() == started.read_bytes()


def test_a_born_run_says_what_any_run_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Set for all tests, and then no run sets it itself before paddle is loaded.
    monkeypatch.delenv("GLOG_minloglevel", raising=False)
    own = Nursery()
    try:
        for by in (own, None):
            folder = tmp_path / str(by is own)
            run = begin(by, folder, "trainer.max_steps=2", "trainer.batch_size=8", "resume=auto")
            assert is_born(run) is (by is own)
            assert end_of(run) == Ended(0)
            said = (folder / "run.log").read_text()
            assert "warning" not in said and "no checkpoint" not in said, said
    finally:
        own.close()


def test_a_mistake_is_told_in_the_log_and_by_the_exit_code(nursery: Nursery, tmp_path: Path) -> None:
    run = begin(nursery, tmp_path, "trainer.epoch=3")
    assert is_born(run)
    assert end_of(run) == Ended(2)
    assert "did you mean 'trainer.epochs'?" in (tmp_path / "run.log").read_text()


def test_one_that_is_stopped_saves_and_leaves_nothing(nursery: Nursery, tmp_path: Path) -> None:
    run = begin(nursery, tmp_path, "trainer.epochs=100000")
    checkpoints = tmp_path / "run" / "checkpoints"
    until(lambda: step_checkpoints(checkpoints), "it does not begin", SECONDS)
    before = step_checkpoints(checkpoints)
    assert nursery._process is not None
    processes = psutil.Process(nursery._process.pid).children(recursive=True)
    assert len(processes) >= 2
    run.stop()
    assert end_of(run) == Ended(128 + signal.SIGTERM)
    until(lambda: not any(is_alive(one.pid) for one in processes), "something is left of it", SECONDS)
    assert step_checkpoints(checkpoints) != before


def test_it_ends_with_whoever_holds_it(nursery: Nursery, tmp_path: Path) -> None:
    run = begin(nursery, tmp_path, "trainer.epochs=100000")
    until(lambda: is_held(tmp_path / "run"), "it does not begin", SECONDS)
    run.kill()
    until(lambda: is_held(tmp_path / "run") is False, "it goes on", SECONDS)
    assert end_of(run).code == -signal.SIGKILL


@pytest.mark.parametrize(
    "command, environment",
    [
        ((*COMMAND, "device.threads=2"), ENVIRONMENT),
        ((*COMMAND, "module=ts_forecast"), ENVIRONMENT),
        ((*COMMAND, "debug=quick"), ENVIRONMENT),
        (COMMAND, {"OMP_NUM_THREADS": "2"}),
        (COMMAND, ENVIRONMENT | {"LD_PRELOAD": ""}),
        ((sys.executable, "-c", "pass"), ENVIRONMENT),
    ],
)
def test_what_needs_other_libraries_is_not_born(
    nursery: Nursery, tmp_path: Path, command: tuple[str, ...], environment: dict[str, str]
) -> None:
    end_of(begin(nursery, tmp_path, "trainer.epoch=3"))
    with (tmp_path / "other.log").open("ab") as log:
        assert nursery.guard_of(command, environment, log, 1.0) is None
    assert nursery._process is not None and nursery._process.poll() is None


def test_runs_are_started_once_it_is_gone(tmp_path: Path) -> None:
    nursery = Nursery()
    try:
        first = begin(nursery, tmp_path / "first", "trainer.epochs=100000")
        until((tmp_path / "first" / "run" / "checkpoints").is_dir, "it does not begin", SECONDS)
        assert nursery._process is not None
        os.kill(nursery._process.pid, signal.SIGKILL)
        nursery._process.wait()
        assert first.poll() is None, "what is born lives on"
        second = begin(nursery, tmp_path / "second", "trainer.epoch=3")
        assert not is_born(second)
        assert end_of(second) == Ended(2)
        first.stop()
        assert end_of(first) == Ended(128 + signal.SIGTERM)
    finally:
        nursery.close()
