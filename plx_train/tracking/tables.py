"""A SQLite store of MLflow, read without it: its import and its look at the schema are two seconds of every command."""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from plx_train.tracking.store import database_path

if TYPE_CHECKING:
    from mlflow import MlflowClient

    Reader: TypeAlias = MlflowClient | "Tables"

REVISIONS = frozenset({"dc11669786a5"})
"""Schemas whose tables are read here; a store of any other is left to MLflow."""
ELSEWHERE = ("MLFLOW_ENABLE_WORKSPACES", "MLFLOW_REGISTRY_URI")
"""Variables by which MLflow would look at other rows, or at another store."""
BUSY_SECONDS = 10.0
DELETED = "Deleted_Internal"
"""The stage of a version that was deleted."""


COLUMNS = "run_uuid, start_time, name, status"
HANGING = ("tags", "params")
BY_START = "start_time IS NULL, start_time"


class Missing(Exception):
    """There is no such row; MLflow's own error says so by the same code."""

    error_code = "RESOURCE_DOES_NOT_EXIST"


@dataclass(frozen=True)
class Experiment:
    """An experiment's row."""

    experiment_id: str
    name: str


@dataclass(frozen=True)
class ReadInfo:
    """What a run's own row says."""

    run_id: str
    start_time: int
    run_name: str | None
    status: str


@dataclass(frozen=True)
class ReadContent:
    """What hangs on a run; of each metric the last value."""

    tags: dict[str, str]
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadRun:
    """A run, as far as it is read."""

    info: ReadInfo
    data: ReadContent


class ReadRuns(list[ReadRun]):
    """All runs that were asked for, on one page."""

    token = None


@dataclass(frozen=True)
class ModelVersion:
    """A registered version's row."""

    name: str
    version: str
    source: str
    run_id: str | None
    tags: dict[str, str]
    aliases: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Tables:
    """Answers those questions to an `MlflowClient` that a look at the registry asks, by the same names.

    Attributes:
        tracking_uri: address of the store.
    """

    tracking_uri: str

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        rows = self._rows("SELECT experiment_id, name FROM experiments WHERE name = ?", name)
        return next((Experiment(str(number), str(found)) for number, found in rows), None)

    def search_runs(self, experiment_ids: Sequence[str], *_: Any, **__: Any) -> ReadRuns:
        """The runs of one experiment that were not deleted, in the order in which they began; their tags alone."""
        (number,) = experiment_ids
        where = "WHERE experiment_id = ? AND lifecycle_stage = 'active'"
        tags: dict[str, dict[str, str]] = {}
        for run_id, key, value in self._rows(
            f"SELECT run_uuid, key, value FROM tags WHERE run_uuid IN (SELECT run_uuid FROM runs {where})", int(number)
        ):
            tags.setdefault(run_id, {})[key] = value
        rows = self._rows(f"SELECT {COLUMNS} FROM runs {where} ORDER BY {BY_START}, run_uuid", int(number))
        return ReadRuns(ReadRun(ReadInfo(*row), ReadContent(tags.get(row[0], {}))) for row in rows)

    def runs_by_id(self, beginning: str, most: int, without: str) -> list[ReadRun]:
        """The latest runs whose ids begin so, outside of the experiment `without`."""
        return self._runs("substr(run_uuid, 1, length(?1)) = ?1", beginning, most, without)

    def runs_by_name(self, name: str, most: int, without: str) -> list[ReadRun]:
        """The latest runs of this name, outside of the experiment `without`."""
        return self._runs("name = ?1", name, most, without)

    def latest_runs(self, most: int, without: str) -> list[ReadRun]:
        """The latest runs outside of the experiment `without`, by their own rows alone."""
        return [ReadRun(info, ReadContent({})) for info in self._infos("?1 = ?1", "", most, without)]

    def _runs(self, condition: str, text: str, most: int, without: str) -> list[ReadRun]:
        infos = self._infos(condition, text, most, without)
        return [ReadRun(info, self._content(info.run_id)) for info in infos]

    def _infos(self, condition: str, text: str, most: int, without: str) -> list[ReadInfo]:
        known = "SELECT experiment_id FROM experiments WHERE lifecycle_stage = 'active' AND name != ?2"
        where = f"WHERE {condition} AND lifecycle_stage = 'active' AND experiment_id IN ({known})"
        order = "ORDER BY start_time IS NULL, start_time DESC, run_uuid"
        rows = self._rows(f"SELECT {COLUMNS} FROM runs {where} {order} LIMIT ?3", text, without, most)
        return [ReadInfo(*row) for row in rows]

    def _content(self, run_id: str) -> ReadContent:
        tags, params = (self._rows(f"SELECT key, value FROM {name} WHERE run_uuid = ?", run_id) for name in HANGING)
        rows = self._rows("SELECT key, value, is_nan FROM latest_metrics WHERE run_uuid = ?", run_id)
        return ReadContent(
            dict(tags), dict(params), {key: math.nan if is_nan else value for key, value, is_nan in rows}
        )

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """
        Raises:
            Missing: there is no such alias.
        """
        sql = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
        for (version,) in self._rows(sql, name, alias):
            return self.get_model_version(name, str(version))
        raise Missing(f"{name} has no alias {alias}")

    def get_model_version(self, name: str, version: str) -> ModelVersion:
        """
        Raises:
            Missing: there is no such version.
        """
        place, where = (name, int(version)), "WHERE name = ? AND version = ?"
        rows = self._rows(f"SELECT source, run_id FROM model_versions {where} AND current_stage != ?", *place, DELETED)
        for source, run_id in rows:
            tags = dict(self._rows(f"SELECT key, value FROM model_version_tags {where}", *place))
            aliases = [alias for (alias,) in self._rows(f"SELECT alias FROM registered_model_aliases {where}", *place)]
            return ModelVersion(name, str(version), source, run_id, tags, aliases)
        raise Missing(f"{name} has no version {version}")

    def _rows(self, sql: str, *values: Any) -> Iterator[Any]:
        path = database_path(self.tracking_uri)
        assert path is not None
        yield from _select(path, sql, values)


def _select(path: Path, sql: str, values: Sequence[Any] = ()) -> list[Any]:
    """
    Raises:
        sqlite3.Error: the file is not there, or is no database, or lacks what is asked for.
    """
    address = f"file:{quote(str(path))}?mode=ro"
    with closing(sqlite3.connect(address, timeout=BUSY_SECONDS, uri=True)) as opened:
        return opened.execute(sql, tuple(values)).fetchall()


def open_tables(uri: str) -> Tables | None:
    """The tables of the store at `uri`; None where MLflow has to be asked, which can do more and says what is wrong."""
    path = database_path(uri)
    if path is None or any(os.environ.get(name) for name in ELSEWHERE):
        return None
    try:
        found = {revision for (revision,) in _select(path, "SELECT version_num FROM alembic_version")}
    except sqlite3.Error:
        return None
    return Tables(uri) if len(found) == 1 and found <= REVISIONS else None
