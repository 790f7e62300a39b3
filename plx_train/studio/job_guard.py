"""Carries one job's command out and writes down how it ended; it outlives the studio that started it.

The job's lock is held by this process and by the command, so whoever finds it free knows that both are gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

JOB_FILE, LOCK_FILE, LOG_FILE, ENDED_FILE = "job.json", "job.lock", "job.log", "ended.json"
STOP_FILE = "stop"
"""Says that the user ended it; with a word in it, at once."""


def main(folder: Path) -> int:
    """Runs the command of the job in `folder`; 1 where somebody else does already."""
    import fcntl

    job = json.loads((folder / JOB_FILE).read_text("utf-8"))
    lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 1
    began = time.time()
    with (folder / LOG_FILE).open("ab") as log:
        try:
            child = subprocess.Popen(
                [sys.executable, "-m", "plx_train", *job["overrides"]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(lock,),
                start_new_session=True,
            )
        except OSError as error:
            log.write(f"error: the command can't be started ({error.strerror or error})\n".encode())
            return _ended(folder, 127, began)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{child.pid}\n".encode(), 0)
        if (folder / STOP_FILE).exists():
            end(child.pid, bool((folder / STOP_FILE).read_text("ascii")))
        code = child.wait()
    return _ended(folder, code, began)


def end(leader: int, now: bool) -> None:
    """Asks a command, and all that it started, to save and end; `now` kills them."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL if now else signal.SIGINT)


def _ended(folder: Path, code: int, began: float) -> int:
    scratch = folder / f"{ENDED_FILE}.part"
    with scratch.open("w", encoding="utf-8") as file:
        json.dump({"code": code, "began": began, "at": time.time()}, file)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(folder / ENDED_FILE)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
