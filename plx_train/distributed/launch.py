"""Several processes for one run, started through Paddle's launcher: which, how they find each other, how they end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from plx_train.config.options import DeviceOptions
from plx_train.distributed.environment import launcher_environment, rank_environment
from plx_train.distributed.guard import SOCKET
from plx_train.distributed.supervise import Supervision, last_words
from plx_train.ground.errors import ConfigError, UserError
from plx_train.machine.device import check_device, resolve
from plx_train.machine.paddle_build import installed_paddle

WORKER = ("-m", "plx_train.workflow.worker")
LOOPBACK = "127.0.0.1"
MAX_SOCKET_PATH = 100


def num_processes(options: DeviceOptions) -> int:
    """Processes that train on this machine.

    Raises:
        ConfigError: settings that contradict each other, or a device that is not there.
    """
    check_device(options)
    _check_machines(options)
    kind, ids, processes = _resolved(options).type, options.ids, options.processes
    if processes is not None and processes < 1:
        raise ConfigError(f"device.processes={processes}: at least one process has to train")
    if kind == "cpu":
        return processes or 1
    if processes not in (None, len(ids)):
        raise ConfigError(
            f"device.processes={processes} device.ids={ids}: one process trains on each of the {kind}'s ids, "
            "leave device.processes out"
        )
    return len(ids)


def _check_machines(options: DeviceOptions) -> None:
    nodes, master, node_rank = options.nodes, options.master, options.node_rank
    if nodes < 1:
        raise ConfigError(f"device.nodes={nodes}: at least one machine has to train")
    if nodes == 1:
        if master is not None or node_rank not in (None, 0):
            raise ConfigError("device.master and device.node_rank are for several machines: say device.nodes too")
        return
    host, _, port = (master or "").rpartition(":")
    if not host or ":" in host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError(
            f"device.nodes={nodes} device.master={master}: name the first machine and a free port of it, "
            "for example device.master=10.0.0.1:8090"
        )
    if node_rank is not None and not 0 <= node_rank < nodes:
        raise ConfigError(f"device.node_rank={node_rank}: {nodes} machines are numbered 0 to {nodes - 1}")


def _resolved(options: DeviceOptions) -> DeviceOptions:
    build = installed_paddle()
    return resolve(options, build)[0] if build else options


def launch(
    arguments: Sequence[str],
    options: DeviceOptions,
    log_dir: Path,
    warn: Callable[[str], None],
    info: Callable[[str], None],
    *,
    worker: Sequence[str] = WORKER,
) -> int:
    """Trains in several processes and returns the command's exit code.

    Rank 0 writes to our stdout and stderr, all write their errors to ``log_dir/rank_<n>.log``, the others their output
    too. When one dies, the others are ended within seconds and `warn` gets one sentence. SIGTERM, SIGINT and SIGHUP go
    on to all ranks, a second one kills them; the exit code is 128 + the signal's number then.

    Args:
        arguments: of the program that each rank runs, which is ``python *worker *arguments``.

    Raises:
        ConfigError: settings that contradict each other.
        UserError: the first machine can't be found, or this system has no process groups.
    """
    if not hasattr(socket, "AF_UNIX") or not hasattr(os, "killpg"):
        raise UserError(
            "several processes need Linux or macOS: train in one, without device.processes and device.nodes"
        )
    count = num_processes(options)
    options = _resolved(options)
    log_dir.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="plx-"))
    if len(str(place)) > MAX_SOCKET_PATH - 2:
        place.rmdir()
        place = Path(tempfile.mkdtemp(prefix="plx-", dir="/tmp"))
    try:
        with socket.socket(socket.AF_UNIX) as listener, _receiving() as signals:
            listener.bind(str(place / "s"))
            listener.listen(count)
            meeting = _meeting(options)
            launcher = _start_launcher(options, count, place, log_dir, meeting)
            if options.nodes > 1:
                info(f"waiting at {options.master} for {options.nodes} machines")
            job_of = _jobs([sys.executable, *worker, *arguments], options, count, log_dir, meeting[0])
            watch = Supervision(listener, launcher, count, job_of, signals)
            watch.run()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    has_finished = len(watch.ranks) == count and all(rank.code == 0 for rank in watch.ranks)
    if signals and not has_finished:
        return 128 + signals[0]
    return _exit_code(watch, log_dir, warn)


@contextlib.contextmanager
def _receiving() -> Iterator[list[int]]:
    """The numbers of the signals that come within the block; only the main thread can receive them."""
    received: list[int] = []
    former: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    for number, handler in former.items():
        # Ignored by whoever started us: nohup does so.
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: received.append(number))
    try:
        yield received
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _meeting(options: DeviceOptions) -> tuple[str, str | None]:
    """(this machine's address, address:port of the first machine or None where there is one)."""
    if options.nodes == 1:
        return LOOPBACK, None
    host, _, port = str(options.master).rpartition(":")
    try:
        address = socket.gethostbyname(host)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            # Nothing is sent: this asks which of our addresses leads there.
            probe.connect((address, int(port)))
            return str(probe.getsockname()[0]), f"{address}:{port}"
    except OSError as error:
        raise UserError(f"device.master={options.master}: {host} can't be found: {error.strerror or error}") from None


def _start_launcher(
    options: DeviceOptions, count: int, place: Path, log_dir: Path, meeting: tuple[str, str | None]
) -> subprocess.Popen[bytes]:
    host, master = meeting
    # Its folder has the whole environment in it, so it is not the run's.
    command = ["-m", "paddle.distributed.launch", "--log_dir", str(place / "launcher"), "--host", host]
    command += ["--nproc_per_node", str(count), "--nnodes", str(options.nodes), "--enable_gpu_log", "False"]
    if master is not None:
        command += ["--master", master]
        command += [] if options.node_rank is None else ["--rank", str(options.node_rank)]
    guard = [sys.executable, "-m", "plx_train.distributed.guard"]
    with (log_dir / "launcher.log").open("ab") as log:
        return subprocess.Popen(
            [*guard, sys.executable, *command, *guard],
            env=launcher_environment(options, count) | {SOCKET: str(place / "s")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _jobs(
    command: list[str], options: DeviceOptions, count: int, log_dir: Path, host: str
) -> Callable[[int, int], tuple[dict[str, Any], tuple[int, ...]]]:
    def job_of(rank: int, local: int) -> tuple[dict[str, Any], tuple[int, ...]]:
        environment = rank_environment(options, count, local, host)
        job = {"command": command, "env": environment, "log": str(log_dir / f"rank_{rank}.log")}
        return job, (1, 2) if rank == 0 else ()

    sys.stdout.flush()
    sys.stderr.flush()
    return job_of


def _exit_code(watch: Supervision, log_dir: Path, warn: Callable[[str], None]) -> int:
    failed = watch.first_failed
    if failed is None and not watch.has_launcher_failed:
        return 0
    if failed is None:
        log = log_dir / "launcher.log"
        warn(f"paddle's launcher ended: {last_words(log)} (log: {log})")
        return 1
    words = failed.last_words()
    is_users = words.startswith("error: ") and failed.code in (1, 2)
    code = failed.code if is_users and failed.code else 1
    first = next((rank for rank in watch.ranks if rank.number == 0), None)
    if is_users and first is not None and first.last_words() == words:
        return code
    said = f": {words.removeprefix('error: ')}" if words else ""
    warn(f"rank {failed.number} {failed.how_it_ended()}{said}; all others were ended (log: {failed.log})")
    return code
