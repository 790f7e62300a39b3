"""What a sweep's command line asks for, checked before anything is started."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from plx_train.config.compose import Composed, as_public, compose_run
from plx_train.config.options import SweepOptions
from plx_train.config.schema import has_trait, options_of_run, options_with_module
from plx_train.config.texts import key_of, short_keys
from plx_train.contract.option import Option, Trait
from plx_train.contract.rooms import load_room
from plx_train.ground.credentials import without_credentials
from plx_train.ground.durations import parse_duration
from plx_train.ground.errors import ConfigError
from plx_train.metrics.direction import HIGHER, better_of, room_errors
from plx_train.runs.trial import environment_of
from plx_train.sweep.executors.executor import JobSpec
from plx_train.sweep.identity import ROOT, Identity, identity
from plx_train.sweep.record import Objective
from plx_train.sweep.space import Space, parse_space
from plx_train.sweep.untried import num_combinations

DEFAULT_TRIALS = 20
UNSEEN = ("dataset.name", "tracking.run_name")
"""Keys that only name things."""
NOT_WHAT = ("sweep.", "device.")
"""Beginnings of keys that say how and where; another device computes the same with other roundings."""
EVALUATIONS_IN_TIME = 10
"""What a run is taken to have that is given its time: each fills it by itself, with as many as it comes to."""
MOST_CHECKED = 40
"""Values of one parameter that are composed before the sweep begins; mistakes in others show in their runs."""


@dataclass(frozen=True)
class Ordered:
    """A sweep as it was ordered."""

    arguments: tuple[str, ...]
    composed: Composed
    space: Space
    objectives: tuple[Objective, ...]
    configurations: list[dict[str, Any]] | None
    """Configurations of a grid, in order."""

    @property
    def options(self) -> SweepOptions:
        """Options of the sweep."""
        return self.composed.options.sweep

    @property
    def num_trials(self) -> int:
        """Configurations to try."""
        asked = self.options.trials
        if self.configurations is not None:
            return min(asked or len(self.configurations), len(self.configurations))
        return self.num_combinations or asked or DEFAULT_TRIALS

    @cached_property
    def num_combinations(self) -> int | None:
        """All that a search can try, where that is no more than it is asked for."""
        if self.configurations is not None:
            return None
        asked = self.options.trials or DEFAULT_TRIALS
        found = num_combinations(self.space, asked + 1)
        return found if found <= asked else None

    @property
    def num_evaluations(self) -> int | None:
        """Number of a whole run's evaluations, where the command says how often; with time alone, a guess."""
        trainer = self.composed.options.trainer
        if trainer.eval_every_steps and trainer.max_steps:
            return -(-trainer.max_steps // trainer.eval_every_steps)
        if trainer.epochs is None:
            return EVALUATIONS_IN_TIME if trainer.max_time else None
        if trainer.eval_every_steps:
            return None
        return -(-trainer.epochs // trainer.eval_every_epochs) if trainer.eval_every_epochs else 1

    @property
    def is_searching(self) -> bool:
        """Values are chosen by what came before."""
        return self.options.sampler != "grid"


def order(arguments: Sequence[str]) -> Ordered:
    """What a command line asks for, without ``-m``.

    Raises:
        ConfigError: a mistake in it, before anything is started.
    """
    arguments = [as_public(text) for text in arguments]
    typed = parse_space(arguments, {}, [], is_grid=False)
    composed = compose_run([*typed.fixed, *_examples(typed)])
    options = composed.options.sweep
    space = parse_space(arguments, options.params, options.when, is_grid=options.sampler == "grid")
    _check_keys(space, options)
    for parameter in space.parameters:
        others = [text for text in _examples(space) if text.partition("=")[0] != parameter.key]
        for value in parameter.choices[:MOST_CHECKED] or (parameter.low, parameter.high):
            compose_run([*space.fixed, *others, parameter.override(value)])
    module = composed.options.module
    objectives = _objectives(options, load_room(module.name).monitor, room_errors(module.name))
    configurations = space.grid() if options.sampler == "grid" else None
    if options.sampler != "grid" and not space.parameters:
        raise ConfigError(f"sweep={options.sampler} has nothing to search: give a key several values or an interval")
    if len(objectives) > 1 and options.pruner != "none":
        # Optuna prunes by one objective alone.
        if "sweep.pruner" in {text.partition("=")[0] for text in arguments}:
            raise ConfigError("sweep.pruner: with several objectives no run can be called behind: leave it out")
        composed.options.sweep = replace(options, pruner="none")
    return Ordered(tuple(arguments), composed, space, objectives, configurations)


def _examples(space: Space) -> list[str]:
    return [parameter.override(parameter.example()) for parameter in space.parameters]


def _check_keys(space: Space, options: SweepOptions) -> None:
    for parameter in space.parameters:
        key = parameter.key.lstrip("+~")
        if has_trait(options_of_run(), key, Trait.FIXED_IN_SWEEP):
            raise ConfigError(f"{key} can't vary in a sweep")
        if key == "seed" and options.seeds > 1:
            raise ConfigError("seed varies already: leave out sweep.seeds")


def _objectives(options: SweepOptions, monitor: str, errors: Collection[str]) -> tuple[Objective, ...]:
    found = []
    for text in options.objectives or [""]:
        direction, separator, metric = text.rpartition(":")
        if separator and direction not in ("min", "max"):
            raise ConfigError(f"sweep.objectives: '{text}' is not understood: write val/hmean, or min:latency_ms")
        direction = direction or ("max" if better_of(metric or monitor, errors) == HIGHER else "min")
        found.append(Objective(metric, "minimize" if direction == "min" else "maximize"))
    return tuple(found)


def sweep_id(ordered: Ordered) -> str:
    """Made of what is swept, not of how."""
    texts = [text for text in ordered.arguments if not _says_how(text.partition("=")[0])]
    root = str(ordered.composed.options.dataset.root)
    digest = hashlib.sha256(json.dumps([sorted(texts), root]).encode()).hexdigest()[:8]
    return f"{ordered.composed.options.module.name}-{digest}"


def _says_how(key: str) -> bool:
    # Another device computes the same with other roundings.
    return key == "device" or has_trait(options_of_run(), key, Trait.HOW_TO_SWEEP)


def identity_of(ordered: Ordered) -> Identity:
    """What is swept: what the sweep's runs have in common, but for where they run and what changes nothing."""
    options = options_with_module(ordered.composed.options.module)
    kept = {
        key: value
        for key, value in ordered.composed.flat.items()
        if key == ROOT or not (key in UNSEEN or key.startswith(NOT_WHAT) or _changes_nothing(options, key))
    }
    is_grid = ordered.configurations is not None
    return identity(ordered.space, kept, ordered.objectives, ordered.options.seeds, is_grid)


def way_out(ordered: Ordered) -> str:
    """What to do where a command's sweep turns out to be one of something else."""
    if ordered.composed.options.output:
        return "give another output for a sweep of its own, or the command that it was begun with to go on with it"
    named = ", or another sweep.id," if ordered.options.id else ""
    return f"sweep.fresh=true{named} begins one of its own; the command that it was begun with goes on with it"


def _changes_nothing(options: Mapping[str, Option], key: str) -> bool:
    return any(has_trait(options, key, trait) for trait in (Trait.HARMLESS, Trait.SURROUNDING, Trait.HOW_TO_SWEEP))


def settings_of(ordered: Ordered, folder: Path, slots: Sequence[str]) -> dict[str, Any]:
    """What the sweep's folder and study keep of the command."""
    options, space = ordered.options, ordered.space
    repeated = [text for text in ordered.arguments if not text.startswith("sweep.fresh=")]
    return {
        "sweep_id": folder.name,
        "command": without_credentials(f"python -m plx_train -m {shlex.join(repeated)}"),
        "sampler": options.sampler,
        "pruner": options.pruner,
        "objectives": [[objective.metric, objective.direction] for objective in ordered.objectives],
        "keys": [parameter.name for parameter in space.parameters],
        "prefixes": {one.name: one.key.removesuffix(one.name) for one in space.parameters},
        "fixed": trial_overrides(space.fixed),
        "num_trials": ordered.num_trials,
        "num_combinations": ordered.num_combinations,
        "slots": list(slots),
        "seeds": options.seeds,
        "storage": options.storage,
        "module": ordered.composed.options.module.name,
        "begun": time.time(),
        "shown": {
            "space": " ".join(text for text in ordered.arguments if text.partition("=")[0] in _varying(space)),
            "trials": ordered.num_trials,
            "sampler": options.sampler,
            "pruner": options.pruner,
            "seeds": options.seeds,
            "workers": options.workers,
            "engine": options.engine,
        },
    }


def _varying(space: Space) -> set[str]:
    return {parameter.key for parameter in space.parameters}


def trial_overrides(fixed: Sequence[str]) -> list[str]:
    """Overrides of the command that its runs have too."""
    return [text for text in fixed if not _is_of_sweep(key_of(text))]


def _is_of_sweep(key: str) -> bool:
    key = short_keys().get(key, key)
    return key.partition(".")[0] == "sweep" or has_trait(options_of_run(), key, Trait.SURROUNDING)


def job_spec(ordered: Ordered, name: str, parent_run_id: str | None) -> Callable[..., JobSpec]:
    """A function that makes the command of one run; see `sweeper.Plan`.

    Args:
        name: of the sweep.
    """
    metrics = [objective.metric for objective in ordered.objectives]
    given = {text.partition("=")[0] for text in ordered.arguments}
    run_name = [] if "tracking.run_name" in given else ["tracking.run_name={}"]

    def spec(number: int, seed: int | None, values: dict[str, Any], folder: Path) -> JobSpec:
        overrides = trial_overrides(ordered.space.overrides(values))
        overrides += [] if seed is None else [f"seed={seed}"]
        overrides += [text.format(f"{name}-{folder.name}") for text in run_name]
        overrides += [f"output={folder}", "resume=auto"]
        tags = {"sweep_id": name, "trial": str(number)}
        tags |= {"seed": str(seed)} if seed is not None else {}
        tags |= {"mlflow.parentRunId": parent_run_id} if parent_run_id else {}
        environment = environment_of(folder, tags, values, metrics)
        # The runs import the package that this command runs, wherever it is.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [*sys.path[:1], os.environ.get("PYTHONPATH", "")]))
        return JobSpec(folder.name, (sys.executable, "-m", "plx_train", *overrides), environment, folder)

    return spec


def seeds_of(ordered: Ordered) -> tuple[int | None, ...]:
    """The seeds of each configuration's runs."""
    first, number = ordered.composed.options.seed, ordered.options.seeds
    return tuple(range(first, first + number)) if number > 1 else (None,)


def deadline_of(options: SweepOptions) -> float | None:
    """When no new configuration begins any more, on the monotonic clock."""
    seconds = parse_duration(options.max_time, "sweep.max_time")
    return None if seconds is None else time.monotonic() + seconds


def check_pruning(ordered: Ordered) -> str | None:
    """Why pruning can hardly save anything, if that is so."""
    trainer = ordered.composed.options.trainer
    if ordered.options.pruner == "none" or trainer.eval_every_steps or trainer.epochs is None:
        return None
    every = trainer.eval_every_epochs
    if every and trainer.epochs / every < 3:
        count = max(trainer.epochs // every, 1)
        return (
            f"runs are pruned at evaluations, and each has {count} (trainer.epochs={trainer.epochs}, "
            f"trainer.eval_every_epochs={every}): trainer.eval_every_epochs=1 lets weak ones end sooner"
        )
    return None
