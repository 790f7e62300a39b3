"""Runs as jobs of submitit's: on a SLURM cluster, or by its local executor, to try the same on one machine.

submitit pickles what a job is to do and the job unpickles it: a file that this process wrote, holding plain words.
Nothing is unpickled here; how a run ended is told in JSON.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
import uuid
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import replace_file
from plx_train.sweep.executors import executor as engine
from plx_train.sweep.executors import submitit_job
from plx_train.sweep.executors.executor import Ended, JobSpec
from plx_train.sweep.executors.local import THREAD_VARIABLES
from plx_train.sweep.executors.run_process import NEVER_BEGAN
from plx_train.sweep.executors.submitit_job import Task

EXECUTORS = ("slurm", "local")
PATIENCE_SECONDS = {"slurm": 60.0, "local": 10.0}
"""How long a run goes on without a sign of life from the sweep."""
BEAT_SECONDS = {"slurm": 1.0, "local": 0.2}
ASK_SECONDS = {"slurm": 30.0, "local": 0.5}
"""Between two questions to the scheduler about jobs that say nothing of themselves."""
OVERDUE_SECONDS = 15.0
CLOSING_SECONDS = 20.0
TIMEOUT_MIN = 24 * 60
GENERIC = ("name", "timeout_min", "mem_gb", "cpus_per_task", "gpus_per_node", "stderr_to_stdout")
OVER = (
    *("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL"),
    *("DEADLINE", "REVOKED", "FINISHED", "INTERRUPTED"),
)
"""States of jobs that will not tell any more; the last two are the local executor's."""


class SubmititHandle:
    """A run that waits to be submitted, is queued, or runs."""

    def __init__(self, slot: str, owner: SubmititEngine, task: Task) -> None:
        self.slot = slot
        self.task = task
        self.job: Any = None
        self.ended: Ended | None = None
        self.stopped_at: float | None = None
        self._owner = owner
        self._asked_at = time.monotonic()
        self._was_over = False

    def poll(self) -> Ended | None:
        """How it ended; None while it waits or goes on.

        Raises:
            UserError: the jobs of this round can't be submitted.
        """
        if self.job is None and self.ended is None:
            self._owner.submit_waiting()
        if self.ended is None:
            self.ended = submitit_job.read_ended(self._place) or self._lost() or self._overdue()
        return self.ended

    def stop(self) -> None:
        """Asks it to save and end, and has it killed later; one that is queued ends at once."""
        if self.ended is not None or self.stopped_at is not None:
            return
        self.stopped_at = time.monotonic()
        replace_file(self._place / submitit_job.STOP, "")
        if self.job is None:
            self.ended = NEVER_BEGAN
        elif self._owner.executor == "slurm" and not (self._place / submitit_job.BEGUN).exists():
            self.cancel()
            self.ended = NEVER_BEGAN

    def cancel(self) -> None:
        """Takes the job from the scheduler."""
        with contextlib.suppress(OSError):
            self.job.cancel(check=False)

    def has_left(self) -> bool:
        """Whether nothing of its job is left on this machine."""
        return self.job is None or self._owner.executor != "local" or self.job.done()

    @property
    def _place(self) -> Path:
        return Path(self.task.place)

    def _lost(self) -> Ended | None:
        """What the scheduler says of a job that has not said itself how it ended, and won't."""
        now = time.monotonic()
        if self.job is None or now - self._asked_at < ASK_SECONDS[self._owner.executor]:
            return None
        self._asked_at = now
        info = self.job.get_info(mode="force")
        state = (info.get("State") or info.get("jobState") or "").upper()
        if not state.startswith(OVER):
            return None
        if not self._was_over:
            # A shared folder may show the job's last word late.
            self._was_over = True
            return None
        return Ended(None, f"its job {self.job.job_id} ended as {state}, see {self.job.paths.stderr}")

    def _overdue(self) -> Ended | None:
        if self.stopped_at is None or time.monotonic() - self.stopped_at < self.task.kill_after + OVERDUE_SECONDS:
            return None
        self.cancel()
        return Ended(-signal.SIGKILL, "was cancelled, not having ended after it was asked to")


class SubmititEngine:
    """Carries runs out as jobs of a scheduler; those started between two polls are submitted together, as an array.

    A run ends by itself when this process gives no sign of life for a while. Commands get ``device.threads`` behind
    them where `parameters` has ``cpus_per_task``, and ``device.ids`` where it has ``gpus_per_node``.

    Args:
        folder: of submitit's files, which every machine sees.
        executor: slurm or local.
        parameters: submitit's, for example ``timeout_min``, ``cpus_per_task``, ``gpus_per_node``; SLURM's are known
            by their own names too: ``partition``, ``array_parallelism``.
        max_runs: queued or running at a time.
        orphan_seconds: how long runs go on without a sign of life.

    Raises:
        UserError: submitit is missing, or there is no SLURM here.
        ConfigError: parameters that submitit does not know.
    """

    def __init__(
        self,
        folder: Path,
        executor: str = "slurm",
        parameters: Mapping[str, Any] | None = None,
        max_runs: int = 1,
        orphan_seconds: float | None = None,
    ) -> None:
        if executor not in EXECUTORS:
            raise ConfigError(f"executor={executor} does not exist; there are {', '.join(EXECUTORS)}")
        if max_runs < 1:
            raise ConfigError(f"workers={max_runs}: at least one run has to go on at a time")
        given = dict(parameters or {})
        self.executor = executor
        self._folder = folder.absolute()
        self._submitit = _executor(self._folder, executor, given)
        self._overrides, self._environment = _shares(given)
        self._names = tuple(f"{executor}:{number}" for number in range(max_runs))
        self._handles: list[SubmititHandle] = []
        self._alive = self._folder / f"alive-{uuid.uuid4().hex[:8]}"
        self._patience = PATIENCE_SECONDS[executor] if orphan_seconds is None else orphan_seconds
        self._closing = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="plx-sweep-alive", daemon=True)
        self._beating.start()

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the places in the queue."""
        return self._names

    def free(self) -> bool:
        """Whether another run may be queued."""
        return self._empty() is not None

    def start(self, spec: JobSpec) -> SubmititHandle:
        """Takes a run to be submitted with the others of this round, at the next poll.

        Raises:
            UserError: as many as may be are queued or running.
        """
        slot = self._empty()
        if slot is None:
            raise UserError(f"run {spec.name} can't be started: {len(self._names)} are queued or running")
        place = self._folder / "runs" / f"{spec.name}-{uuid.uuid4().hex[:8]}"
        place.mkdir(parents=True)
        task = Task(
            command=(*spec.command, *self._overrides),
            environment={**self._environment, **spec.environment},
            run_folder=str(spec.folder.absolute()),
            place=str(place),
            alive=str(self._alive),
            kill_after=engine.KILL_AFTER_SECONDS,
            orphan_seconds=self._patience,
        )
        handle = SubmititHandle(slot, self, task)
        self._handles.append(handle)
        return handle

    def submit_waiting(self) -> None:
        """Submits what was started since the last time.

        Raises:
            UserError: the scheduler refuses it.
        """
        waiting = [handle for handle in self._handles if handle.job is None and handle.ended is None]
        try:
            jobs = self._submitit.submit_array([partial(submitit_job.carry_out, handle.task) for handle in waiting])
        except Exception as error:
            reason = f"can't be submitted to {self.executor}: {_first_line(error)}"
            for handle in waiting:
                handle.ended = Ended(1, reason)
            raise UserError(f"the runs {reason}") from None
        for handle, job in zip(waiting, jobs, strict=True):
            handle.job = job

    def close(self) -> None:
        """Ends what is still running, and waits for it."""
        for handle in self._handles:
            handle.stop()
        while any(handle.poll() is None for handle in self._handles):
            time.sleep(submitit_job.POLL_SECONDS)
        give_up = time.monotonic() + CLOSING_SECONDS
        while not all(handle.has_left() for handle in self._handles) and time.monotonic() < give_up:
            time.sleep(submitit_job.POLL_SECONDS)
        self._handles.clear()
        self._closing.set()
        self._beating.join()
        self._alive.unlink(missing_ok=True)

    def _empty(self) -> str | None:
        # Those whose last process is about to go are kept, to see it go.
        self._handles = [handle for handle in self._handles if handle.ended is None or not handle.has_left()]
        taken = {handle.slot for handle in self._handles if handle.ended is None}
        return next((name for name in self._names if name not in taken), None)

    def _beat(self) -> None:
        number = 0
        while True:
            # A shared folder that is away for a moment is no reason to end.
            with contextlib.suppress(OSError):
                replace_file(self._alive, str(number))
            number += 1
            if self._closing.wait(BEAT_SECONDS[self.executor]):
                return


def _executor(folder: Path, name: str, parameters: Mapping[str, Any]) -> Any:
    try:
        import submitit
    except ImportError:
        raise UserError("runs as jobs need submitit: pip install 'plx_train[submitit]'") from None
    own = {key: value for key, value in parameters.items() if key in GENERIC or key.startswith(f"{name}_")}
    own |= {f"slurm_{key}": value for key, value in parameters.items() if key not in own}
    extra = dict(own.get("slurm_additional_parameters") or {})
    try:
        found = submitit.AutoExecutor(folder, cluster=name)
        # What is run again is the sweep's decision, not SLURM's.
        found.update_parameters(
            **{"timeout_min": TIMEOUT_MIN, "name": "plx_train"}
            | own
            | {"slurm_additional_parameters": {"no-requeue": True, **extra}}
        )
    except RuntimeError:
        raise UserError("there is no SLURM on this machine: start the sweep where sbatch and srun are found") from None
    except (NameError, ValueError, AssertionError, TypeError) as error:
        raise ConfigError(f"{name} does not take these parameters: {_first_line(error)}") from None
    return found


def _shares(parameters: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, str]]:
    """(overrides, environment) that tell a run of its share of a machine."""
    cpus, gpus = parameters.get("cpus_per_task"), parameters.get("gpus_per_node")
    overrides = [f"device.threads={cpus}"] if cpus else []
    if gpus:
        overrides.append(f"device.ids=[{','.join(str(number) for number in range(gpus))}]")
    return tuple(overrides), dict.fromkeys(THREAD_VARIABLES, str(cpus)) if cpus else {}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
