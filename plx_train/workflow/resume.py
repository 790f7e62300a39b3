"""``resume=``: goes on with a run from its own record, and refuses what would make it another one."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from plx_train.config.compose import Composed, compose_run, composed_from
from plx_train.config.schema import has_trait, options_with_module
from plx_train.config.texts import key_of
from plx_train.config.written import all_literal, literal, written
from plx_train.contract.option import Trait
from plx_train.ground.confine import refuse_leading_out
from plx_train.ground.errors import ConfigError, DataError, UserError
from plx_train.ground.files import resolve_path
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import RUN_FILE, whole_run
from plx_train.runs.owner import doubt
from plx_train.runs.result import RunResult, recorded_result
from plx_train.terminal.console import Console
from plx_train.workflow.source import load_config, run_folder
from plx_train.workflow.trust import as_texts, ask_trust, hold_to_lists, is_of_sweep

OF_THE_DATASET = ("dataset.name", "dataset.columns")
"""Keys that another ``dataset.root`` sets anew where a run begins."""


@dataclass(frozen=True)
class Continuation:
    """A run to go on with: its folder, what ``run.json`` says, and its options."""

    folder: Path
    facts: dict[str, Any]
    composed: Composed

    @property
    def is_finished(self) -> bool:
        """Nothing is left to do."""
        return bool(self.facts.get("status") == "FINISHED")

    @property
    def is_own(self) -> bool:
        """Whether this user made it: nobody else's run becomes one's own by going on."""
        return doubt(self.folder) is None


def find_continuation(given: Composed) -> Continuation | None:
    """The run that ``resume=`` names; None without it, and for auto in a folder without a run.

    Raises:
        UserError: there is no such run.
        ConfigError: the command line would change it.
    """
    options = given.options
    if not options.resume:
        return None
    if options.resume == "auto":
        if not options.output:
            raise ConfigError("resume=auto needs output=<folder of the run>; or give resume=<run id or folder>")
        folder = resolve_path(options.output)
        if not (folder / RUN_FILE).exists():
            return None
    else:
        folder = run_folder(options.resume, options)
        if not (folder / RUN_FILE).is_file():
            raise UserError(f"resume={options.resume}: {folder} holds no run, which would have a {RUN_FILE}")
        if options.output and resolve_path(options.output) != folder:
            raise ConfigError(f"output={options.output}: a run goes on in its own folder, {folder}: leave output out")
    facts = read_facts(folder)
    if facts.get("mode") != "train":
        raise UserError(f"{folder} is a run of mode={facts.get('mode')}, which can't be resumed")
    if facts.get("status") == "FINISHED" and not options.trust and doubt(folder) is not None:
        return Continuation(folder, facts, given)  # its numbers are all that is asked for
    if is_of_sweep(folder) and doubt(folder) is not None:
        # Its sweep has made it elsewhere, and gives the whole command again: nothing that the record says is needed.
        refuse_leading_out(folder)
        return Continuation(folder, facts, given)
    is_own = ask_trust(folder, options, "going on with it")
    return Continuation(folder, facts, _recorded_options(folder, facts, given, is_own))


def _recorded_options(folder: Path, facts: dict[str, Any], given: Composed, is_own: bool) -> Composed:
    """The run's options with the harmless changes of the command line."""
    recorded = load_config(folder)
    typed = facts.get("overrides") or []
    began = typed if is_own else as_texts(typed)
    options = options_with_module(given.options.module)
    new = [text for text in given.overrides if not has_trait(options, key_of(text), Trait.SURROUNDING)]
    old = [text for text in began if not has_trait(options, key_of(text), Trait.SURROUNDING)]
    changed = _changes(old, new) if new else {}
    # A dataset that has moved must still have the same content, and another device computes the same with other
    # roundings.
    refused = {key: pair for key, pair in changed.items() if not has_trait(options, key, Trait.HARMLESS)}
    if refused:
        listed = ", ".join(
            f"{key}={written(after)} (was {written(before)})" for key, (before, after) in refused.items()
        )
        raise ConfigError(
            f"resume: {listed} would make it another run: leave {'it' if len(refused) == 1 else 'them'} out, or start "
            f"a new run from its weights with init_from={shlex.quote(str(folder))}"
        )
    for key, (_, value) in changed.items():
        OmegaConf.update(recorded, key, all_literal(value), force_add=True)
    if not is_own:
        hold_to_lists(recorded, given, folder)
    recorded.trust = given.options.trust
    recorded.output, recorded.resume = literal(str(folder)), all_literal(given.options.resume)
    recorded.quiet = given.options.quiet
    return composed_from(recorded, typed)


def _changes(old: Sequence[str], new: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    """What the run was begun with and what the command line now says, per key.

    A dataset that has moved keeps the name and the columns it had.
    """
    keys = {key_of(text) for text in new}
    before = compose_run(old, is_recorded=True).flat
    after = compose_run([*(text for text in old if key_of(text) not in keys), *new], is_recorded=True).flat
    return {
        key: (before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key) and (key in keys or not key.startswith(OF_THE_DATASET))
    }


def check_same_data(continuation: Continuation, fingerprint: str) -> None:
    """
    Raises:
        DataError: the dataset is not the one the run began with.
    """
    former, root = str(continuation.facts.get("fingerprint", fingerprint)), continuation.composed.options.dataset.root
    if former != fingerprint:
        raise DataError(
            f"the dataset at {root} is not the one the run began with (fingerprint {former[:12]}, now "
            f"{fingerprint[:12]}): put it back as it was, or start a new run with "
            f"init_from={shlex.quote(str(continuation.folder))}"
        )


def say_finished(continuation: Continuation, console: Console) -> RunResult:
    """There is nothing to go on with; the run's own result, exit code 0."""
    facts, folder = continuation.facts, continuation.folder
    metrics = facts.get("metrics", {})
    shown = ", ".join(f"{name} {value:.4f}" for name, value in list(metrics.items())[:1])
    console.info(
        f"{folder} is finished ({shown}): nothing is left to do; a new run starts from its weights with "
        f"init_from={shlex.quote(str(folder))}"
    )
    return recorded_result(folder, facts)


def resume_command(folder: Path) -> str:
    """What goes on with the run in `folder`, and with all that it is a part of."""
    return f"python -m plx_train resume={shlex.quote(str(whole_run(folder)))}"
