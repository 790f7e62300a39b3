"""Every attempt to promote, go back or delete, as runs of an experiment of their own: it is where the registry is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from plx_train.ground.characters import json_text
from plx_train.ground.parsed import parse_json
from plx_train.registry.gates import Gate
from plx_train.tracking.receipts import check_tags
from plx_train.tracking.store import PROMOTIONS, experiment_id
from plx_train.tracking.words import clean_text

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from plx_train.tracking.tables import Reader

FIELDS = ("action", "model", "alias", "former", "target", "outcome", "who", "reason")
LONGEST_TAG = 5000
PAGE = 1000
MOVING = "moving"
MOVED = ("promoted", "forced", "rolled back")
"""Outcomes after which the alias points at `target`."""
SETTLING_SECONDS = 60.0
"""An entry that is `MOVING` for longer belongs to a process that died."""


@dataclass(frozen=True)
class LedgerEntry:
    """An attempt.

    Attributes:
        action: promote, rollback or delete.
        former: version that the alias pointed at; empty for none.
        target: version that it was to point at.
        outcome: promoted, forced, refused, rolled back, deleted, unchanged; moving while it is under way, and
            interrupted if that never ended.
        reason: why it was refused, or what was given by reason=…
    """

    action: str
    model: str
    alias: str
    former: str
    target: str
    outcome: str
    who: str
    reason: str
    gates: tuple[Gate, ...] = ()
    when: float = field(default_factory=time.time)
    run_id: str = ""

    @property
    def when_utc(self) -> str:
        return datetime.fromtimestamp(self.when, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def ledger_experiment(client: MlflowClient, uri: str) -> str:
    """Id of the ledger's experiment, which is made if need be."""
    return experiment_id(client, uri, PROMOTIONS)


def record(client: MlflowClient, uri: str, entry: LedgerEntry) -> str:
    """Writes an attempt as of now, so that moves stand in the order they were made in; returns the id of its run.

    Raises:
        WrongAnswer: it was answered and is not there.
    """
    from mlflow.entities import Metric

    experiment = ledger_experiment(client, uri)
    tags = {f"plx.{name}": clean_text(str(getattr(entry, name)), LONGEST_TAG) for name in FIELDS}
    tags["plx.gates"] = _gates_json(entry.gates)
    name = f"{entry.action} {entry.model} {entry.alias} {entry.former or '–'} → {entry.target}".replace("  ", " ")
    made = client.create_run(experiment, int(time.time() * 1000), tags, clean_text(name))
    run_id = str(made.info.run_id)
    check_tags(client, run_id, {f"plx.{name}": tags[f"plx.{name}"] for name in ("action", "model", "target")}, {})
    numbers = {f"{gate.name}/{key}": value for gate in entry.gates for key, value in gate.numbers.items()}
    if numbers:
        now = int(time.time() * 1000)
        client.log_batch(run_id, metrics=[Metric(key, value, now, 0) for key, value in numbers.items()])
    if entry.outcome != MOVING:
        _close(client, run_id, entry.outcome)
    return run_id


def settle(client: MlflowClient, run_id: str, outcome: str) -> None:
    """Says how an attempt that was under way ended."""
    client.set_tag(run_id, "plx.outcome", clean_text(outcome, LONGEST_TAG))
    _close(client, run_id, outcome)


def _close(client: MlflowClient, run_id: str, outcome: str) -> None:
    client.set_terminated(run_id, "FAILED" if outcome == "refused" else "FINISHED")


def _gates_json(gates: Iterable[Gate]) -> str:
    """Details are cut until all gates fit in a tag."""
    most = 1000
    while True:
        kept = [replace(gate, detail=gate.detail[:most]) for gate in gates]
        text = json_text([asdict(gate) for gate in kept])
        if len(text) <= LONGEST_TAG or most < 10:
            return text
        most //= 2


def entries(client: Reader, model: str | None = None) -> list[LedgerEntry]:
    """The attempts, oldest first; of all registered models, or of one."""
    experiment = client.get_experiment_by_name(PROMOTIONS)
    if experiment is None:
        return []
    found: list[LedgerEntry] = []
    token = None
    while True:
        page = client.search_runs(
            [experiment.experiment_id], "", max_results=PAGE, order_by=["start_time ASC"], page_token=token
        )
        found += [_entry(run) for run in page if "plx.action" in run.data.tags]
        token = page.token
        if not token:
            break
    return [entry for entry in found if model in (None, entry.model)]


def _entry(run: Any) -> LedgerEntry:
    tags = run.data.tags
    try:
        gates = tuple(Gate(**values) for values in parse_json(tags.get("plx.gates", "[]")))
    except (ValueError, TypeError):
        gates = ()
    texts = {name: tags.get(f"plx.{name}", "") for name in FIELDS}
    return LedgerEntry(**texts, gates=gates, when=run.info.start_time / 1000, run_id=run.info.run_id)


def settled(
    found: list[LedgerEntry], current: Mapping[tuple[str, str], str | None], patience: float = SETTLING_SECONDS
) -> list[LedgerEntry]:
    """`found` with the outcome of what was under way when its process died, told by what came after.

    Args:
        current: what each (model, alias) points at now.
        patience: seconds for which an entry may be under way; 0 for who holds the lock.
    """
    done: list[LedgerEntry] = []
    following = dict(current)
    for entry in reversed(found):
        place = (entry.model, entry.alias)
        if entry.outcome == MOVING and time.time() - entry.when > patience:
            entry = replace(entry, outcome=_moved(entry) if following.get(place) == entry.target else "interrupted")
        if entry.outcome in MOVED:
            following[place] = entry.former or None
        done.append(entry)
    return done[::-1]


def _moved(entry: LedgerEntry) -> str:
    if entry.action == "rollback":
        return "rolled back"
    return "promoted" if all(gate.ok for gate in entry.gates) else "forced"


def trail(found: Iterable[LedgerEntry], alias: str, current: str | None) -> list[str]:
    """The versions that the alias came by, the current one last: where rollback=true goes is the one before.

    Args:
        found: entries of one model, oldest first. A version that was left by a rollback is no longer on the trail.
        current: what the alias points at; it may have been moved by other means.
    """
    versions: list[str] = []
    for entry in found:
        if entry.alias != alias or entry.outcome not in MOVED:
            continue
        if entry.former and versions[-1:] != [entry.former]:
            versions.append(entry.former)
        if entry.action == "rollback" and entry.target in versions[:-1]:
            last = max(index for index, version in enumerate(versions[:-1]) if version == entry.target)
            versions = versions[: last + 1]
        else:
            versions.append(entry.target)
    if current and versions[-1:] != [current]:
        versions.append(current)
    return versions
