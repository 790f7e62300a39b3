"""What a run's folder may have done here: one's own all that it says, another's nothing but have its numbers read."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from plx_train.config.compose import Composed
from plx_train.config.options import RunOptions
from plx_train.config.texts import key_of
from plx_train.config.written import all_literal, literal
from plx_train.ground.confine import refuse_leading_out
from plx_train.ground.credentials import without_credentials
from plx_train.ground.errors import UserError
from plx_train.machine.recorded import may_be_recorded
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import CONFIG_FILE, RUN_FILE
from plx_train.runs.owner import doubt
from plx_train.runs.trial import current_trial
from plx_train.terminal.console import Console


def ask_trust(folder: Path, options: RunOptions, what: str) -> bool:
    """Whether the run in `folder` is one's own; another's passes where the command says ``trust=true``.

    Whoever made it, nothing in the folder leads out of it after this.

    Args:
        what: would be done, half a sentence.

    Raises:
        UserError: it can't be told that this user made it, and the command does not trust it.
    """
    refuse_leading_out(folder)
    reason = doubt(folder)
    if reason is None:
        return True
    if not options.trust:
        raise UserError(
            f"{folder} {reason}; {what} is more than reading its numbers{_address(folder)}: look through "
            f"{folder / CONFIG_FILE}, then give trust=true as well"
        )
    return False


def is_of_sweep(folder: Path) -> bool:
    """Whether the run in `folder` is the one that a sweep has started this process for."""
    return current_trial(folder).folder is not None


def _address(folder: Path) -> str:
    """Where the run says that it is recorded."""
    try:
        uri = read_facts(folder).get("tracking_uri")
    except UserError:
        return ""
    return f", and it names {shlex.quote(without_credentials(str(uri)))} as the place of its record" if uri else ""


def tell_whose(console: Console, run: Path | None) -> None:
    """Says of a run that is only read that somebody else made it, where that may be so."""
    if run is None or not (run / RUN_FILE).is_file():
        return
    reason = doubt(run)
    if reason is not None:
        console.info(f"{run} {reason}: its numbers are read, and nothing of it is run")


def as_texts(overrides: Collection[str]) -> list[str]:
    """A recorded command without references to other values: ``${`` in it means just that."""
    return [literal(str(text)) for text in overrides]


def hold_to_lists(recorded: DictConfig, given: Composed, folder: Path) -> None:
    """Has another's run set nothing for libraries but what is on the lists; what the command says goes before it.

    Raises:
        UserError: the run sets something else, of which the command says nothing.
    """
    keys, device = {key_of(text) for text in given.overrides}, given.options.device
    for section, own in (("env", device.env), ("flags", device.flags)):
        place = f"device.{section}"
        typed = {name: value for name, value in own.items() if {place, f"{place}.{name}"} & keys}
        kept = OmegaConf.select(recorded, place) or {}
        for name in map(str, kept):
            if name not in typed and not may_be_recorded(section, name):
                raise UserError(
                    f"{folder / CONFIG_FILE} sets {place}.{name}, which may change what programs load, and so is not "
                    f"taken from another's run: say {place}.{name}=<value> in the command, or nothing after the ="
                )
        OmegaConf.update(recorded, place, {**kept, **all_literal(typed)}, force_add=True)
