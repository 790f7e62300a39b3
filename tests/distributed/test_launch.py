"""Several processes: what is refused, how ranks are started, and that nothing survives whatever ends one of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest

from plx_train.config.options import DeviceOptions
from plx_train.distributed import environment as launch_environment
from plx_train.distributed import launch
from plx_train.distributed.launch import num_processes
from plx_train.ground.errors import ConfigError, UserError
from plx_train.machine import device
from plx_train.machine.paddle_build import PaddleBuild

WORKER = """
import contextlib, io, json, os, signal, subprocess, sys, time
import paddle
import paddle.distributed as dist

what, folder = sys.argv[1:]
asked = []
signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
# It writes the flags that are not the default.
with contextlib.redirect_stderr(io.StringIO()):
    dist.init_parallel_env()
rank = dist.get_rank()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])


def total(value):
    tensor = paddle.to_tensor([float(value)])
    dist.all_reduce(tensor)
    return float(tensor[0])


seen = {"sum": total(rank + 1), "threads": os.environ["OMP_NUM_THREADS"], "proxy": os.environ.get("http_proxy")}
with open(f"{folder}/{rank}.json", "w") as file:
    json.dump(seen | {"pids": [os.getpid(), os.getppid(), child.pid]}, file)
print(f"rank {rank} is up", flush=True)
print(f"rank {rank} warns", file=sys.stderr, flush=True)
if what == "user":
    print("error: the images are gone", file=sys.stderr)
    sys.exit(2)
if rank == 1 and what == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if rank == 1 and what == "raise":
    raise ValueError("something is off")
if rank == 0 and what in ("kill", "raise"):
    # Stands for a collective that never notices: only a kill ends this.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
    time.sleep(300)
while what == "train" and not total(bool(asked)):
    time.sleep(0.05)
while what == "deaf":
    time.sleep(300)
if what == "train":
    print(f"rank {rank} has saved", flush=True)
    sys.exit(128 + asked[0] if asked else 128 + signal.SIGTERM)
"""

COMMAND = """
import json, sys
from pathlib import Path
from plx_train.distributed.launch import launch
from plx_train.config.options import DeviceOptions

options, logs, *arguments = sys.argv[1:]
warn = lambda text: print("warning:", text, file=sys.stderr)
sys.exit(launch(arguments[1:], DeviceOptions(**json.loads(options)), Path(logs), warn, print, worker=arguments[:1]))
"""


class Launched:
    """A command that launches two ranks in the background."""

    def __init__(self, folder: Path, what: str, **options: Any) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "worker.py").write_text(WORKER)
        (folder / "command.py").write_text(COMMAND)
        self.folder, self.logs = folder, folder / "logs"
        values = asdict(DeviceOptions(name="cpu", type="cpu")) | options
        arguments = [json.dumps(values), str(self.logs), str(folder / "worker.py"), what, str(folder)]
        environment = {"GLOG_minloglevel": "2", "http_proxy": "http://127.0.0.1:9", "PADDLE_NNODES": "7"}
        environment |= {"CUDA_VISIBLE_DEVICES": "0", "PYTHONWARNINGS": "ignore"}
        self.process = subprocess.Popen(
            [sys.executable, str(folder / "command.py"), *arguments],
            env={name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_up(self, *ranks: int) -> list[int]:
        """The processes of the ranks, once they have met."""
        files = [self.folder / f"{rank}.json" for rank in ranks or (0, 1)]
        give_up = time.monotonic() + 60
        while not all(file.exists() and file.read_text().endswith("}") for file in files):
            assert time.monotonic() < give_up and self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)
        return [pid for file in files for pid in json.loads(file.read_text())["pids"]]

    def end(self, within: float) -> tuple[int, str, str]:
        """(exit code, stdout, stderr); fails if it is not ended in `within` seconds."""
        out, err = self.process.communicate(timeout=within)
        return self.process.returncode, out, err

    def seen(self, rank: int) -> dict[str, Any]:
        return json.loads((self.folder / f"{rank}.json").read_text())


def left_over(folder: Path) -> list[str]:
    """Processes that name the folder, or descend from one that did, after a moment in which they may end."""
    give_up = time.monotonic() + 5
    while True:
        pids = [pid for file in folder.glob("?.json") for pid in json.loads(file.read_text())["pids"]]
        found = []
        for process in psutil.process_iter(["pid", "cmdline", "status"]):
            is_ours = process.info["pid"] in pids or str(folder) in " ".join(process.info["cmdline"] or ())
            if is_ours and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(f"{process.info['pid']} {process.info['cmdline']}")
        if not found or time.monotonic() > give_up:
            return found
        time.sleep(0.1)


def test_ranks_meet_and_rank_0_is_heard(tmp_path: Path) -> None:
    run = Launched(tmp_path / "run", "once", processes=2)

    code, out, err = run.end(60)

    assert code == 0, err
    assert "rank 0 is up" in out
    assert "rank 0 warns" in err
    assert "rank 1" not in out + err
    assert "LAUNCH" not in out + err
    assert [run.seen(rank)["sum"] for rank in (0, 1)] == [3.0, 3.0]
    assert run.seen(0)["threads"] == str(max(1, launch_environment.usable_cores() // 2))
    assert run.seen(1)["proxy"] == "http://127.0.0.1:9"
    assert "rank 1 is up" in (run.logs / "rank_1.log").read_text()
    assert "rank 0 warns" in (run.logs / "rank_0.log").read_text()
    assert {path.name for path in run.logs.iterdir()} == {"rank_0.log", "rank_1.log", "launcher.log"}
    assert left_over(run.folder) == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("kill", "rank 1 was killed by SIGKILL, as the system does when memory runs out; all others were ended"),
        ("raise", "rank 1 ended with exit code 1: ValueError: something is off; all others were ended"),
    ],
)
def test_a_rank_that_dies_ends_the_others(what: str, said: str, tmp_path: Path) -> None:
    run = Launched(tmp_path / "run", what, processes=2)
    run.wait_until_up()
    started = time.monotonic()

    code, _, err = run.end(30)

    assert code == 1
    assert time.monotonic() - started < 10
    assert [line for line in err.splitlines() if line.startswith("warning:")] == [
        f"warning: {said} (log: {run.logs / 'rank_1.log'})"
    ]
    assert left_over(run.folder) == []


def test_a_mistake_that_all_ranks_find_is_told_once(tmp_path: Path) -> None:
    run = Launched(tmp_path / "run", "user", processes=2)

    code, _, err = run.end(60)

    assert code == 2
    assert err.splitlines() == ["rank 0 warns", "error: the images are gone"]
    assert left_over(run.folder) == []


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_goes_to_all_ranks_which_save(number: signal.Signals, tmp_path: Path) -> None:
    run = Launched(tmp_path / "run", "train", processes=2)
    run.wait_until_up()
    run.process.send_signal(number)

    code, out, err = run.end(10)

    assert code == 128 + number
    assert "rank 0 has saved" in out
    assert "warning" not in err
    assert "rank 1 has saved" in (run.logs / "rank_1.log").read_text()
    assert left_over(run.folder) == []


@pytest.mark.long
def test_a_second_signal_kills_at_once(tmp_path: Path) -> None:
    run = Launched(tmp_path / "run", "deaf", processes=2)
    run.wait_until_up()
    run.process.send_signal(signal.SIGTERM)
    time.sleep(1)
    assert run.process.poll() is None
    run.process.send_signal(signal.SIGTERM)

    assert run.end(4)[0] == 128 + signal.SIGTERM
    assert left_over(run.folder) == []


def test_a_signal_before_the_ranks_are_up_ends_the_command(tmp_path: Path) -> None:
    run = Launched(tmp_path / "run", "train", processes=2)
    while not (run.logs / "launcher.log").exists():
        time.sleep(0.01)
    run.process.send_signal(signal.SIGTERM)

    assert run.end(5)[0] == 128 + signal.SIGTERM
    assert left_over(run.folder) == []


def test_ranks_do_not_outlive_a_killed_command(tmp_path: Path) -> None:
    run = Launched(tmp_path / "run", "deaf", processes=2)
    run.wait_until_up()
    run.process.kill()
    run.process.wait()

    assert left_over(run.folder) == []


@pytest.mark.long
def test_two_machines_meet_at_the_first_one(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        master = f"127.0.0.1:{probe.getsockname()[1]}"
    options = {"nodes": 2, "master": master}

    runs = [Launched(tmp_path / name, "train", node_rank=rank, **options) for rank, name in enumerate("ab")]
    for rank, run in enumerate(runs):
        run.wait_until_up(rank)
    runs[0].process.send_signal(signal.SIGTERM)
    # As one of two machines is switched off: the other hears of it by the collective.
    codes = [run.end(30)[0] for run in runs]

    assert [run.seen(rank)["sum"] for rank, run in enumerate(runs)] == [3.0, 3.0]
    assert codes[0] == 128 + signal.SIGTERM
    assert codes[1] != 0
    assert [left_over(run.folder) for run in runs] == [[], []]


def test_a_launcher_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "paddle").mkdir()
    (tmp_path / "paddle" / "__init__.py").write_text("raise ImportError('half installed')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    said: list[str] = []

    code = launch.launch([], DeviceOptions(type="cpu", processes=2), tmp_path / "logs", said.append, print)

    assert code == 1
    assert said == [f"paddle's launcher ended: ImportError: half installed (log: {tmp_path / 'logs' / 'launcher.log'})"]


def pretend(build: PaddleBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (device, launch):
        monkeypatch.setattr(module, "installed_paddle", lambda: build)
    monkeypatch.setattr(device, "nvidia_gpus", list)


def options(kind: str, **values: Any) -> DeviceOptions:
    return DeviceOptions(name=kind, type=kind, **values)


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (options("cpu"), 1),
        (options("cpu", processes=3), 3),
        (options("gpu"), 1),
        (options("gpu", ids=[0, 2]), 2),
        (options("gpu", ids=[0, 2], processes=2), 2),
        (options("cpu", nodes=2, master="10.0.0.1:8090", node_rank=1), 1),
    ],
)
def test_processes_on_this_machine(asked: DeviceOptions, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(PaddleBuild("3.3.1", cuda="12.6" if asked.type == "gpu" else None), monkeypatch)

    assert num_processes(asked) == count


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (options("gpu", ids=[0, 1], processes=3), "one process trains on each of the gpu's ids"),
        (options("cpu", ids=[0, 1]), "say device.processes=2 instead"),
        (options("auto", ids=[0, 1]), "say device.processes=2 instead"),
        (options("cpu", processes=0), "device.processes=0"),
        (options("cpu", nodes=0), "device.nodes=0"),
        (options("cpu", nodes=2), "device.master=None: name the first machine"),
        (options("cpu", nodes=2, master="10.0.0.1"), "device.master=10.0.0.1: name the first machine"),
        (options("cpu", nodes=2, master="10.0.0.1:99999"), "and a free port"),
        (options("cpu", nodes=2, master="fe80::1:80"), "for example device.master=10.0.0.1:8090"),
        (options("cpu", nodes=2, master="10.0.0.1:80", node_rank=2), "2 machines are numbered 0 to 1"),
        (options("cpu", master="10.0.0.1:80"), "say device.nodes too"),
        (options("cpu", node_rank=1), "say device.nodes too"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    asked: DeviceOptions, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(PaddleBuild("3.3.1", cuda="12.6" if asked.type == "gpu" else None), monkeypatch)

    with pytest.raises(ConfigError) as raised:
        num_processes(asked)

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_first_machine_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"device\.master=nowhere\.invalid:80: nowhere\.invalid can't be found"):
        launch.launch([], options("cpu", nodes=2, master="nowhere.invalid:80"), tmp_path, print, print)


def test_each_rank_of_several_cards_gets_its_own(tmp_path: Path) -> None:
    job_of = launch._jobs(["python"], options("dcu", ids=[3, 5]), 2, tmp_path, "127.0.0.1")

    (first, shown), (second, hidden) = job_of(0, 0), job_of(1, 1)

    assert [job["env"]["FLAGS_selected_gpus"] for job in (first, second)] == ["3", "5"]
    assert "PADDLE_DISTRI_BACKEND" not in first["env"]
    assert (shown, hidden) == ((1, 2), ())
