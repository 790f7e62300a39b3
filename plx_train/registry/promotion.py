"""A promotion from registration to the moved alias, a step back, a deletion; each leaves an entry in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.ground.errors import UserError
from plx_train.registry import ledger, versions
from plx_train.registry.access import who_asks
from plx_train.registry.artifacts import folder_of
from plx_train.registry.candidate import Candidate, Measurement
from plx_train.registry.exchange import exchange, mutex
from plx_train.registry.gates import Gate, metric_gate, parity_gate, pipeline_gates
from plx_train.registry.ledger import LedgerEntry
from plx_train.registry.versions import Version

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class PromotionRequest:
    """What is asked for.

    Attributes:
        name: the registered model.
        force: the alias moves although gates do not hold.
        reason: for the ledger; force has one.
    """

    name: str
    alias: str
    force: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Judges:
    """What gates are judged by.

    Attributes:
        measure: the metric of an exported folder on the candidate's own dataset.
        load: the pipeline with an exported folder in it.
        part: the pipeline's part that the candidate takes.
        sample: a file on which latency is measured; None: what the pipeline makes up.
    """

    measure: Callable[[Path], Measurement]
    load: Callable[[Path], Any]
    part: str
    sample: Path | None


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt.

    Attributes:
        entry: as it stands in the ledger.
        sentence: for people; why, where the alias did not move.
    """

    entry: LedgerEntry
    sentence: str

    @property
    def ok(self) -> bool:
        """Whether the alias points at what was asked for."""
        return self.entry.outcome in (*ledger.MOVED, "unchanged")


def promote(client: MlflowClient, uri: str, candidate: Candidate, request: PromotionRequest, judges: Judges) -> Outcome:
    """Registers the candidate and moves the alias to it if all gates hold.

    Raises:
        UserError: the store fails, or the candidate can't be read.
    """
    champion = versions.aliased_version(client, request.name, request.alias)
    version = register(client, uri, request.name, candidate)
    start = LedgerEntry(
        "promote", request.name, request.alias, champion or "", version.version, "refused", who_asks(), request.reason
    )
    target = f"{request.name}@{request.alias}"
    if champion == version.version:
        entry = replace(start, outcome="unchanged")
        ledger.record(client, uri, entry)
        return Outcome(entry, f"{target} is version {champion} already")
    gates = _judge(client, candidate, version, champion, judges)
    for gate in gates:
        if gate.name == "latency" and gate.numbers:
            tag, value = f"{versions.TAG}latency_ms", f"{gate.numbers['milliseconds']:.1f}"
            client.set_model_version_tag(version.name, version.version, tag, value)
    start = replace(start, gates=tuple(gates))
    failed = [gate for gate in gates if not gate.ok]
    if failed and not request.force:
        reasons = "; ".join(f"{gate.name}: {gate.detail}" for gate in failed)
        stays = f"it stays at version {champion}" if champion else "it points nowhere yet"
        ledger.record(client, uri, replace(start, reason="; ".join(filter(None, [request.reason, reasons]))))
        return Outcome(start, f"{target} is not moved to version {version.version}, {stays}: {reasons}")
    return move(client, uri, replace(start, outcome="forced" if failed else "promoted"))


def register(client: MlflowClient, uri: str, name: str, candidate: Candidate) -> Version:
    """The version made of the candidate's files, which is made if there is none; no alias points at a new one."""
    versions.ensure_model(client, name)
    found = versions.find_registered(client, name, candidate)
    if found:
        return found
    source, holder = versions.upload(client, ledger.ledger_experiment(client, uri), candidate)
    with mutex(client, name):
        found = versions.find_registered(client, name, candidate)
        return found or versions.create_version(client, name, candidate, source, holder)


def _judge(
    client: MlflowClient, candidate: Candidate, version: Version, champion: str | None, judges: Judges
) -> list[Gate]:
    """All gates, whatever the first ones say; the pipeline gets the registered files, which is what will be served."""
    sample, part = judges.sample, judges.part

    def measure() -> Measurement:
        assert candidate.measurement is not None and champion is not None
        return _measured(client, version.name, champion, candidate.measurement, judges.measure)

    return [
        metric_gate(candidate, champion, measure),
        parity_gate(candidate),
        *pipeline_gates(candidate, part, lambda: judges.load(folder_of(client, version)), sample),
    ]


def _measured(
    client: MlflowClient, name: str, number: str, like: Measurement, measure: Callable[[Path], Measurement]
) -> Measurement:
    """A version's measurement that can be compared with `like`: the one it is tagged with, or a new one, then kept."""
    version = versions.find_version(client, name, number)
    if version is None:
        raise UserError("it is gone from the registry")
    known = version.measured(like)
    if known:
        return known
    new = measure(folder_of(client, version))
    if new.key != like.key:
        raise UserError(
            f"its dataset is not what the candidate was measured on any more (fingerprint {new.fingerprint[:12]} with "
            f"{new.num_samples} samples instead of {like.fingerprint[:12]} with {like.num_samples})"
        )
    versions.keep_measurement(client, version, new)
    return new


def move(client: MlflowClient, uri: str, entry: LedgerEntry) -> Outcome:
    """Moves the alias from `former` to `target`, with the ledger written before; refuses if it moved meanwhile."""
    runs: list[str] = []
    has_moved, current = exchange(
        client, entry.model, entry.alias, entry.former or None, entry.target,
        before=lambda: runs.append(ledger.record(client, uri, replace(entry, outcome=ledger.MOVING))),
        after=lambda: ledger.settle(client, runs[0], entry.outcome),
    )  # fmt: skip
    target = f"{entry.model}@{entry.alias}"
    if has_moved:
        former = f"version {entry.former}" if entry.former else "nowhere"
        return Outcome(entry, f"{target} points at version {entry.target} now, before at {former}")
    reason = _told_of_winner(client, entry, current)
    refused = replace(entry, outcome="refused")
    ledger.record(client, uri, replace(refused, reason="; ".join(filter(None, [entry.reason, reason]))))
    again = "promote again to compare anew" if entry.action == "promote" else "look at history=true, then repeat"
    return Outcome(refused, f"{target} is not moved to version {entry.target}: {reason}; {again}")


def _told_of_winner(client: MlflowClient, entry: LedgerEntry, current: str | None) -> str:
    """Who moved the alias while the gates were looked at."""
    place = {(entry.model, entry.alias): current}
    done = ledger.settled(ledger.entries(client, entry.model), place, patience=0)
    winners = [other for other in done if other.alias == entry.alias and other.outcome in ledger.MOVED]
    moved = f"it was moved from version {entry.former or '–'} to version {current or '–'} meanwhile"
    if winners and winners[-1].target == current:
        return f"{moved}, by {winners[-1].who} at {winners[-1].when_utc} UTC"
    return f"{moved}, not by plx_train"


def roll_back(client: MlflowClient, uri: str, request: PromotionRequest) -> Outcome:
    """Points the alias at the version before, by the ledger, if that can still be had.

    Raises:
        UserError: there is none, or its files are gone or damaged.
    """
    name, alias = request.name, request.alias
    current = versions.aliased_version(client, name, alias)
    done = ledger.settled(ledger.entries(client, name), {(name, alias): current})
    trail = ledger.trail(done, alias, current)
    for number in reversed(trail[:-1]):
        version = versions.find_version(client, name, number)
        if version is None or number == current:
            continue
        folder_of(client, version)
        entry = LedgerEntry("rollback", name, alias, current or "", number, "rolled back", who_asks(), request.reason)
        return move(client, uri, entry)
    at = f"is version {current}" if current else "points nowhere"
    raise UserError(f"{name}@{alias} {at}, and the ledger knows no version before it that is still registered")


def delete(client: MlflowClient, uri: str, name: str, number: str, reason: str) -> LedgerEntry:
    """Deletes a version that no alias points at.

    Raises:
        UserError: there is none, or an alias points at it.
    """
    entry = LedgerEntry("delete", name, "", "", number, "deleted", who_asks(), reason)
    with mutex(client, name) as hold:
        try:
            hold.check()
            versions.delete_version(client, name, number)
        except UserError as error:
            ledger.record(client, uri, replace(entry, outcome="refused", reason=str(error)))
            raise
        ledger.record(client, uri, entry)
    return entry
