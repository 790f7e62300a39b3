"""Options of a sweep; each default stands here alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from plx_train.contract.option import DURATION, Trait, TypedAs, at_least, one_of, option


@dataclass
class SweepOptions:
    """How -m makes many runs of one command."""

    sampler: str = option("grid", one_of("grid", "random", "tpe", "gp", "cmaes"))
    """Method that chooses the values."""
    trials: int | None = option(None, at_least(1), Trait.HOW_TO_SWEEP)
    """Configurations to try; null: all of a grid, else 20."""
    pruner: str = option("none", one_of("none", "median", "asha", "hyperband"))
    """Method that ends runs early that won't be the best."""
    warmup: int | None = option(None, at_least(1))
    """Evaluations that a run has had before it may be pruned; null: a fifth of a whole run's, one at least."""
    reduction: int = option(3, at_least(2))
    """Factor by which each rung of asha and hyperband lessens the runs that go on."""
    objectives: list[str] = field(default_factory=list)
    """Figures that are sought, as in [val/hmean] or [val/hmean, min:latency_ms]; empty: the module's own."""
    seeds: int = option(1, at_least(1))
    """Runs of each configuration, with as many seeds; it is judged by their mean."""
    workers: int = option(1, at_least(1), Trait.HOW_TO_SWEEP)
    """Runs at the same time."""
    slots: list[str] = option([], Trait.HOW_TO_SWEEP)
    """Places to run at, as in [gpu:0, gpu:0, gpu:1]; empty: the cards of the device, or equal shares of the cores."""
    engine: str = option("local", one_of("local", "ray", "submitit"), Trait.HOW_TO_SWEEP)
    """Carrier of the runs: this machine, a Ray cluster, or a job scheduler by submitit."""
    engine_options: dict[str, Any] = option({}, Trait.HOW_TO_SWEEP)
    """Settings of the engine; ray: address, cpus, gpus; submitit: executor and its parameters."""
    max_failures: int | None = option(10, at_least(1), Trait.HOW_TO_SWEEP)
    """Failed configurations after which no new one begins; null: any number."""
    max_time: str | None = option(None, DURATION, Trait.HOW_TO_SWEEP)
    """Time after which no new configuration begins: 30m, 8h."""
    storage: str | None = option(None, Trait.HOW_TO_SWEEP)
    """Address of a database where several machines sweep together; null: a journal file in the sweep's folder."""
    params: dict[str, str] = field(default_factory=dict)
    """Values that vary, by key, in the syntax of the command line: interval(1e-5, 1e-3), choice(a, b), 1,2,3."""
    when: list[str] = field(default_factory=list)
    """Parameters that vary only where others have a value: [module.stem_stride if module.network=PP-LCNet_x0_5]."""
    id: str | None = option(None, Trait.HOW_TO_SWEEP, TypedAs("sweep_id"))
    """Name of the sweep; null: made from the command, so that the same command goes on with it."""
    fresh: bool = option(False, Trait.HOW_TO_SWEEP)
    """Begins anew although this command was swept before."""
    seed: int = option(0, at_least(0, at_most=2**31 - 1))
    """Seed of the sampler."""
