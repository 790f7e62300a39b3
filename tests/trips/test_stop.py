"""Signals: the step is finished and saved, the process ends in time, and the run goes on to the same bits."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import plx_train
import plx_train.ground.stop as stop_module
from kit.pages import arguments, make_pages, train
from kit.processes import wait_for
from kit.runs import assert_same
from plx_train.ground.stop import Stopped, StopRequest
from plx_train.tracking import SPOOL_NAME, read_metrics
from plx_train.train.checkpoints import step_checkpoints

LONG = ("trainer.epochs=20", "trainer.eval_every_epochs=100", "device.num_workers=1")
NUM_STEPS = 60


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pages(tmp_path_factory.mktemp("data") / "pages", num_train=7)


@pytest.fixture(scope="module")
def whole(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that no signal came to."""
    return train(dataset, tmp_path_factory.mktemp("whole") / "run", *LONG).output


def start(dataset: Path, output: Path, *overrides: str) -> subprocess.Popen[str]:
    """The command, returned once it has logged a few steps."""
    command = [sys.executable, "-m", "plx_train", *arguments(dataset, output, *LONG, *overrides)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(process, lambda: len(read_metrics(output / SPOOL_NAME).get("train/loss", [])) > 3)
    return process


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_ends_within_ten_seconds_and_the_run_goes_on(
    dataset: Path, whole: Path, tmp_path: Path, number: signal.Signals
) -> None:
    process = start(dataset, tmp_path / "r")
    workers = psutil.Process(process.pid).children(recursive=True)

    sent = time.monotonic()
    process.send_signal(number)
    shown, _ = process.communicate(timeout=30)

    assert time.monotonic() - sent < 10
    assert process.returncode == 128 + number
    assert f"stopped by {number.name}; go on with: python -m plx_train resume=" in shown
    assert "Traceback" not in shown
    assert workers
    assert not psutil.wait_procs(workers, timeout=5)[1]
    facts = json.loads((tmp_path / "r" / "run.json").read_text())
    assert (facts["status"], facts["reason"]) == ("KILLED", f"stopped by {number.name}")
    step = int(step_checkpoints(tmp_path / "r" / "checkpoints")[0].name.removeprefix("step_"))
    assert 3 < step < NUM_STEPS
    assert read_metrics(tmp_path / "r" / SPOOL_NAME)["train/loss"][-1][0] == step, "more was logged than saved"

    plx_train.run([f"resume={tmp_path / 'r'}", "quiet=true"])
    assert_same(whole, tmp_path / "r")


def test_a_second_signal_leaves_at_once(dataset: Path, tmp_path: Path) -> None:
    process = start(dataset, tmp_path / "r", "trainer.accumulate_steps=1")
    # Held in the middle of a step, it can't finish it.
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=30)
    assert time.monotonic() - sent < 3
    assert process.returncode in (130, 143)


def test_workers_do_not_outlive_a_killed_run(dataset: Path, tmp_path: Path) -> None:
    process = start(dataset, tmp_path / "r")
    workers = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert workers
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive


@pytest.mark.long
def test_a_signal_in_the_first_evaluation_ends_at_once_and_the_run_begins_again(dataset: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "plx_train", *arguments(dataset, tmp_path / "r")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(process, lambda: (tmp_path / "r" / "run.json").exists())
    process.send_signal(signal.SIGTERM)
    shown, _ = process.communicate(timeout=30)
    assert process.returncode == 143, shown
    assert json.loads((tmp_path / "r" / "run.json").read_text())["status"] == "KILLED"
    result = plx_train.run([f"resume={tmp_path / 'r'}", "quiet=true"])
    assert result.export is not None


def test_a_folder_in_use_is_refused(dataset: Path, tmp_path: Path) -> None:
    process = start(dataset, tmp_path / "r")
    command = [sys.executable, "-m", "plx_train", f"resume={tmp_path / 'r'}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    process.kill()
    process.communicate(timeout=30)
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("STEP_SECONDS", 0.2), ("AGAIN_SECONDS", 0.1), ("TRACING_SECONDS", 0.1)):
        monkeypatch.setattr(stop_module, name, seconds)


def be_busy(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)


@pytest.mark.usefixtures("quick")
def test_a_signal_interrupts_nothing_that_ends_in_time() -> None:
    done = False
    with pytest.raises(Stopped, match="SIGTERM"), StopRequest().listening() as stop, stop.unmasked():
        os.kill(os.getpid(), signal.SIGTERM)
        be_busy(0.05)
        done = True
        stop.check()
        done = False
    assert done


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("error", [ValueError("of the library's own"), None])
def test_a_signal_that_a_library_swallows_still_ends_the_run(error: Exception | None) -> None:
    with pytest.raises(Stopped, match="SIGTERM"), StopRequest().listening() as stop, stop.unmasked():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            be_busy(5)
        except BaseException:
            if error:
                raise error from None


@pytest.mark.usefixtures("quick")
def test_a_signal_that_is_swallowed_comes_again() -> None:
    began = time.monotonic()
    with pytest.raises(Stopped), StopRequest().listening():
        with contextlib.suppress(BaseException):
            os.kill(os.getpid(), signal.SIGTERM)
            be_busy(5)
        be_busy(5)
    assert time.monotonic() - began < 2


@pytest.mark.usefixtures("quick")
def test_the_tracing_of_a_graph_is_not_interrupted() -> None:
    reached: list[str] = []
    tracing = compile("busy(0.6); reached.append('end')", "/x/paddle/jit/dy2static/x.py", "exec")
    with pytest.raises(Stopped), StopRequest().listening():
        os.kill(os.getpid(), signal.SIGTERM)
        exec(tracing, {"busy": be_busy, "reached": reached})
        be_busy(5)
    assert reached == ["end"]
