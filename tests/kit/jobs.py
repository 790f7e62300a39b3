"""Tiny scripts as the runs of a sweep, and the engines that carry them out."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kit.processes import until
from plx_train.sweep.executors.executor import Ended, Engine, Handle, JobSpec
from plx_train.sweep.executors.local import LocalEngine, Slot

NAP = "import os, time; print('begun', os.getpid(), flush=True); time.sleep(60)"
SAVES = """
import os, signal, sys, time
def save(*_):
    print("saved", flush=True)
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
print("begun", os.getpid(), flush=True)
time.sleep(60)
"""
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("begun", os.getpid(), flush=True)
time.sleep(60)
"""
PARENT = """
import os, subprocess, sys, time
nap = [sys.executable, "-c", "import time; time.sleep(60)"]
children = [subprocess.Popen(nap), subprocess.Popen(nap, start_new_session=True)]
print("begun", os.getpid(), *[child.pid for child in children], flush=True)
"""


def job(name: str, code: str, folder: Path, *arguments: str, **environment: str) -> JobSpec:
    """The run `name` of a Python script, in a folder of its own below `folder`."""
    return JobSpec(name, (sys.executable, "-c", code, *arguments), environment, folder / name)


def output(spec: JobSpec) -> str:
    """What a run has printed."""
    log = spec.folder / "run.log"
    return log.read_text() if log.is_file() else ""


def end_of(handle: Handle) -> Ended:
    """How a run ends, once it has."""
    until(handle.poll, "the run goes on")
    ended = handle.poll()
    assert ended is not None
    return ended


def start(engine: Engine, spec: JobSpec) -> Handle:
    """Starts a run as a sweep does, once there is room: a cluster knows a moment late that a run has ended."""
    until(engine.free, "no slot gets free")
    return engine.start(spec)


def begin(engine: Engine, *specs: JobSpec) -> list[Handle]:
    """Starts runs and waits for their first word."""
    handles = [start(engine, spec) for spec in specs]
    until(
        lambda: all(handle.poll() or output(spec) for handle, spec in zip(handles, specs, strict=True)),
        "a run has not begun",
    )
    return handles


def pids_of(spec: JobSpec) -> list[int]:
    """Process ids of a run and of the children that it tells of."""
    until(lambda: output(spec).endswith("\n"), "the run has not begun")
    return [int(word) for word in output(spec).splitlines()[0].split()[1:]]


def local_engine(folder: Path) -> Engine:
    """Two places on this machine."""
    return LocalEngine([Slot("cpu:0", {"PLACE": "zero"}), Slot("cpu:1", {"PLACE": "one"})])


def submitit_engine(folder: Path) -> Engine:
    """Submitit's local jobs, two at a time."""
    pytest.importorskip("submitit")
    from plx_train.sweep.executors.submitit_jobs import SubmititEngine

    return SubmititEngine(folder, "local", max_runs=2, orphan_seconds=1.0)


def ray_engine(folder: Path) -> Engine:
    """The Ray cluster whose address stands in TEST_RAY_ADDRESS."""
    from plx_train.sweep.executors.ray_actors import RayEngine

    return RayEngine(os.environ["TEST_RAY_ADDRESS"])


ENGINES = {"local": local_engine, "submitit": submitit_engine, "ray": ray_engine}
