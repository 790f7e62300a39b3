"""Starts a worker, gives it cases, and sees what a worker can't say itself: that it crashed, hangs, or grew."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from fuzzing.cases import Case, write_case
from fuzzing.reader import Reader

WALL = 40
"""Seconds on the clock for one of processor time: others use the machine too."""
LONGEST_START = 300.0
SECRET = "what nobody was asked to read\n"


class Watched:
    """A worker in a folder of its own, started again whenever it ends.

    Args:
        root: holds ``work`` (where it runs), ``home``, ``tmp`` and ``guard`` (which nothing may touch).
        seeds: cases that it reads first, before its memory is limited.
    """

    def __init__(self, reader: Reader, root: Path, seeds: list[Case]) -> None:
        self.reader, self.root, self.seeds = reader, root, seeds
        self.case = root / "work" / "case"
        self._process: subprocess.Popen[str] | None = None
        self._answers: Any = None
        self._is_fresh = False
        self.starts = 0
        self.num_run = 0

    def start(self) -> None:
        """A fresh worker that has read the seeds."""
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)
        for name in ("work", "home", "tmp", "guard", "work/guard"):
            (self.root / name).mkdir(parents=True)
        for guard in ("guard", "work/guard"):
            (self.root / guard / "secret.txt").write_text(SECRET)
        receiving, sending = os.pipe()
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ},
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "PYTHONHASHSEED": "0",
            "PLX_TRAIN_CACHE": str(self.root / "home" / "cache"),
            "OMP_NUM_THREADS": "1",
            "GLOG_minloglevel": "3",
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_CACHE_HOME": str(self.root / "home" / ".cache"),
        }
        scripts = Path(__file__).parents[1]
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(scripts), str(scripts.parent), *filter(None, [environment.get("PYTHONPATH")])]
        )
        told = "covered" if self.reader.is_covered else "plain"
        command = [sys.executable, "-m", "fuzzing.worker", self.reader.name, str(self.root), str(sending), told]
        with (self.root / "said.txt").open("w") as said:
            self._process = subprocess.Popen(
                command, cwd=self.root / "work", env=environment, pass_fds=(sending,), text=True,
                stdin=subprocess.PIPE, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip
        os.close(sending)
        self._answers = os.fdopen(receiving, "r")
        self.starts += 1
        self.num_run = 0
        for seed in self.seeds:
            write_case(seed, self.case, self.root / "guard")
            answer = self._ask({"warm": True}, LONGEST_START, LONGEST_START)
            if answer["kind"] != "read":
                raise RuntimeError(
                    f"{self.reader.name}: a seed is {answer['kind']}: {answer.get('what')} {answer.get('detail')}"
                )
        self._is_fresh = True

    def run(self, case: Case) -> dict[str, Any]:
        """What came of a case; a worker that is needed is started."""
        if self._process is None or self._process.poll() is not None:
            self.start()
        write_case(case, self.case, self.root / "guard")
        order = {"limit": True} if self._is_fresh else {}
        self._is_fresh = False
        self.num_run += 1
        return self._ask(order, self.reader.seconds, self.reader.seconds * WALL)

    def _ask(self, order: dict[str, Any], seconds: float, wall: float) -> dict[str, Any]:
        assert self._process is not None and self._process.stdin is not None
        began, used = time.monotonic(), _processor_seconds(self._process.pid)
        try:
            self._process.stdin.write(json.dumps({"run": str(self.case), **order}) + "\n")
            self._process.stdin.flush()
        except OSError:
            return self._ended()
        while not select.select([self._answers], [], [], 0.2)[0]:
            spent = _processor_seconds(self._process.pid) - used
            if spent > seconds or time.monotonic() - began > wall:
                return self._hangs(f"{spent:.0f} s of processor time, {time.monotonic() - began:.0f} s on the clock")
        line = self._answers.readline()
        return json.loads(line) if line else self._ended()

    def _hangs(self, words: str) -> dict[str, Any]:
        assert self._process is not None
        self._process.send_signal(signal.SIGUSR1)
        time.sleep(0.5)
        stack = self._stack()
        self.stop()
        return {"kind": "hang", "what": f"hang {_ours(stack)}", "detail": f"{words}\n{stack}"}

    def _ended(self) -> dict[str, Any]:
        assert self._process is not None
        code = self._process.wait()
        stack, said = self._stack(), (self.root / "said.txt").read_text("utf-8", "replace")[-3000:]
        name = signal.Signals(-code).name if code < 0 else f"exit {code}"
        self.stop()
        return {"kind": "crash", "what": f"{name} {_ours(stack)}", "detail": f"{stack}\n{said}"}

    def _stack(self) -> str:
        return (self.root / "stacks.txt").read_text("utf-8", "replace")[-6000:]

    def stop(self) -> None:
        """Ends the worker and whatever it started."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdin:
                with contextlib.suppress(OSError):
                    process.stdin.close()
            self._answers.close()


def _processor_seconds(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ours(stack: str) -> str:
    """The innermost line of the product in what faulthandler wrote last."""
    last = stack.rpartition("most recent call first")[2]
    for line in last.splitlines():
        if "/plx_train/" in line:
            file, _, where = line.rpartition("/plx_train/")[2].partition('", line ')
            return f"{file}:{where.rpartition(' in ')[2]}"
    return "outside of the product"
