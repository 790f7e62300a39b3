"""Which engine carries a sweep's runs out, by its name in the configuration."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plx_train.ground.errors import ConfigError
from plx_train.machine.hardware import usable_cores
from plx_train.sweep.executors.executor import Engine

ENGINES = ("local", "ray", "submitit")
RAY_KEYS = ("address", "cpus", "gpus")


@dataclass(frozen=True)
class EngineOptions:
    """Where and how runs are carried out.

    Attributes:
        name: local, ray or submitit.
        workers: runs at a time; None: one on this CPU, one on each card, as many as fit on Ray's machines.
        slots: local only: how many, or their names, ``gpu:0,gpu:0,gpu:1``.
        device_type: of the runs, resolved: cpu, gpu, ...
        device_ids: local only: cards that runs may be given.
        cores: local only: to divide among workers; None: those that this process may use.
        ray: ``address`` (None starts Ray on this machine), ``cpus`` and ``gpus`` of a run.
        submitit: ``executor`` (slurm or local), and submitit's parameters, see `SubmititEngine`.
    """

    name: str = "local"
    workers: int | None = None
    slots: Sequence[str] | str | int | None = None
    device_type: str = "cpu"
    device_ids: Sequence[int] = ()
    cores: int | None = None
    ray: Mapping[str, Any] = field(default_factory=dict)
    submitit: Mapping[str, Any] = field(default_factory=dict)


def make_engine(options: EngineOptions, folder: Path) -> Engine:
    """The engine that `options` names; `folder` is the sweep's, which every machine sees.

    Raises:
        ConfigError: options that do not fit.
        UserError: a package or a cluster that is not there.
    """
    if options.name not in ENGINES:
        raise ConfigError(f"engine={options.name} does not exist; there are {', '.join(ENGINES)}")
    if options.name == "local":
        from plx_train.sweep.executors.local import LocalEngine, local_slots

        cores = options.cores or usable_cores()
        slots = local_slots(options.workers, options.slots, options.device_type, cores, options.device_ids)
        # What a driver of a card holds can't be shared by processes.
        return LocalEngine(slots, is_warm=options.device_type == "cpu" and sys.platform == "linux")
    if options.slots is not None:
        raise ConfigError(f"slots are for engine=local; with engine={options.name} say workers=2")
    return _ray(options) if options.name == "ray" else _submitit(options, folder)


def _ray(options: EngineOptions) -> Engine:
    from plx_train.sweep.executors.ray_actors import RayEngine

    unknown = [key for key in options.ray if key not in RAY_KEYS]
    if unknown:
        raise ConfigError(f"ray.{unknown[0]} does not exist; there are {', '.join(RAY_KEYS)}")
    wanted = {"gpus": 0.0 if options.device_type == "cpu" else 1.0} | dict(options.ray)
    return RayEngine(max_runs=options.workers, **wanted)


def _submitit(options: EngineOptions, folder: Path) -> Engine:
    from plx_train.sweep.executors.submitit_jobs import SubmititEngine

    parameters = dict(options.submitit)
    executor = parameters.pop("executor", "slurm")
    if options.workers is None and executor == "slurm":
        raise ConfigError("engine=submitit: say with workers=8 how many runs may be queued or running at a time")
    return SubmititEngine(folder / "submitit", executor, parameters, options.workers or 1)
