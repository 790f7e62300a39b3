"""Registered versions: made from exported folders, found again, tagged, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plx_train.ground.errors import UserError
from plx_train.ground.parsed import parse_json
from plx_train.registry.access import is_missing, is_taken
from plx_train.registry.candidate import Candidate, Measurement
from plx_train.tracking.words import clean_text

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from plx_train.tracking.tables import Reader

TAG = "plx."
DIGEST_TAG = f"{TAG}digest"
RUN_TAG = f"{TAG}run_id"
HASH_TAG = f"{TAG}sha256."
MEASURED_TAG = f"{TAG}measured."
HOLDER_NAME = "exported folder"
PAGE = 1000
LONGEST_TEXT = 5000
"""Characters of a tag that all stores take."""


@dataclass(frozen=True)
class Version:
    """A registered version.

    Attributes:
        source: where its files lie: a folder, or an address of the store's artifacts.
        run_id: of the run that made it, where that is known.
        hashes: sha256 of its files; empty if plx_train did not register it.
    """

    name: str
    version: str
    source: str
    run_id: str | None
    tags: dict[str, str]
    aliases: tuple[str, ...]

    @property
    def hashes(self) -> dict[str, str]:
        return {key.removeprefix(HASH_TAG): value for key, value in self.tags.items() if key.startswith(HASH_TAG)}

    def measured(self, like: Measurement) -> Measurement | None:
        """Its own measurement that can be compared with `like`, if there is one."""
        kept = self.tags.get(MEASURED_TAG + like.key)
        try:
            return Measurement(**parse_json(kept)) if kept else None
        except (ValueError, TypeError):
            return None


def find_version(client: Reader, name: str, version: str) -> Version | None:
    """The version with this number; None where there is none."""
    try:
        return _version(client.get_model_version(name, version))
    except Exception as error:
        if is_missing(error):
            return None
        raise


def aliased_version(client: Reader, name: str, alias: str) -> str | None:
    """The number of the version that the alias points at; None where there is none."""
    try:
        return str(client.get_model_version_by_alias(name, alias).version)
    except Exception as error:
        if is_missing(error):
            return None
        raise


def all_versions(client: MlflowClient, name: str) -> Iterator[Version]:
    """All versions of a registered model, newest first."""
    token = None
    while True:
        page = client.search_model_versions(f"name='{name}'", max_results=PAGE, page_token=token)
        yield from (_version(entry) for entry in page)
        token = page.token
        if not token:
            return


def _version(entry: Any) -> Version:
    tags = dict(entry.tags)
    run_id = tags.get(RUN_TAG) or entry.run_id or None
    return Version(entry.name, str(entry.version), entry.source or "", run_id, tags, tuple(entry.aliases or ()))


def upload(client: MlflowClient, experiment: str, candidate: Candidate) -> tuple[str, str]:
    """Copies the files into the store, where nothing writes to them again: (address, id of the run that holds them).

    They lie under a name made of their content, so a copy that was interrupted is completed by the next one.
    """
    from plx_train.tracking.receipts import check_files, refuse_place
    from plx_train.tracking.store import is_server

    holder = _holder(client, experiment, candidate)
    if is_server(client.tracking_uri):
        refuse_place(client, holder)
    folder = f"promoted/{candidate.digest[:16]}"
    sizes = {f"{folder}/{name}": (candidate.folder / name).stat().st_size for name in candidate.hashes}
    for name in sorted(candidate.hashes):
        client.log_artifact(holder, str(candidate.folder / name), folder)
    check_files(client, holder, sizes, sizes)
    return f"{client.get_run(holder).info.artifact_uri.rstrip('/')}/{folder}", holder


def _holder(client: MlflowClient, experiment: str, candidate: Candidate) -> str:
    """The run that made the folder; one made for the purpose where that is not in this store."""
    if candidate.run_id:
        try:
            run = client.get_run(candidate.run_id)
        except Exception as error:
            if not is_missing(error):
                raise
        else:
            if run.info.lifecycle_stage == "active":
                return str(run.info.run_id)
    found = client.search_runs([experiment], f"tags.`{DIGEST_TAG}` = '{candidate.digest}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    made = client.create_run(experiment, tags={DIGEST_TAG: candidate.digest}, run_name=HOLDER_NAME)
    client.set_terminated(made.info.run_id, "FINISHED")
    return str(made.info.run_id)


def ensure_model(client: MlflowClient, name: str) -> None:
    """Makes the registered model if there is none of this name."""
    try:
        client.create_registered_model(name)
    except Exception as error:
        if not is_taken(error):
            raise


def find_registered(client: MlflowClient, name: str, candidate: Candidate) -> Version | None:
    """The version made of these very files, if there is one."""
    return next((found for found in all_versions(client, name) if found.tags.get(DIGEST_TAG) == candidate.digest), None)


def create_version(client: MlflowClient, name: str, candidate: Candidate, source: str, holder: str) -> Version:
    """Registers uploaded files as a version, with what is known of them as tags."""
    tags = {
        DIGEST_TAG: candidate.digest,
        RUN_TAG: candidate.run_id or "",
        f"{TAG}module": clean_text(candidate.module),
        f"{TAG}model_name": clean_text(candidate.model_name),
        f"{TAG}parity": clean_text(candidate.parity_fault or "good", LONGEST_TEXT),
        **{f"{HASH_TAG}{name}": value for name, value in candidate.hashes.items()},
    }
    if candidate.weights:
        tags[f"{TAG}weights"] = clean_text(candidate.weights, LONGEST_TEXT)
    if candidate.measurement:
        tags |= {
            f"{TAG}dataset_fingerprint": candidate.measurement.fingerprint,
            f"{TAG}metric": candidate.measurement.metric,
            f"{TAG}value": repr(candidate.measurement.value),
            MEASURED_TAG + candidate.measurement.key: candidate.measurement.to_json(),
        }
    # Ready at once in every store but one of Databricks; asking again every few seconds would be done under the lock.
    return _version(client.create_model_version(name, source, holder, tags=tags, await_creation_for=0))


def keep_measurement(client: MlflowClient, version: Version, measurement: Measurement) -> None:
    """Tags a version with what it reached on a dataset."""
    key = MEASURED_TAG + measurement.key
    client.set_model_version_tag(version.name, version.version, key, measurement.to_json())


def delete_version(client: MlflowClient, name: str, version: str) -> Version:
    """Deletes a version; its files stay in the store.

    Raises:
        UserError: there is none, or an alias points at it.
    """
    found = find_version(client, name, version)
    if found is None:
        known = ", ".join(entry.version for entry in all_versions(client, name)) or "none"
        raise UserError(f"{name} has no version {version}; there is {known}")
    # Asked again by alias: what a version says of its aliases is not to be relied on in every store.
    pointing = [alias for alias in _aliases(client, name) if aliased_version(client, name, alias) == version]
    if pointing:
        raise UserError(
            f"version {version} of {name} is not deleted: {', '.join(pointing)} points at it; promote another version "
            "first, or go back with rollback=true"
        )
    client.delete_model_version(name, version)
    return found


def _aliases(client: MlflowClient, name: str) -> list[str]:
    return sorted(client.get_registered_model(name).aliases)
