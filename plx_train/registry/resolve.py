"""From ``models:/<name>@<alias>``, ``models:/<name>/<version>`` or ``runs:/<run id>`` to a folder on this machine."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.ground.errors import UserError
from plx_train.ground.parsed import parse_json
from plx_train.registry.access import default_uri, explained, registry_client, registry_reader
from plx_train.registry.exchange import LOCK_PREFIX
from plx_train.runs.folder import EXPORT, INFERENCE_FILE, PARAMETERS_FILE, PARITY_FILE

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from plx_train.registry.versions import Version
    from plx_train.tracking.tables import Reader

FORMS = "models:/<name>@<alias>, models:/<name>/<version> or runs:/<run id>"
PREFIXES = ("models:/", "runs:/")
EXPORT_PLACES = (f"{EXPORT}/{EXPORT}", EXPORT, "")
"""Where a run keeps its exported folder among its artifacts."""


@dataclass(frozen=True)
class Resolved:
    """What a reference stands for just now.

    Attributes:
        folder: an exported folder, verified.
        name: of the registered model; None for a run.
        run_id: of the run that made it, where that is known.
    """

    folder: Path
    name: str | None
    version: str | None
    run_id: str | None
    alias: str | None


def resolve(reference: str, tracking_uri: str | None = None) -> Resolved:
    """The exported folder that `reference` names, fetched into the cache where it lies elsewhere.

    Args:
        tracking_uri: the store; None: the database in the folder ``outputs``.

    Raises:
        UserError: there is none, or its files are gone or damaged, or the store does not answer.
    """
    version = re.fullmatch(r"models:/([^/@]+)(?:@([^/@]+)|/(\d+))", reference)
    run = re.fullmatch(r"runs:/([^/]+)(?:/(.+))?", reference)
    if not version and not run:
        raise UserError(f"{reference} can't be understood: write {FORMS}")
    uri = default_uri(tracking_uri)
    if run:
        client = registry_client(uri)
        with explained(uri, f"{reference} can't be looked up"):
            return _resolve_run(client, uri, run[1], run[2])
    assert version is not None
    reader = _reader(uri, version[2])
    with explained(uri, f"{reference} can't be looked up"):
        return _resolve_version(reader, uri, version[1], version[2], version[3])


def resolver(tracking_uri: str | None = None) -> Callable[[str], Resolved | None]:
    """`resolve` in one store, for text that may be no reference: None then."""

    def find(text: str) -> Resolved | None:
        return resolve(text, tracking_uri) if text.startswith(PREFIXES) else None

    return find


def current_version(name: str, alias: str, tracking_uri: str | None = None) -> str | None:
    """The version that an alias points at, by one short request; None where there is no such model or alias.

    Raises:
        UserError: the store does not answer.
    """
    from plx_train.registry.versions import aliased_version

    uri = default_uri(tracking_uri)
    client = _reader(uri, alias)
    with explained(uri, f"models:/{name}@{alias} can't be looked up"):
        return aliased_version(client, name, alias)


def _reader(uri: str, alias: str | None) -> Reader:
    # What MLflow means by this alias is no row of its own.
    return registry_client(uri) if (alias or "").lower() == "latest" else registry_reader(uri)


def _resolve_version(client: Reader, uri: str, name: str, alias: str | None, number: str | None) -> Resolved:
    from plx_train.registry.artifacts import folder_of
    from plx_train.registry.versions import aliased_version, find_version

    number = number or aliased_version(client, name, str(alias))
    version: Version | None = find_version(client, name, number) if number else None
    if version is None:
        raise UserError(_not_there(registry_client(uri), name, alias, number))
    return Resolved(folder_of(client, version), name, version.version, version.run_id, alias)


def _not_there(client: MlflowClient, name: str, alias: str | None, number: str | None) -> str:
    """What there is instead of a version that is asked for."""
    from plx_train.registry.versions import all_versions

    models = {model.name: model for model in client.search_registered_models(max_results=1000)}
    names = sorted(known for known in models if not known.startswith(LOCK_PREFIX))
    if name not in names:
        return f"no model {name} is registered; {_hint(name, names)}"
    if alias:
        aliases = sorted(client.get_registered_model(name).aliases)
        return f"{name} has no alias {alias}; {_hint(alias, aliases)}"
    return f"{name} has no version {number}; {_hint('', [entry.version for entry in all_versions(client, name)])}"


def _hint(given: str, known: list[str]) -> str:
    near = difflib.get_close_matches(given, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there is {', '.join(known[:10]) or 'none'}"


def _resolve_run(client: MlflowClient, uri: str, run_id: str, path: str | None) -> Resolved:
    from plx_train.registry.artifacts import local_folder, local_path
    from plx_train.tracking.found_run import find_run

    record = find_run(uri, run_id)
    root = client.get_run(record.run_id).info.artifact_uri.rstrip("/")
    what = f"run {record.run_id}"
    for place in [path] if path else EXPORT_PLACES:
        names = {Path(file.path).name for file in client.list_artifacts(record.run_id, place or None)}
        if INFERENCE_FILE not in names:
            continue
        source = f"{root}/{place}".rstrip("/")
        hashes = {} if local_path(source) else _proven_hashes(client, record.run_id, place, names)
        digest = hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest() if hashes else None
        return Resolved(local_folder(uri, source, what, hashes, digest), None, None, record.run_id, None)
    raise UserError(
        f"{what} ({record.name}, {record.status}) holds no exported model among its artifacts; if it ended well and "
        "was not sent whole, mode=sync sends the rest"
    )


def _proven_hashes(client: MlflowClient, run_id: str, place: str, names: set[str]) -> dict[str, str]:
    """sha256 by name as the run's parity report has them; empty where it has none."""
    if PARITY_FILE not in names:
        return {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = client.download_artifacts(run_id, f"{place}/{PARITY_FILE}".lstrip("/"), folder)
            report: dict[str, Any] = parse_json(Path(path).read_text("utf-8"))
        files = {str(name): str(value) for name, value in report["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    return files if PARAMETERS_FILE in files else {}
