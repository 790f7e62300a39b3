"""What stands for one run on a machine of a Ray cluster: an actor that holds its process, which ends with it."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from plx_train.ground.errors import UserError
from plx_train.runs.folder import LOG_FILE
from plx_train.sweep.executors.executor import Ended
from plx_train.sweep.executors.run_process import NEVER_BEGAN, RunProcess

POLL_SECONDS = 0.1


class RunActor:
    """One run.

    Args:
        command: its first word is exchanged for this machine's interpreter.
        environment: variables beside those of this machine's Ray.
        folder: of the run.
        working_folder: that it starts in, where this machine has it.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: dict[str, str],
        folder: str,
        working_folder: str,
        kill_after: float,
    ) -> None:
        self._command, self._environment = (sys.executable, *command[1:]), environment
        self._folder, self._working_folder = Path(folder), Path(working_folder)
        self._kill_after = kill_after
        self._is_stopped = threading.Event()

    def run(self) -> tuple[int | None, str | None]:
        """Runs it to its end: exit code and reason, as in `Ended`."""
        try:
            ended = self._run()
        except UserError as error:
            ended = Ended(127, str(error))
        return ended.code, ended.reason

    def stop(self) -> None:
        """Asks it to save and end; called in another thread than `run`."""
        self._is_stopped.set()

    def _run(self) -> Ended:
        if self._is_stopped.is_set():
            return NEVER_BEGAN
        overrides, environment = _cards()
        process = RunProcess(
            (*self._command, *overrides),
            {**environment, **self._environment},
            self._folder / LOG_FILE,
            self._kill_after,
            self._working_folder if self._working_folder.is_dir() else None,
        )
        is_asked = False
        while (ended := process.poll()) is None:
            if self._is_stopped.is_set() and not is_asked:
                is_asked = True
                process.stop()
            time.sleep(POLL_SECONDS)
        return ended


def _cards() -> tuple[tuple[str, ...], dict[str, str]]:
    """(overrides, environment) for the cards that Ray has given to this actor, which the run counts from 0."""
    import ray

    ids = [str(number) for number in ray.get_gpu_ids()]
    overrides = (f"device.ids=[{','.join(str(number) for number in range(len(ids)))}]",) if ids else ()
    return overrides, {"CUDA_VISIBLE_DEVICES": ",".join(ids)}


def forwarded_environment() -> dict[str, str]:
    """Variables of this process that runs on other machines get too: settings, not what belongs to the machine."""
    return {name: value for name, value in os.environ.items() if name.startswith(("PLX_", "MLFLOW_", "FLAGS_"))}
