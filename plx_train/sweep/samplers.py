"""Optuna's samplers and pruners by the names that options have."""

from __future__ import annotations

import importlib.util
import warnings
from typing import Any

from plx_train.config.options import SweepOptions
from plx_train.ground.errors import UserError

NEEDS = {"gp": ("torch", "torch"), "cmaes": ("cmaes", "'plx_train[cmaes]'")}
"""Package without which a sampler does not work, and what to install."""
STARTUP = 10
"""Random trials before a model is made of them, at most."""
FIRST_RUNG = 5
"""A run is first compared with others when this part of it is over: its first evaluations say little."""


def build_sampler(options: SweepOptions, num_trials: int, num_known: int, is_multiple: bool) -> Any:
    """The sampler for trials to come.

    Args:
        num_trials: that are asked for in all.
        num_known: that exist already: a sweep that goes on must not draw the same values again.
        is_multiple: there are several objectives.

    Raises:
        UserError: a package is missing.
    """
    import optuna

    package, wanted = NEEDS.get(options.sampler, ("optuna", "'plx_train[train]'"))
    if importlib.util.find_spec(package) is None:
        raise UserError(f"sweep.sampler={options.sampler} needs {package}: pip install {wanted}")
    seed = options.seed * 100_003 + num_known
    startup = max(4, min(STARTUP, num_trials // 4))
    with warnings.catch_warnings():
        # Says of some arguments that they may change one day.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if options.sampler == "tpe":
            return optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=startup, multivariate=True, group=True, constant_liar=options.workers > 1
            )
        if options.sampler == "gp":
            return optuna.samplers.GPSampler(seed=seed, n_startup_trials=startup)
        if options.sampler == "cmaes" and is_multiple:
            raise UserError("sweep.sampler=cmaes knows one objective alone: take tpe or random")
        if options.sampler == "cmaes":
            return optuna.samplers.CmaEsSampler(seed=seed, n_startup_trials=startup)
        return optuna.samplers.RandomSampler(seed=seed)


def build_pruner(options: SweepOptions, num_evaluations: int | None) -> Any:
    """The pruner; its resource is the number of evaluations that a run has had.

    Args:
        num_evaluations: that a whole run has, where it is known.
    """
    from optuna import pruners

    warmup = options.warmup or max(1, (num_evaluations or 0) // FIRST_RUNG)
    if options.pruner == "asha":
        from plx_train.sweep.halving import HalvingPruner

        return HalvingPruner(warmup, options.reduction)
    if options.pruner == "hyperband":
        most = max(num_evaluations or options.reduction**3, warmup + 1)
        return pruners.HyperbandPruner(warmup, most, options.reduction)
    if options.pruner == "median":
        return pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=warmup - 1)
    return pruners.NopPruner()
