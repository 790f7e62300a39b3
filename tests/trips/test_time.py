"""Runs that are given their time: filled, stopped and gone on with, repeated from the plan on record, and bounded."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import plx_train
from kit.places import ROOT
from kit.rooms import tiny_room
from kit.runs import arguments_of, last_checkpoint

ROOM, SECONDS = "ts_forecast", 14.0
OF_TIME = (f"trainer.max_time={SECONDS:.0f}s", "trainer.eval_every_epochs=4", "trainer.patience=null", "quiet=false")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_room(ROOM).make_dataset(tmp_path_factory.mktemp("data") / "set")


def without_epochs(dataset: Path, output: Path, *overrides: str) -> list[str]:
    found = arguments_of(ROOM, dataset, output, *OF_TIME, *overrides)
    return [text for text in found if not text.startswith("trainer.epochs=") or text in overrides]


def start(*arguments: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "plx_train", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(line, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, **pipes)


def loop_of(output: Path) -> dict[str, Any]:
    return dict(json.loads((last_checkpoint(output) / "state.json").read_text())["loop"])


@pytest.mark.long
def test_a_time_is_filled_by_a_run_that_is_stopped_and_goes_on_and_its_plan_can_be_repeated(
    dataset: Path, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    first = start(*without_epochs(dataset, output))
    assert first.stdout is not None
    said = iter(first.stdout.readline, "")
    plan = next(line for line in said if line.startswith("the time is planned: "))
    assert " steps, " in plan and "an evaluation" in plan
    first.send_signal(signal.SIGTERM)
    assert first.communicate(timeout=60) and first.returncode == 128 + signal.SIGTERM
    stopped = loop_of(output)

    told, faults = start(f"resume={output}").communicate(timeout=120)
    loop = loop_of(output)
    assert "ended by max_time" in told, faults
    assert loop["planned"][: len(stopped["planned"])] == stopped["planned"], "the plan goes on"
    assert 0.7 * loop["max_seconds"] <= loop["seconds"] <= loop["max_seconds"] + 1.0
    assert loop["max_seconds"] < SECONDS

    again = plx_train.run(["mode=reproduce", f"run={output}", f"output={tmp_path / 'again'}", "quiet=true"])
    assert again.exit_code == 0, (tmp_path / "again" / "comparison.json").read_text()
    assert again.metrics["points"] > 20


def test_a_run_that_its_epochs_end_says_what_time_it_had_left(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = without_epochs(dataset, tmp_path / "run", "trainer.epochs=3", "trainer.max_time=10m")
    plx_train.run(arguments)
    lines = capsys.readouterr().out.splitlines()
    line = next(text for text in lines if text.strip().startswith("best at"))
    parts = next(text for text in lines if text.strip().startswith("time "))
    assert re.search(r"training and evaluations \d+\.\d s, export and proof \d+\.\d s", parts)
    seconds = [float(each) for each in re.findall(r"(\d+\.\d) s", parts)]
    assert 0.9 * seconds[0] - 1 < sum(seconds[1:]) < seconds[0] + 0.1 * len(seconds)
    assert "ended by epochs with 9 min" in line
    assert line.endswith(" to spare; the last evaluation was the best: more epochs may help")
    report = (tmp_path / "run" / "report.html").read_text()
    assert "to spare; the last evaluation was the best" in report
