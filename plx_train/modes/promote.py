"""mode=promote: an exported model becomes a version, and an alias moves to it if all gates hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plx_train.config.compose import Composed
from plx_train.config.options import PromoteOptions
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import resolve_path
from plx_train.registry import ledger
from plx_train.registry.access import explained, registry_client, registry_reader
from plx_train.registry.promotion import Outcome, PromotionRequest, delete, promote, roll_back
from plx_train.registry.versions import aliased_version
from plx_train.runs.folder import OUTPUTS
from plx_train.runs.result import RunResult
from plx_train.terminal.console import Console, make_console
from plx_train.workflow.trust import tell_whose

ALIAS = r"[\w-]{1,200}"
RESERVED = r"latest|v\d+"
MODEL_NAME = r"[\w-][\w .-]*"
ACTIONS = ("history", "rollback", "delete")


def run(composed: Composed) -> RunResult:
    """Promotes, goes back, deletes or tells what was done so far; the exit code is 1 if the alias did not move."""
    options = composed.options
    check_options(options.promote, composed)
    from plx_train.tracking import resolve_uri

    uri = resolve_uri(options.tracking.uri)
    console = make_console(quiet=options.quiet)
    action = next((name for name in ACTIONS if getattr(options.promote, name)), "promote")
    work: Callable[[Composed, str, Console], RunResult] = {
        "promote": _promote, "history": _history, "rollback": _roll_back, "delete": _delete,
    }[action]  # fmt: skip
    with explained(uri, f"mode=promote failed ({action})"):
        return work(composed, uri, console)


def check_options(promote: PromoteOptions, composed: Composed) -> None:
    """
    Raises:
        ConfigError: options that do not fit together, before anything heavy is imported.
    """
    options = composed.options
    asked = [name for name in ACTIONS if getattr(promote, name)]
    if len(asked) > 1:
        raise ConfigError(f"{' and '.join(asked)} are different commands: give one of them")
    if promote.force and not (promote.reason or "").strip():
        raise ConfigError("force=true needs a reason, which is kept: reason='…'")
    if not re.fullmatch(ALIAS, promote.alias) or re.fullmatch(RESERVED, promote.alias):
        raise ConfigError(
            f"alias={promote.alias} is not possible: letters, digits, - and _, and neither latest nor v1, v2, …"
        )
    if promote.registered is not None and not re.fullmatch(MODEL_NAME, promote.registered):
        raise ConfigError(f"registered={promote.registered} is not possible: letters, digits, spaces, ., - and _")
    if promote.delete is not None and not re.fullmatch(r"\d{1,9}", promote.delete, re.ASCII):
        raise ConfigError(f"delete={promote.delete} is no version's number")
    if options.tracking.backend == "off":
        raise ConfigError("mode=promote needs the MLflow store: leave out tracking=off")
    if options.run and options.sweep.id:
        raise ConfigError("run and sweep both name what is to be promoted: give one of them")
    if not asked and not options.run and not options.sweep.id:
        raise ConfigError(
            "mode=promote needs run=<run id, run folder, exported folder, runs:/… or models:/…> or sweep=<id>; "
            "or history=true, rollback=true, delete=<version>"
        )


def _promote(composed: Composed, uri: str, console: Console) -> RunResult:
    # All that measures and predicts comes with it.
    from plx_train.workflow.promote_source import find_candidate, make_judges

    options = composed.options
    candidate, source = find_candidate(options, uri)
    tell_whose(console, source.run)
    name = options.promote.registered or candidate.module
    if candidate.weights:
        console.info(f"{candidate.folder} was made of weights={candidate.weights} as they are: no run trained it")
    judges = make_judges(composed, candidate, source, name, uri)
    client = registry_client(uri, may_create=True)
    request = PromotionRequest(
        name, options.promote.alias, options.promote.force, (options.promote.reason or "").strip()
    )
    outcome = promote(client, uri, candidate, request, judges)
    if outcome.entry.gates:
        rows = [(gate.name, "holds" if gate.ok else "FAILS", gate.detail) for gate in outcome.entry.gates]
        console.table(f"gates of {name} version {outcome.entry.target}", ["gate", "", "what was found"], rows)
    return _told(outcome, candidate.folder, console)


def _told(outcome: Outcome, folder: Path, console: Console) -> RunResult:
    """
    Raises:
        UserError: the alias did not move.
    """
    if not outcome.ok:
        raise UserError(outcome.sentence)
    if outcome.entry.outcome == "forced":
        failed = ", ".join(gate.name for gate in outcome.entry.gates if not gate.ok)
        console.warn(f"forced although gates fail ({failed}); the reason is kept: {outcome.entry.reason}")
    console.info(outcome.sentence)
    return RunResult("promote", folder, {"version": float(outcome.entry.target)})


def _roll_back(composed: Composed, uri: str, console: Console) -> RunResult:
    promote = composed.options.promote
    request = PromotionRequest(_name(composed), promote.alias, reason=(promote.reason or "").strip())
    return _told(roll_back(registry_client(uri), uri, request), resolve_path(OUTPUTS), console)


def _delete(composed: Composed, uri: str, console: Console) -> RunResult:
    promote = composed.options.promote
    number = str(int(str(promote.delete)))
    delete(registry_client(uri), uri, _name(composed), number, (promote.reason or "").strip())
    console.info(f"version {number} of {_name(composed)} is deleted; its files stay in the store")
    return RunResult("promote", resolve_path(OUTPUTS))


def _history(composed: Composed, uri: str, console: Console) -> RunResult:
    client = registry_reader(uri)
    is_named = composed.options.promote.registered or any(text.startswith("module=") for text in composed.overrides)
    found = ledger.entries(client, _name(composed) if is_named else None)
    places = {(entry.model, entry.alias) for entry in found if entry.alias}
    current = {place: aliased_version(client, *place) for place in places}
    found = ledger.settled(found, current)
    columns = ["when (UTC)", "who", "what", "model", "alias", "from", "to", "outcome", "gates", "reason"]
    if found:
        console.table("promotions", columns, [_row(entry) for entry in found])
    else:
        console.info("nothing was promoted yet")
    return RunResult("promote", resolve_path(OUTPUTS), {"entries": float(len(found))})


def _row(entry: ledger.LedgerEntry) -> list[Any]:
    gates = "; ".join(f"{gate.name} {'holds' if gate.ok else 'FAILS'}{_figures(gate.numbers)}" for gate in entry.gates)
    former, target = entry.former or None, entry.target or None
    texts = (entry.when_utc, entry.who, entry.action, entry.model, entry.alias or None)
    return [*texts, former, target, entry.outcome, gates or None, entry.reason or None]


def _figures(numbers: dict[str, float]) -> str:
    shown = ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())
    return f" ({shown})" if shown else ""


def _name(composed: Composed) -> str:
    return str(composed.options.promote.registered or composed.options.module.name)
