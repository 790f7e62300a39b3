"""What the registry holds: versions, aliases, and every attempt to move one; read when it is asked for."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.contract.pipelines import place_of
from plx_train.registry.access import explained, registry_client
from plx_train.registry.exchange import LOCK_PREFIX
from plx_train.studio.home import Home
from plx_train.studio.store import store_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from plx_train.registry.ledger import LedgerEntry
    from plx_train.registry.versions import Version

MOST_MODELS = 1000
FRESH_SECONDS = 1.0
"""How long what a server told holds; a database says itself when it changed."""
SHOWN_TAGS = ("module", "model_name", "metric", "value", "dataset_fingerprint", "weights")


class Registered:
    """The registry of a home; MLflow is imported when it is first asked, which takes seconds."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}
        self._stamp: object = None

    def told(self) -> dict[str, Any]:
        """Models with their versions and aliases, and the ledger, newest first.

        Raises:
            UserError: the store does not answer.
        """
        from plx_train.tracking.store import database_path

        uri = store_of(self._home)
        path = database_path(uri)
        if path and not path.exists():
            why = f"nothing was recorded yet: {self._home.shown(path)} is not there (it never is with tracking=off)"
            return {"hasStore": False, "why": why, "models": [], "ledger": []}
        with self._lock:
            stamp = uri, _stamp(path)
            if stamp != self._stamp:
                with explained(uri, "the registry can't be read"):
                    self._known = _read(registry_client(uri))
                self._stamp = stamp
            return self._known


def _stamp(path: Path | None) -> object:
    """What differs when the store may say something else."""
    if path is None:
        return time.monotonic() // FRESH_SECONDS
    found = []
    for each in (path, path.with_name(f"{path.name}-wal")):
        try:
            state = each.stat()
        except OSError:
            continue
        found.append((state.st_mtime_ns, state.st_size))
    return tuple(found)


def _read(client: MlflowClient) -> dict[str, Any]:
    from plx_train.registry import ledger
    from plx_train.registry.versions import aliased_version, all_versions

    models = [
        {"name": model.name, "aliases": {alias: str(number) for alias, number in (model.aliases or {}).items()}}
        for model in client.search_registered_models(max_results=MOST_MODELS)
        if not model.name.startswith(LOCK_PREFIX)
    ]
    for model in models:
        model["versions"] = [_version(version, model["aliases"]) for version in all_versions(client, model["name"])]
    entries = ledger.entries(client)
    places = {(entry.model, entry.alias) for entry in entries if entry.alias}
    entries = ledger.settled(entries, {place: aliased_version(client, *place) for place in places})
    for model in models:
        model["place"] = _place(model)
        model["before"] = _before(model, [entry for entry in entries if entry.model == model["name"]])
    return {"hasStore": True, "models": models, "ledger": [asdict(entry) for entry in reversed(entries)]}


def _place(model: dict[str, Any]) -> dict[str, str] | None:
    """The pipeline, and its part, that versions of this name are for; None where no pipeline takes them."""
    modules = {str(version["module"]) for version in model["versions"]}
    found = place_of(model["name"]) or next(filter(None, map(place_of, sorted(modules))), None)
    return {"pipeline": found[0], "part": found[1]} if found else None


def _before(model: dict[str, Any], entries: list[LedgerEntry]) -> dict[str, str]:
    """The version that rollback=true leads to, by alias; those that have one."""
    from plx_train.registry import ledger

    there = {version["version"] for version in model["versions"]}
    trails = {alias: ledger.trail(entries, alias, number)[:-1] for alias, number in model["aliases"].items()}
    found = {alias: [each for each in trail if each in there] for alias, trail in trails.items()}
    return {alias: trail[-1] for alias, trail in found.items() if trail}


def _version(version: Version, aliases: dict[str, str]) -> dict[str, Any]:
    tags = {name: version.tags.get(f"plx.{name}") for name in SHOWN_TAGS}
    pointing = sorted(alias for alias, number in aliases.items() if number == version.version)
    return {"version": version.version, "aliases": pointing, "run": version.run_id, **tags}
