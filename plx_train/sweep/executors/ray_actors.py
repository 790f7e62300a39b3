"""Runs on the machines of a Ray cluster, each held by an actor there; Ray finds places, the sweep decides the rest."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path
from typing import Any

from plx_train.ground.errors import ConfigError, UserError
from plx_train.sweep.executors import executor as engine
from plx_train.sweep.executors.executor import Ended, JobSpec
from plx_train.sweep.executors.local import THREAD_VARIABLES
from plx_train.sweep.executors.ray_cluster import Machine, Machines, connect
from plx_train.sweep.executors.ray_job import RunActor, forwarded_environment

OVERDUE_SECONDS = 10.0
"""Seconds beside its own time to end, after which a run's actor is killed."""
WAIT_SECONDS = 0.1


class RayHandle:
    """A run on a machine of the cluster."""

    def __init__(self, slot: str, node_id: str, actor: Any, result: Any, kill_after: float) -> None:
        self.slot = slot
        self.node_id = node_id
        self._actor, self._result, self._kill_after = actor, result, kill_after
        self._ended: Ended | None = None
        self._stopped_at: float | None = None

    def poll(self) -> Ended | None:
        """How it ended; None while it goes on."""
        if self._ended is None:
            self._ended = self._end()
            if self._ended is not None:
                self._kill()
        return self._ended

    def stop(self) -> None:
        """Asks it to save and end, and has it killed later; returns at once."""
        if self._ended is None and self._stopped_at is None:
            self._stopped_at = time.monotonic()
            self._actor.stop.remote()

    def _end(self) -> Ended | None:
        import ray

        if ray.wait([self._result], timeout=0)[0]:
            try:
                return Ended(*ray.get(self._result))
            except ray.exceptions.RayError as error:
                return self._lost(error)
        if self._stopped_at is None or time.monotonic() - self._stopped_at < self._kill_after + OVERDUE_SECONDS:
            return None
        return Ended(-signal.SIGKILL, "was killed with its actor, not having ended after it was asked to")

    def _lost(self, error: Exception) -> Ended:
        words = " ".join(str(error).split())
        place = self.slot.rpartition(":")[0]
        if getattr(error, "actor_init_failed", False):
            return Ended(1, f"could not be started on {place}: {words}")
        return Ended(None, f"its machine was lost ({place}, or Ray's worker there): {words}")

    def _kill(self) -> None:
        import ray

        # Its resources are free sooner than by waiting for the last reference to go.
        with contextlib.suppress(ray.exceptions.RayError):
            ray.kill(self._actor)


class RayEngine:
    """Carries runs out on a Ray cluster, where the same plx_train is installed on every machine.

    A run gets the machine's environment, this process's ``PLX_``, ``MLFLOW_`` and ``FLAGS_`` variables, and its own;
    it starts in this process's working folder where the machine has that. Behind its command come ``device.threads``,
    or ``device.ids`` for the cards that Ray chose. It ends with this process. Ray never starts one again.

    Args:
        address: of the cluster, for example ``auto`` or ``10.0.0.1:6379``; None: that of ``RAY_ADDRESS``, else Ray is
            started on this machine.
        cpus: of one run.
        gpus: of one run; a share of one card if below 1.
        max_runs: at a time; None: as many as fit.

    Raises:
        UserError: Ray is missing, no cluster answers, or no machine of it is large enough.
        ConfigError: resources that no run can have.
    """

    def __init__(
        self, address: str | None = None, cpus: float = 1.0, gpus: float = 0.0, max_runs: int | None = None
    ) -> None:
        if cpus < 0 or gpus < 0 or cpus + gpus == 0:
            raise ConfigError(f"ray.cpus={cpus:g} ray.gpus={gpus:g}: a run needs something to run on")
        if gpus > 1 and gpus != int(gpus):
            raise ConfigError(f"ray.gpus={gpus:g}: a run gets whole cards, or a share of one")
        if max_runs is not None and max_runs < 1:
            raise ConfigError(f"workers={max_runs}: at least one run has to go on at a time")
        self._needs = {name: amount for name, amount in (("CPU", cpus), ("GPU", gpus)) if amount}
        self._max_runs = max_runs
        self._handles: list[RayHandle] = []
        self._is_owner = connect(address)
        self._machines = Machines(self._needs)
        if not self._machines.look():
            self.close()
            raise UserError(f"no machine of the Ray cluster has {self._said_needs()}: see ray.cpus and ray.gpus")

    @property
    def slots(self) -> tuple[str, ...]:
        """``machine:index`` for all runs that the living machines have room for."""
        return tuple(f"{one.name}:{index}" for one in self._machines.look() for index in range(one.places))

    def free(self) -> bool:
        """Whether a machine has room for a run now."""
        return self._place() is not None

    def start(self, spec: JobSpec) -> RayHandle:
        """Starts a run on the first machine with room; where others take it in the same moment, it waits there.

        Raises:
            UserError: there is no room.
        """
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        place = self._place()
        if place is None:
            raise UserError(f"run {spec.name} can't be started: no machine has {self._said_needs()} free")
        machine, slot = place
        kill_after = engine.KILL_AFTER_SECONDS
        overrides, environment = self._threads()
        actor: Any = (
            ray.remote(RunActor)
            .options(
                num_cpus=self._needs.get("CPU", 0),
                num_gpus=self._needs.get("GPU", 0),
                # One thread that runs, one that is told to stop.
                max_concurrency=2,
                max_restarts=0,
                max_task_retries=0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(machine.node_id, soft=False),
            )
            .remote(
                (*spec.command, *overrides),
                {**forwarded_environment(), **environment, **spec.environment},
                str(spec.folder.absolute()),
                str(Path.cwd()),
                kill_after,
            )
        )
        handle = RayHandle(slot, machine.node_id, actor, actor.run.remote(), kill_after)
        self._handles.append(handle)
        return handle

    def close(self) -> None:
        """Ends what is still running, waits for it, and leaves the cluster."""
        for handle in self._handles:
            handle.stop()
        while any(handle.poll() is None for handle in self._handles):
            time.sleep(WAIT_SECONDS)
        self._handles.clear()
        if self._is_owner:
            import ray

            self._is_owner = False
            ray.shutdown()

    def _threads(self) -> tuple[tuple[str, ...], dict[str, str]]:
        if "GPU" in self._needs:
            return (), {}
        threads = str(max(1, int(self._needs["CPU"])))
        return (f"device.threads={threads}",), dict.fromkeys(THREAD_VARIABLES, threads)

    def _place(self) -> tuple[Machine, str] | None:
        self._handles = [handle for handle in self._handles if handle.poll() is None]
        if self._max_runs is not None and len(self._handles) >= self._max_runs:
            return None
        taken = {(handle.node_id, handle.slot) for handle in self._handles}
        for one in self._machines.look():
            for index in range(one.places if one.is_roomy else 0):
                if (one.node_id, f"{one.name}:{index}") not in taken:
                    return one, f"{one.name}:{index}"
        return None

    def _said_needs(self) -> str:
        return " and ".join(f"{amount:g} {name}" for name, amount in self._needs.items())
