"""What stands between Paddle's launcher and one rank: starts it, tells how it ended, and ends it with the command.

Paddle's launcher sends every signal several times and kills the others as soon as one process fails. A guard takes
its signals and always ends well, so that the command alone decides; and it has no library loaded that could hang.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

SOCKET = "PLX_TRAIN_LAUNCH_SOCKET"
"""Environment variable with the address of the command that launched us."""
POLL_SECONDS = 0.1
DRAIN_SECONDS = 0.5
MAX_MESSAGE = 1 << 20
MOST_FILES = 3
PR_SET_PDEATHSIG = 1
FROM_THE_LAUNCHER = ("PADDLE_", "FLAGS_selected_")
"""Beginnings of the variables that ranks take from the launcher; all others are the command's."""


def end_with_parent() -> None:
    """Has the kernel kill this process when the one that started it ends; elsewhere than on Linux, does nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kill_group(leader: int) -> None:
    """Kills the processes of a group, if there still are any."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def send(line: socket.socket, message: dict[str, Any], files: tuple[int, ...] = ()) -> None:
    """Sends one message, with open files."""
    data = json.dumps(message).encode() + b"\n"
    sent = socket.send_fds(line, [data], list(files)) if files else 0
    line.sendall(data[sent:])


def receive(line: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next message, and the open files that came with it.

    Raises:
        EOFError: the other side has ended.
    """
    data, files, _, _ = socket.recv_fds(line, MAX_MESSAGE, MOST_FILES)
    while not data.endswith(b"\n"):
        more = line.recv(MAX_MESSAGE)
        if not more:
            raise EOFError("the command has ended")
        data += more
    return json.loads(data), files


def main() -> None:
    """Runs the rank that the command describes."""
    # Handlers, because a program that is started would inherit that a signal is ignored.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    address = os.environ[SOCKET]
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(address)
        send(line, {"rank": int(os.environ["PADDLE_TRAINER_ID"]), "local": int(os.environ["PADDLE_LOCAL_RANK"])})
        try:
            job, shown = receive(line)
        except (EOFError, ConnectionError):
            return
        try:
            is_commanded = _run(line, job, shown)
        except OSError as error:
            send(line, {"failure": str(error)})
            return
    if not is_commanded:
        # With its environments, which may hold passwords.
        shutil.rmtree(Path(address).parent, ignore_errors=True)


def _run(line: socket.socket, job: dict[str, Any], shown: list[int]) -> bool:
    """Whether the command still lives when the rank has ended; `shown` is where stdout and stderr are seen, if so."""
    with Path(job["log"]).open("ab", buffering=0) as log:
        child = subprocess.Popen(
            job["command"],
            env=_environment(job["env"]),
            stdin=subprocess.DEVNULL,
            stdout=shown[0] if shown else log,
            stderr=subprocess.PIPE if shown else log,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
        copying = None
        if child.stderr:
            targets = (log.fileno(), shown[1])
            copying = threading.Thread(target=_copy, args=(child.stderr.fileno(), targets), daemon=True)
            copying.start()
        is_commanded = True
        try:
            send(line, {"pid": child.pid})
            while is_commanded and child.poll() is None:
                is_commanded = not _is_closed(line)
        finally:
            # What it has started ends with it: it may have been killed before it could see to that.
            kill_group(child.pid)
            code = child.wait()
        if copying:
            copying.join(DRAIN_SECONDS)
    if is_commanded:
        with contextlib.suppress(ConnectionError):
            send(line, {"code": code})
    return is_commanded


def _environment(settings: dict[str, str | None]) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name.startswith(FROM_THE_LAUNCHER)}
    return {name: value for name, value in (own | settings).items() if value is not None}


def _is_closed(line: socket.socket) -> bool:
    if not select.select([line], [], [], POLL_SECONDS)[0]:
        return False
    try:
        return not line.recv(1)
    except ConnectionError:
        return True


def _copy(source: int, targets: tuple[int, ...]) -> None:
    while data := os.read(source, 1 << 16):
        for target in targets:
            # A terminal that was closed or a full disk does not end a training.
            with contextlib.suppress(OSError):
                os.write(target, data)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        end_with_parent()
        os.execvp(sys.argv[1], sys.argv[1:])
    main()
