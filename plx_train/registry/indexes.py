"""Indexes of features as registered versions: their files, and which model made them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plx_train.ground.files import sha256
from plx_train.index.feature_index import LABELS_FILE, MAKER_FILE, VECTORS_FILE, FeatureIndex
from plx_train.metrics.direction import HIGHER
from plx_train.registry.access import explained, registry_client, who_asks
from plx_train.registry.candidate import Candidate
from plx_train.registry.ledger import LedgerEntry
from plx_train.registry.promotion import Outcome, move, register
from plx_train.registry.versions import TAG, aliased_version

if TYPE_CHECKING:
    from mlflow import MlflowClient

KIND = "feature_index"
MAKER_TAG = f"{TAG}index.maker"
"""Fingerprint of the model that made the vectors."""


def publish_index(uri: str, folder: Path, index: FeatureIndex, name: str, alias: str) -> Outcome:
    """Makes a version of the index in `folder` and moves the alias to it.

    Raises:
        UserError: the store fails.
    """
    client = registry_client(uri, may_create=True)
    with explained(uri, f"the index {folder} can't be registered"):
        return _published(client, uri, _candidate(folder, index), name, alias, index.maker.fingerprint)


def _published(
    client: MlflowClient, uri: str, candidate: Candidate, name: str, alias: str, fingerprint: str
) -> Outcome:
    version = register(client, uri, name, candidate)
    client.set_model_version_tag(name, version.version, MAKER_TAG, fingerprint)
    former = aliased_version(client, name, alias)
    entry = LedgerEntry("promote", name, alias, former or "", version.version, "promoted", who_asks(), "an index")
    return move(client, uri, entry)


def _candidate(folder: Path, index: FeatureIndex) -> Candidate:
    hashes = {name: sha256(folder / name) for name in (VECTORS_FILE, LABELS_FILE, MAKER_FILE)}
    return Candidate(folder, KIND, index.maker.name, index.maker.run_id, hashes, None, HIGHER, None, "")
