"""Proof that what was sent has arrived: a proxy or a captive portal answers as kindly as a server that keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    if (content["name"], content["digest"]) not in known:
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
