"""Proof that what was sent has arrived: a proxy or a captive portal answers as kindly as a server that keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.ground.confine import PathRefused
from plx_train.tracking.words import clean_text

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RECEIPT_TAG = "plx.received"
"""Holds the number of the last record of a batch; MLflow writes a batch's tags after its numbers."""
NO_SERVER = "what answers there is no MLflow server, or a proxy or login page stands before it"


class WrongAnswer(ConnectionError):
    """An answer that is not what was asked for: nothing has arrived."""


def known_run(client: MlflowClient, run_id: str) -> Run:
    """The run as the store has it.

    Raises:
        WrongAnswer: the answer is no run, or another one.
    """
    try:
        run = client.get_run(run_id)
        found = run.info.run_id
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise WrongAnswer(NO_SERVER) from error
    if found != run_id:
        raise WrongAnswer(NO_SERVER)
    return run


def find_by_token(client: MlflowClient, experiment: str, token: str) -> str | None:
    """The run an earlier attempt made whose answer got lost."""
    found = client.search_runs([experiment], f"tags.`plx.token` = '{token}'", max_results=1)
    # Whatever answers in the server's place gives some run or other.
    return found[0].info.run_id if found and found[0].data.tags.get("plx.token") == token else None


def check_whose(client: MlflowClient, run_id: str, token: object) -> None:
    """
    Args:
        token: what the record began with, which no other record has.

    Raises:
        WrongAnswer: the run in the store is not the one that the record began.
    """
    if not token or known_run(client, run_id).data.tags.get("plx.token") != token:
        raise WrongAnswer(f"run {run_id} there is not the one that this record began, and gets nothing of it")


def refuse_place(client: MlflowClient, run_id: str) -> None:
    """Looks at where a server has the run's files written: MLflow writes what it names, on this machine too.

    Raises:
        PathRefused: to a folder of this machine that no MLflow has made for the run.
        WrongAnswer: the answer is no run.
    """
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    try:
        # The very one that is written by; asked again, the server could say something else.
        repository = client._tracking_client._get_artifact_repo(run_id)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise WrongAnswer(NO_SERVER) from error
    if isinstance(repository, LocalArtifactRepository):
        place = Path(repository.artifact_dir)
        if not (re.fullmatch(r"[0-9a-f]{32}", run_id) and place.parts[-2:] == (run_id, "artifacts")):
            raise PathRefused(f"the server keeps the run's files at {place} of this machine: nothing is written there")


def check_tags(client: MlflowClient, run_id: str, tags: Mapping[str, str], params: Mapping[str, str]) -> None:
    """
    Raises:
        WrongAnswer: the run in the store lacks one of the tags or parameters.
    """
    data = known_run(client, run_id).data
    if not (tags.items() <= data.tags.items() and params.keys() <= data.params.keys()):
        raise WrongAnswer(f"it said yes and kept nothing: {NO_SERVER}")


def check_status(client: MlflowClient, run_id: str, status: str) -> None:
    """
    Raises:
        WrongAnswer: the run in the store has another status.
    """
    if known_run(client, run_id).info.status != status:
        raise WrongAnswer(f"it said yes and kept nothing: {NO_SERVER}")


def check_dataset(client: MlflowClient, run_id: str, content: Mapping[str, Any]) -> None:
    """
    Raises:
        WrongAnswer: the run in the store does not know the dataset.
    """
    inputs = known_run(client, run_id).inputs
    known = [(one.dataset.name, one.dataset.digest) for one in inputs.dataset_inputs] if inputs else []
    if (clean_text(content["name"]), content["digest"]) not in known:
        raise WrongAnswer(f"it said yes and kept nothing: {NO_SERVER}")


def sizes_of(path: Path, folder: str | None) -> dict[str, int]:
    """Bytes of each file by its name as an artifact, of the file or folder at `path`."""
    files = [path] if not path.is_dir() else [one for one in sorted(path.rglob("*")) if one.is_file()]
    prefix = f"{folder}/" if folder else ""
    return {prefix + file.relative_to(path.parent).as_posix(): file.stat().st_size for file in files}


def check_files(client: MlflowClient, run_id: str, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """
    Args:
        before: bytes by name when the upload began.
        after: the same when it had ended; a file may have grown meanwhile.

    Raises:
        WrongAnswer: the store lists one of them not, or with another size.
    """
    listed: dict[str, int | None] = {}
    try:
        for parent in sorted({name.rpartition("/")[0] for name in before}):
            listed |= dict(_listed(client, run_id, parent))
    except Exception as error:
        if _may_only_write(error):
            return
        raise
    for name, size in before.items():
        found = listed.get(name, -1)
        if found is not None and not size <= found <= max(size, after.get(name, size)):
            raise WrongAnswer(f"the upload of {name} was answered and is not there: {NO_SERVER}")


def _may_only_write(error: Exception) -> bool:
    """Whether an object store that is written to directly says, in its own form, that its lists are not for us."""
    response = getattr(error, "response", None)
    return isinstance(response, dict) and response.get("Error", {}).get("Code") == "AccessDenied"


def _listed(client: MlflowClient, run_id: str, parent: str) -> Iterator[tuple[str, int | None]]:
    try:
        files = client.list_artifacts(run_id, parent or None)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise WrongAnswer(NO_SERVER) from error
    for file in files:
        if not file.is_dir:
            yield file.path, file.file_size
