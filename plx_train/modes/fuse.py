"""Several networks as one model: a sweep trains the members, and a run of its own fuses them."""

from __future__ import annotations

import os
from pathlib import Path

from plx_train.config import Composed
from plx_train.errors import TrainingError, UserError
from plx_train.modes.prepare import resolve_module
from plx_train.sweep.command import find_folder
from plx_train.sweep.history import load_record
from plx_train.sweep.order import order
from plx_train.sweep.record import COMPLETE

HOLDOUT_SHARE = 0.15
"""Of the training rows, on which the members' weights are learned where the command holds out none."""
OF_THE_FUSION = ("module.models", "module.fusion", "module.members", "module.model_name", "output", "resume", "mode")


def is_fusion(composed: Composed) -> bool:
    """Whether the run is to fuse members that are not yet trained."""
    module = composed.options.module
    return bool(getattr(module, "models", None)) and not module.members


def with_members(composed: Composed) -> Composed:
    """Trains the members, as runs of a sweep, and gives the command with their folders; none sees what is held out.

    Given again, the command of a fusion that was interrupted goes on with its members where they were.

    Raises:
        UserError: fewer than two members are named, or one twice.
        TrainingError: a member could not be trained.
    """
    options = composed.options
    names = list(options.module.models)
    if len(names) < 2 or len(set(names)) < len(names):
        raise UserError(f"module.models={names} names no two different networks: a fusion needs them")
    # What validation holds may decide what is sought.
    resolve_module(options)
    options.dataset.holdout_share = options.dataset.holdout_share or HOLDOUT_SHARE
    arguments = [text for text in composed.overrides if text.partition("=")[0].lstrip("+") not in OF_THE_FUSION]
    arguments += [f"module.network={','.join(names)}", f"dataset.holdout_share={options.dataset.holdout_share}"]
    if not any(text.startswith("sweep.workers=") for text in arguments):
        arguments.append(f"sweep.workers={min(len(names), os.cpu_count() or 1)}")
    if not any(text.startswith("sweep.objectives=") for text in arguments):
        arguments.append(f"sweep.objectives=[val/{options.module.monitor}]")
    if options.output:
        arguments.append(f"output={options.output}-members")
    options.module.members = [str(folder) for folder in _train(arguments, names)]
    return composed


def _train(arguments: list[str], names: list[str]) -> list[Path]:
    """The folders of the members' runs, in the order of their names."""
    from plx_train.sweep.command import run_sweep

    folder = find_folder(order(arguments))
    code = run_sweep(arguments)
    record = load_record(folder)
    complete = [trial for trial in record.trials if trial.state == COMPLETE]
    done = {str(trial.params["module.network"]): trial.jobs[0].folder for trial in complete}
    missing = [name for name in names if name not in done]
    if code or missing:
        raise TrainingError(
            f"{', '.join(missing) or 'a member'} could not be trained: see {folder}; the same command goes on with it"
        )
    return [done[name] for name in names]
