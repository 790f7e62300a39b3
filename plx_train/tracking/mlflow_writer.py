"""Sends a run's records to MLflow."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.ground.confine import PathRefused, confined, refuse_leading_out
from plx_train.ground.credentials import without_credentials
from plx_train.tracking.delivery import first_line
from plx_train.tracking.receipts import (
    NO_SERVER,
    RECEIPT_TAG,
    WrongAnswer,
    check_dataset,
    check_files,
    check_status,
    check_tags,
    check_whose,
    find_by_token,
    known_run,
    refuse_place,
    sizes_of,
)
from plx_train.tracking.spool import Cursor, SpoolEntry, read_beginning
from plx_train.tracking.store import PROMOTIONS, experiment_id, is_server, open_client
from plx_train.tracking.words import clean_key, clean_text

if TYPE_CHECKING:
    from mlflow import MlflowClient

# MLflow's limits on one log_batch, on one value and on names.
METRICS_A_BATCH = 1000
PARAMS_A_BATCH = 100
TAGS_A_BATCH = 99
"""One less than MLflow takes: the receipt is one."""
LONGEST_PARAM = 6000
LONGEST_TAG = 8000
REFUSED_STATUS = (400, 404)
RECORD = "the run's record"


class MlflowSink:
    """One run in MLflow.

    Delivering a record twice changes nothing, so a crash between sending it and noting that does no harm. A record
    counts as delivered once a server has shown that it has it; a database has, when it says so.
    """

    def __init__(self, uri: str, warn: Callable[[str], None], root: Path, may_exist: bool = False) -> None:
        """
        Args:
            root: the run's folder, which all artifacts come from.
            may_exist: an earlier process may have made the run and not heard of it.
        """
        self.uri = uri
        self.root = root
        self.name = f"MLflow at {without_credentials(uri)}"
        self.warn = warn
        self.run_id: str | None = None
        self.experiment: str | None = None
        self.has_ended = False
        """The run's end was delivered; it is not to be shown as living after that."""
        self.refused: list[str] = []
        """Records that MLflow answered but did not take."""
        self._client: MlflowClient | None = None
        self._may_exist = may_exist
        self._is_own = False
        self._must_prove = is_server(uri)
        self._failed_once: set[int] = set()
        self._marked_nonfinite: set[str] = set()

    def deliver(self, entries: list[SpoolEntry], cursor: Cursor) -> Iterator[int]:
        """Sends `entries`; see `delivery.Sink`."""
        client = self.client()
        self._check_whose(client, cursor)
        for group in batches(entries):
            if group[0].kind == "run":
                self._create_run(client, group[0], cursor)
            else:
                self._send_group(client, cursor, group)
            yield group[-1].end

    def client(self) -> MlflowClient:
        """The client of the store, opened once."""
        if self._client is None:
            self._client = open_client(self.uri)
        return self._client

    def _check_whose(self, client: MlflowClient, cursor: Cursor) -> None:
        """Believes a file what run it is about only where the store says so too, which is asked once."""
        if cursor.run_id is not None and cursor.spool is not None and not self._is_own:
            check_whose(client, cursor.run_id, read_beginning(cursor.spool).get("token"))
        self._is_own = True

    def _create_run(self, client: MlflowClient, entry: SpoolEntry, cursor: Cursor) -> None:
        content = entry.content
        if clean_text(content["experiment"]).casefold() == PROMOTIONS:
            raise PathRefused(f"{RECORD} names the ledger of promotions, in which no run is recorded")
        self.experiment = experiment_id(client, self.uri, content["experiment"])
        if cursor.run_id is None and self._may_exist:
            cursor.run_id = find_by_token(client, self.experiment, content["token"])
        self._may_exist = True
        if cursor.run_id is None:
            tags = {clean_key(key): clean_text(value, LONGEST_TAG) for key, value in content["tags"].items()}
            tags["plx.token"] = content["token"]
            name = clean_text(content["name"])
            created = client.create_run(self.experiment, entry.milliseconds, tags, name).info.run_id
            if not created:
                raise WrongAnswer(NO_SERVER)
            self._check_tags(client, created, {"plx.token": content["token"]})
            cursor.run_id = created
            cursor.save()
        self._log_params(client, cursor.run_id, content["params"])
        self.run_id = cursor.run_id

    def _log_params(self, client: MlflowClient, run_id: str, params: dict[str, str]) -> None:
        from mlflow.entities import Param

        items = [Param(clean_key(key), clean_text(value, LONGEST_PARAM)) for key, value in params.items()]
        for start in range(0, len(items), PARAMS_A_BATCH):
            client.log_batch(run_id, params=items[start : start + PARAMS_A_BATCH], synchronous=True)
        self._check_tags(client, run_id, {}, {item.key: item.value for item in items})

    def _check_tags(
        self, client: MlflowClient, run_id: str, tags: dict[str, str], params: dict[str, str] | None = None
    ) -> None:
        if self._must_prove and (tags or params):
            check_tags(client, run_id, tags, params or {})

    def resend(self, entry: SpoolEntry, cursor: Cursor) -> None:
        """Sends a record that was skipped.

        Raises:
            Exception: whatever the store says.
        """
        assert cursor.run_id is not None
        self._check_whose(self.client(), cursor)
        self._send(self.client(), cursor.run_id, [entry])

    def _send_group(self, client: MlflowClient, cursor: Cursor, group: list[SpoolEntry]) -> None:
        """Sends a group; what MLflow refuses for its content is named and passed over, to hold up nothing."""
        assert cursor.run_id is not None
        try:
            self._send(client, cursor.run_id, group)
        except Exception as error:
            if _is_refusal(error):
                # Anything may stand before the server and say so in its place.
                known_run(client, cursor.run_id)
            if len(group) > 1 and _is_refusal(error):
                for entry in group:
                    self._send_group(client, cursor, [entry])
                return
            entry = group[0]
            if len(group) > 1 or not self._gives_up(client, cursor.run_id, entry, error):
                raise
            what = str(entry.content.get("path") or entry.content.get("name") or entry.kind)
            if _is_refusal(error) or self._is_gone(entry):
                self.refused.append(what)
            else:
                cursor.skipped.append(entry.sequence)
            reason = first_line(error)
            self.warn(f"MLflow does not take {what} ({reason}); the run goes on without it there")

    def _gives_up(self, client: MlflowClient, run_id: str, entry: SpoolEntry, error: Exception) -> bool:
        """Whether it is this record that is at fault, not the store."""
        if _is_refusal(error):
            return True
        if entry.kind in ("metrics", "tags", "finish"):
            return False
        if self._is_gone(entry):
            return True
        if entry.sequence not in self._failed_once:
            self._failed_once.add(entry.sequence)
            return False
        # The store answers while the artifact fails for the second time: its own place can't be written.
        known_run(client, run_id)
        return True

    def _send(self, client: MlflowClient, run_id: str, group: list[SpoolEntry]) -> None:
        kind, content = group[0].kind, group[0].content
        if kind in ("metrics", "tags"):
            self._log_batch(client, run_id, group)
        elif kind == "artifact":
            path = confined(self.root, content["path"], RECORD)
            refuse_leading_out(self.root, path)
            if content["folder"] is not None:
                confined(self.root, content["folder"], RECORD)
            self._log_artifact(client, run_id, path, content["folder"])
        elif kind == "text":
            confined(self.root, content["name"], RECORD)
            self._log_text(client, run_id, content["text"], content["name"])
        elif kind == "dataset":
            _log_dataset(client, run_id, content)
            if self._must_prove:
                check_dataset(client, run_id, content)
        elif kind == "resume":
            client.update_run(run_id, "RUNNING")
            self.experiment = known_run(client, run_id).info.experiment_id
            self.has_ended = False
            tags = {clean_key(key): clean_text(value, LONGEST_TAG) for key, value in content["tags"].items()}
            for key, value in tags.items():
                client.set_tag(run_id, key, value)
            self._check_tags(client, run_id, tags)
        elif kind == "finish":
            tags = {"plx.ended_by": clean_text(content["reason"], LONGEST_TAG)} if content["reason"] else {}
            for key, value in tags.items():
                client.set_tag(run_id, key, value)
            self._check_tags(client, run_id, tags)
            client.set_terminated(run_id, content["status"], group[0].milliseconds)
            if self._must_prove:
                check_status(client, run_id, content["status"])
            self.has_ended = True

    def _is_gone(self, entry: SpoolEntry) -> bool:
        return entry.kind == "artifact" and not (self.root / entry.content["path"]).exists()

    def _log_batch(self, client: MlflowClient, run_id: str, group: list[SpoolEntry]) -> None:
        from mlflow.entities import Metric, RunTag

        metrics: list[Any] = []
        tags: dict[str, str] = {}
        for entry in group:
            if entry.kind == "tags":
                tags |= entry.content["tags"]
                continue
            step = entry.content["step"]
            for key, value in entry.content["values"].items():
                metrics.append(Metric(clean_key(key), value, entry.milliseconds, step))
            for key, value in entry.content.get("nonfinite", {}).items():
                if key not in self._marked_nonfinite:
                    self._marked_nonfinite.add(key)
                    tags[f"nonfinite/{key}"] = f"{value} at step {step}"
        run_tags = [RunTag(clean_key(key), clean_text(value, LONGEST_TAG)) for key, value in tags.items()]
        if not (metrics or run_tags):
            return
        receipt = {RECEIPT_TAG: str(group[-1].sequence)} if self._must_prove else {}
        run_tags += [RunTag(key, value) for key, value in receipt.items()]
        client.log_batch(run_id, metrics=metrics, tags=run_tags, synchronous=True)
        self._check_tags(client, run_id, receipt)

    def _log_artifact(self, client: MlflowClient, run_id: str, path: Path, folder: str | None) -> None:
        if self._must_prove:
            refuse_place(client, run_id)
        before = sizes_of(path, folder)
        if path.is_dir():
            client.log_artifacts(run_id, str(path), f"{folder}/{path.name}" if folder else path.name)
        else:
            client.log_artifact(run_id, str(path), folder)
        if self._must_prove:
            check_files(client, run_id, before, sizes_of(path, folder))

    def _log_text(self, client: MlflowClient, run_id: str, text: str, name: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(name).name
            path.write_text(text, "utf-8")
            parent = Path(name).parent.as_posix()
            self._log_artifact(client, run_id, path, None if parent == "." else parent)


def batches(entries: list[SpoolEntry]) -> Iterator[list[SpoolEntry]]:
    """Consecutive metrics and tags together, within MLflow's limits; everything else alone."""
    held: list[SpoolEntry] = []
    metrics = tags = 0
    for entry in entries:
        values, marks = len(entry.content.get("values", ())), len(entry.content.get("nonfinite", ()))
        marks += len(entry.content["tags"]) if entry.kind == "tags" else 0
        fits = metrics + values <= METRICS_A_BATCH and tags + marks <= TAGS_A_BATCH
        is_joinable = entry.kind in ("metrics", "tags")
        if held and not (fits and is_joinable):
            yield held
            held, metrics, tags = [], 0, 0
        if not is_joinable:
            yield [entry]
            continue
        held.append(entry)
        metrics, tags = metrics + values, tags + marks
    if held:
        yield held


def _is_refusal(error: Exception) -> bool:
    """Whether the record itself is at fault: MLflow says so, or it names what is none of the run's."""
    if isinstance(error, PathRefused):
        return True
    status = getattr(error, "get_http_status_code", None)
    return status is not None and status() in REFUSED_STATUS


def _log_dataset(client: MlflowClient, run_id: str, content: dict[str, Any]) -> None:
    from mlflow.data.dataset_source_registry import get_dataset_source_from_json
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = get_dataset_source_from_json(json.dumps({"uri": clean_text(content["source"], LONGEST_TAG)}), "local")
    profile = json.dumps(content["profile"]) if content["profile"] else None
    dataset = Dataset(clean_text(content["name"]), content["digest"], "local", source.to_json(), profile=profile)
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", content["context"])])])
