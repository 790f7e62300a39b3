"""What a sweep may rely on, whichever engine carries its runs out; the runs here are tiny scripts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from kit.jobs import ENGINES, NAP, PARENT, SAVES, STUBBORN, begin, end_of, job, output, pids_of, start
from kit.places import ROOT, TESTS
from kit.processes import is_alive, until
from plx_train.ground.errors import ConfigError, UserError
from plx_train.sweep.executors import executor as protocol
from plx_train.sweep.executors.executor import Ended, Engine, JobSpec
from plx_train.sweep.executors.local import LocalEngine, Slot, local_slots
from plx_train.sweep.executors.named import EngineOptions, make_engine

EVERY_ENGINE = ["local", "submitit", pytest.param("ray", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[None]:
    """A cluster of two machines with one core each, as far as Ray knows."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    arguments = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 100_000_000, "include_dashboard": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster(initialize_head=True, head_node_args=arguments)
        cluster.add_node(**arguments)
        patch.setenv("TEST_RAY_ADDRESS", cluster.address)
        yield
        cluster.shutdown()


@pytest.fixture(params=EVERY_ENGINE)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    before = threading.active_count(), psutil.Process().children()
    with closing(ENGINES[request.param](tmp_path / "engine")) as made:
        yield made
    assert (threading.active_count(), psutil.Process().children()) == before


def test_starts_fill_the_slots_and_ends_empty_them(engine: Engine, tmp_path: Path) -> None:
    assert len(engine.slots) == 2
    handles = []
    for name in ("1", "2"):
        handles.append(start(engine, job(name, "print('done')" if name == "1" else NAP, tmp_path)))

    assert {handle.slot for handle in handles} == set(engine.slots)
    assert end_of(handles[0]) == Ended(0)
    assert handles[0].poll() == Ended(0)
    assert handles[1].poll() is None
    again = start(engine, job("3", NAP, tmp_path))
    assert again.slot == handles[0].slot
    assert not engine.free()
    with pytest.raises(UserError, match="run 4 can't be started"):
        engine.start(job("4", NAP, tmp_path))


def test_exit_codes_environment_and_output_that_is_appended(engine: Engine, tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['NAME'], sys.stdin.read(), file=sys.stderr); sys.exit(int(sys.argv[1]))"
    first = start(engine, job("1", code, tmp_path, "3", NAME="first"))
    second = start(engine, job("2", "import os; os.kill(os.getpid(), 9)", tmp_path))

    assert end_of(first) == Ended(3)
    killed = end_of(second)
    assert killed.code == -signal.SIGKILL
    assert "SIGKILL" in (killed.reason or "")
    assert end_of(start(engine, job("1", code, tmp_path, "0", NAME="second"))) == Ended(0)
    assert output(job("1", "", tmp_path)).split() == ["first", "second"]


@pytest.mark.parametrize("name", ["local", "submitit"])
def test_a_command_that_does_not_exist_is_told(name: str, tmp_path: Path) -> None:
    with closing(ENGINES[name](tmp_path / "engine")) as engine:
        ended = end_of(start(engine, JobSpec("1", ("/no/such/python",), {}, tmp_path / "1")))

    assert ended.code == 127
    assert "could not be started" in (ended.reason or "")


def test_stop_lets_a_run_save_and_kills_one_that_does_not_end(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "KILL_AFTER_SECONDS", 1.0)
    specs = [job("1", SAVES, tmp_path), job("2", STUBBORN, tmp_path)]
    handles = begin(engine, *specs)
    started = time.monotonic()
    for handle in handles:
        handle.stop()
        handle.stop()
    assert time.monotonic() - started < 0.5

    assert end_of(handles[0]) == Ended(143)
    assert "saved" in output(specs[0])
    killed = end_of(handles[1])
    assert time.monotonic() - started > 1.0
    assert killed == Ended(-signal.SIGKILL, "was killed, not having ended within 1 s of being asked to")


def test_what_a_run_leaves_behind_ends_with_it(engine: Engine, tmp_path: Path) -> None:
    spec = job("1", PARENT, tmp_path)
    assert end_of(start(engine, spec)) == Ended(0)

    pids = pids_of(spec)
    assert len(pids) == 3
    assert not any(is_alive(pid) for pid in pids)


def test_close_ends_what_is_running(engine: Engine, tmp_path: Path) -> None:
    specs = [job("1", PARENT + "time.sleep(60)", tmp_path), job("2", SAVES, tmp_path)]
    handles = begin(engine, *specs)
    pids = pids_of(specs[0])

    engine.close()

    assert all(handle.poll() for handle in handles)
    assert not any(is_alive(pid) for pid in pids)
    assert "saved" in output(specs[1])


SWEEP = """
import sys, threading, time
from pathlib import Path
from kit.jobs import ENGINES, PARENT, job

folder = Path(sys.argv[2])
spec = job("1", PARENT + "time.sleep(60)", folder)
engine = ENGINES[sys.argv[1]](folder / "engine")

def start():
    engine.start(spec).poll()

# In a thread that ends: that is no reason for the run to end.
starting = threading.Thread(target=start)
starting.start()
starting.join()
while True:
    engine.free()
    time.sleep(0.1)
"""


@pytest.mark.parametrize("name", EVERY_ENGINE)
def test_a_sweep_that_is_killed_takes_its_runs_along(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if name == "ray":
        request.getfixturevalue("ray_cluster")
    command = [sys.executable, "-c", SWEEP, name, str(tmp_path)]
    path = os.pathsep.join([str(ROOT), str(TESTS)])
    sweep = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path})
    try:
        pids = pids_of(job("1", "", tmp_path))
        time.sleep(0.5)
        assert sweep.poll() is None
        assert all(is_alive(pid) for pid in pids)
    finally:
        sweep.kill()
        sweep.wait()

    until(lambda: not any(is_alive(pid) for pid in pids), "the runs outlive the sweep")


def test_a_guard_that_is_killed_takes_its_run_along(tmp_path: Path) -> None:
    with closing(ENGINES["local"](tmp_path)) as engine:
        spec = job("1", PARENT + "time.sleep(60)", tmp_path)
        handle = engine.start(spec)
        run, child, hidden = pids_of(spec)
        psutil.Process(psutil.Process(run).ppid()).kill()
        until(lambda: not is_alive(run), "the run outlives its guard")

        ended = end_of(handle)

        assert ended.code == -signal.SIGKILL
        assert "guards" in (ended.reason or "")
        until(lambda: not is_alive(child), "the run's child outlives its guard")
        psutil.Process(hidden).kill()


def test_a_local_run_gets_what_its_slot_adds(tmp_path: Path) -> None:
    slot = Slot("gpu:1", {"PLACE": "slot", "NAME": "slot"}, ("device.ids=[1]",))
    with closing(LocalEngine([slot])) as engine:
        code = "import os, sys; print(os.environ['PLACE'], os.environ['NAME'], *sys.argv[1:])"
        spec = job("1", code, tmp_path, "a=1", NAME="own")
        handle = engine.start(spec)

        assert end_of(handle) == Ended(0)
        assert handle.slot == "gpu:1"
        assert output(spec).split() == ["slot", "own", "a=1", "device.ids=[1]"]


def test_a_preempted_job_saves_and_one_that_is_killed_is_lost(tmp_path: Path) -> None:
    with closing(ENGINES["submitit"](tmp_path / "engine")) as engine:
        specs = [job("1", SAVES, tmp_path), job("2", NAP, tmp_path)]
        handles = begin(engine, *specs)
        signalled, killed = (psutil.Process(int(handle.job.job_id)) for handle in handles)  # type: ignore[attr-defined]
        signalled.children()[0].send_signal(signal.SIGUSR2)
        killed.children()[0].kill()

        taken, lost = end_of(handles[0]), end_of(handles[1])

        assert taken.code is None and "preempted" in (taken.reason or "")
        assert "saved" in output(specs[0])
        assert lost.code is None and "ended as FINISHED" in (lost.reason or "")


FAKE_SLURM = {
    "srun": "exit 1",
    "sbatch": 'cat "$1" >> "$0.log"; echo "Submitted batch job 7"',
    "sacct": "printf 'JobID|State|NodeList\\n7_0|PREEMPTED|a\\n7_1|RUNNING|a\\n'",
    "scancel": 'echo "$@" >> "$0.log"',
}


def test_slurm_gets_an_array_and_is_asked_about_jobs_that_are_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("submitit")
    from plx_train.sweep.executors import submitit_jobs as tested

    for name, text in FAKE_SLURM.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setitem(tested.ASK_SECONDS, "slurm", 0.1)
    parameters = {"partition": "short", "cpus_per_task": 3, "gpus_per_node": 2, "array_parallelism": 5}
    with closing(tested.SubmititEngine(tmp_path / "engine", "slurm", parameters, max_runs=2)) as engine:
        handles = [engine.start(job(name, NAP, tmp_path)) for name in ("1", "2")]
        assert handles[0].task.command[-2:] == ("device.threads=3", "device.ids=[0,1]")
        assert not (tmp_path / "sbatch.log").exists()

        lost = end_of(handles[0])

        assert lost.code is None and "7_0 ended as PREEMPTED" in (lost.reason or "")
        assert handles[1].poll() is None
        handles[1].stop()
        assert handles[1].poll() == Ended(-signal.SIGTERM, "was stopped before it began")
        assert (tmp_path / "scancel.log").read_text() == "7_1\n"
    submitted = (tmp_path / "sbatch.log").read_text()
    assert submitted.count("# Parameters") == 1
    for flag in ("--array=0-1%2", "--no-requeue", "--partition=short", "--cpus-per-task=3", "--gpus-per-node=2"):
        assert f"#SBATCH {flag}\n" in submitted


def test_a_scheduler_that_refuses_or_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit")
    from plx_train.sweep.executors.submitit_jobs import SubmititEngine

    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(UserError, match="there is no SLURM on this machine"):
        SubmititEngine(tmp_path, "slurm")
    with pytest.raises(ConfigError, match="executor=cloud does not exist; there are slurm, local"):
        SubmititEngine(tmp_path, "cloud")
    for name, text in {"srun": "", "sbatch": "echo 'invalid partition' >&2; exit 1"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(ConfigError, match=r"slurm does not take these parameters: .*'nonsense'"):
        SubmititEngine(tmp_path, "slurm", {"nonsense": 1})
    with closing(SubmititEngine(tmp_path, "slurm")) as engine:
        handle = engine.start(job("1", NAP, tmp_path))
        with pytest.raises(UserError, match=r"can't be submitted to slurm: .*invalid partition"):
            handle.poll()
        assert handle.poll() is not None


@pytest.mark.parametrize(("package", "engine_name"), [("submitit", "submitit"), ("ray", "ray")])
def test_a_missing_package_is_named(
    package: str, engine_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(UserError, match=rf"pip install 'plx_train\[{package}\]'"):
        make_engine(EngineOptions(engine_name, workers=1), tmp_path)


def test_an_engine_is_made_by_its_name(tmp_path: Path) -> None:
    with closing(make_engine(EngineOptions(workers=2, cores=4), tmp_path)) as engine:
        assert engine.slots == ("cpu:0", "cpu:1")
    for options, words in (
        (EngineOptions("cloud"), "engine=cloud does not exist; there are local, ray, submitit"),
        (EngineOptions("ray", slots=2), "slots are for engine=local"),
        (EngineOptions("ray", ray={"cpu": 2}), "ray.cpu does not exist; there are address, cpus, gpus"),
        (EngineOptions("submitit"), "say with workers=8 how many"),
    ):
        with pytest.raises(ConfigError, match=words):
            make_engine(options, tmp_path)


def test_cores_are_divided_among_workers() -> None:
    slots = local_slots(3, None, "cpu", 8)

    assert [slot.name for slot in slots] == ["cpu:0", "cpu:1", "cpu:2"]
    assert {slot.overrides for slot in slots} == {("device.threads=2",)}
    assert slots[0].environment == dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2")
    assert local_slots(None, None, "cpu", 8)[0].overrides == ("device.threads=8",)
    assert len(local_slots(None, 9, "cpu", 8)) == 9
    assert local_slots(None, ["cpu:0", "cpu:1"], "cpu", 1)[1].overrides == ("device.threads=1",)


def test_cards_are_slots_and_can_be_shared() -> None:
    assert [slot.name for slot in local_slots(None, None, "gpu", 8, [0, 2])] == ["gpu:0", "gpu:2"]
    assert [slot.overrides for slot in local_slots(1, None, "gpu", 8, [1, 2])] == [("device.ids=[1]",)]

    shared = local_slots(None, ["gpu:0", "gpu:0", "gpu:1"], "gpu", 8, [0, 1])

    assert [slot.name for slot in shared] == ["gpu:0", "gpu:0#2", "gpu:1"]
    assert [slot.overrides[0] for slot in shared] == ["device.ids=[0]", "device.ids=[0]", "device.ids=[1]"]


@pytest.mark.parametrize(
    ("workers", "slots", "device", "ids", "words"),
    [
        (0, None, "cpu", [], "workers=0: at least one run"),
        (2, 3, "cpu", [], "workers=2 slots=3: both say"),
        (2, ["cpu:0"], "cpu", [], r"workers=2 slots=\[cpu:0\]: the slots say"),
        (None, ["gpu:0"], "cpu", [], r"slots=\[gpu:0\]: on a CPU"),
        (None, [], "cpu", [], r"slots=\[\]: on a CPU"),
        (None, None, "gpu", [], "there is no gpu"),
        (3, None, "gpu", [0, 1], r"3 runs at a time do not fit on gpu:0, gpu:1 .*slots=\[gpu:0,gpu:0\]"),
        (None, ["gpu:7"], "gpu", [0, 1], "gpu:7 is not among gpu:0, gpu:1"),
        (None, ["cpu:0"], "gpu", [0], "cpu:0 is not among gpu:0"),
        (None, [], "gpu", [0], r"slots=\[\]: at least one"),
    ],
)
def test_slots_that_do_not_fit_are_refused(
    workers: int | None, slots: list[str] | int | None, device: str, ids: list[int], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        local_slots(workers, slots, device, 8, ids)
