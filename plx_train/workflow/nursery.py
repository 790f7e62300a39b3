"""The nursery: imports once what the runs of a sweep need, and forks each run, with its guard, when it is asked to."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import random
import select
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from plx_train.distributed.guard import end_with_parent, receive, send
from plx_train.sweep.executors.run_guard import adopt_orphans, take_signals, watch
from plx_train.tracking.store import SETTINGS

LOADED = (
    "plx_train.modes.train",
    "plx_train.onednn.seam",
    "plx_train.export.parity",
    "plx_train.train.loop",
    "plx_train.train.adamw",
    "plx_train.train.learner",
    "plx_train.onednn.agreement",
    "plx_train.report.pictures",
    "plx_train.weights",
    "jinja2",
    "pandas",
)
"""What a training run imports, sooner or later, whatever it trains."""
RECORDING = (
    "mlflow",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_workspace_store",
    "sqlalchemy.dialects.sqlite",
    "alembic.command",
)
COMMAND = "plx_train.__main__"
REAP_SECONDS = 1.0
_prepared: dict[str, str] = {}
"""Variables that were set for the libraries that every run here has."""


class _Child:
    """A forked process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def wait(self) -> int:
        """Its exit code."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


def main() -> None:
    """Answers on the line of the handle ``argv[1]`` until that is closed; ``argv[2:]``: the first run's overrides."""
    line = socket.socket(fileno=int(sys.argv[1]))
    take_signals()
    load(sys.argv[2:])
    send(line, {"ready": True})
    while True:
        _reap()
        if not select.select([line], [], [], REAP_SECONDS)[0]:
            continue
        try:
            told, handles = receive(line)
        except (EOFError, OSError):
            return
        if os.fork() == 0:
            line.close()
            _guard(told, handles)
        for handle in handles:
            os.close(handle)
        send(line, {"born": True})


def load(overrides: Sequence[str]) -> None:
    """Imports what a run with these overrides needs, in the environment that it would set up; computes nothing."""
    from plx_train.config.compose import compose_run
    from plx_train.contract.rooms import load_room
    from plx_train.machine.environment import prepare_environment
    from plx_train.machine.paddle_build import import_paddle

    options = compose_run(overrides).options
    found = dict(os.environ)
    prepare_environment(options.device)
    _prepared.update({name: value for name, value in os.environ.items() if found.get(name) != value})
    warnings.simplefilter("ignore")
    import_paddle()
    warnings.resetwarnings()
    room = type(load_room(options.module.name)).__module__.rpartition(".")[0]
    recording = RECORDING if options.tracking.backend == "mlflow" else ()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    for name in (*LOADED, f"{room}.module", *recording):
        # What is not there, or elsewhere in another version, is missed by the run that needs it.
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _look_through_libraries()


def _look_through_libraries() -> None:
    """Has Paddle look once for the functions of libraries that an export leaves as they are, and remember them."""
    from paddle.jit.dy2static import convert_call_func

    look = getattr(convert_call_func, "is_unsupported", None)
    if look is not None:
        look(len)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _guard(told: Mapping[str, Any], handles: Sequence[int]) -> None:
    """What the guard of a run does, which is all that this process is; it does not return."""
    code = 1
    try:
        os.setsid()
        adopt_orphans()
        for number, handle in enumerate(handles):
            os.dup2(handle, number)
            os.close(handle)
        pid = os.fork()
        if pid == 0:
            code = _run(told["arguments"], told["environment"])
        else:
            watch(_Child(pid), float(told["kill_after"]))
            code = 0
    finally:
        os._exit(code)


def _run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit code of the command, which is carried out as by a fresh process."""
    os.setsid()
    end_with_parent()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(_prepared | dict(environment))
    random.seed()
    for handle, name in enumerate(("stdin", "stdout", "stderr")):
        opened = os.fdopen(handle, "w" if handle else "r", encoding="utf-8", errors="backslashreplace", closefd=False)
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)
    command = importlib.import_module(COMMAND)
    # What starts processes looks there for what they are to import.
    sys.modules["__main__"] = command
    sys.argv = [str(command.__file__), *arguments]
    try:
        code = command.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    # As the interpreter does at its end.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code & 0xFF


if __name__ == "__main__":
    main()
