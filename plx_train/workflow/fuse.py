"""Several networks as one model: a sweep trains the members, and a run of its own fuses them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from plx_train.config.compose import Composed
from plx_train.config.schema import has_trait, options_with_module
from plx_train.config.texts import key_of
from plx_train.contract.module import Members
from plx_train.contract.option import Trait
from plx_train.contract.rooms import load_room
from plx_train.ground.errors import TrainingError, UserError
from plx_train.sweep.command import find_folder
from plx_train.sweep.history import load_record
from plx_train.sweep.order import order
from plx_train.sweep.record import COMPLETE
from plx_train.workflow.dataset import check, fingerprint_of


def with_members(composed: Composed) -> tuple[Composed, Members]:
    """Trains the members of a fusion, as runs of a sweep, and gives their folders; nothing for a single network.

    Given again, the command of a fusion that was interrupted goes on with its members where they were.

    Returns:
        the options of the fusion's own run, and its members.

    Raises:
        UserError: fewer than two members are named, or one twice.
        TrainingError: a member could not be trained.
    """
    options = composed.options
    room = load_room(options.module.name)
    names = list(room.member_networks(options.module))
    if not names:
        return composed, ()
    if len(names) < 2 or len(set(names)) < len(names):
        raise UserError(f"module.models={names} names no two different networks: a fusion needs them")
    # What validation holds may decide what is sought.
    with tempfile.TemporaryDirectory() as folder:
        _, checked = check(options, Path(folder))
    shares = _shares(room.member_shares(options.module), options.dataset.holdout_share)
    known = options_with_module(options.module)
    arguments = [text for text in composed.overrides if not has_trait(known, key_of(text), Trait.OF_FUSION)]
    arguments += [f"module.network={','.join(names)}", f"dataset.holdout_share={','.join(map(str, shares))}"]
    if not any(text.startswith("sweep.workers=") for text in arguments):
        arguments.append(f"sweep.workers={min(len(names), os.cpu_count() or 1)}")
    if not any(text.startswith("sweep.objectives=") for text in arguments):
        arguments.append(f"sweep.objectives=[val/{room.monitor_of(checked)}]")
    if options.output:
        arguments.append(f"output={options.output}-members")
    done = _train(arguments)
    own = replace(options, dataset=replace(options.dataset, holdout_share=shares[0]))
    return replace(composed, options=own), tuple(_folders(done, names, share) for share in shares)


def _shares(wanted: Sequence[float], given: float) -> list[float]:
    """What members leave out; where the command says how much, that."""
    return [given if share > 0 and given > 0 else share for share in wanted]


def _train(arguments: list[str]) -> dict[tuple[str, float], Path]:
    """The folders of the members' runs by network and share held out.

    Raises:
        TrainingError: one could not be trained.
    """
    from plx_train.sweep.command import run_sweep

    folder = find_folder(order(arguments))
    code = run_sweep(arguments, fingerprint_of)
    record = load_record(folder)
    failed = [trial for trial in record.trials if trial.state != COMPLETE]
    if code or failed:
        raise TrainingError(f"not all members could be trained: see {folder}; the same command goes on with them")
    share = dict(text.partition("=")[::2] for text in arguments)["dataset.holdout_share"]
    return {
        (
            str(trial.params["module.network"]),
            float(trial.params.get("dataset.holdout_share", share)),
        ): trial.jobs[0].folder
        for trial in record.trials
    }


def _folders(done: dict[tuple[str, float], Path], names: Sequence[str], share: float) -> tuple[Path, ...]:
    """Folders of the members that left out `share`, in the order of their names.

    Raises:
        TrainingError: one is missing.
    """
    missing = [name for name in names if (name, share) not in done]
    if missing:
        raise TrainingError(f"{', '.join(missing)} could not be trained: the same command goes on with it")
    return tuple(done[name, share] for name in names)
