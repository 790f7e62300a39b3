"""MLflow's store: its address, its database and the runs in it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from plx_train.ground.credentials import put_away, with_credentials, without_credentials
from plx_train.ground.errors import ConfigError
from plx_train.ground.file_lock import file_lock
from plx_train.ground.files import resolve_path
from plx_train.runs.folder import OUTPUTS
from plx_train.tracking.answers import bound_answers
from plx_train.tracking.receipts import NO_SERVER, WrongAnswer
from plx_train.tracking.words import clean_text

if TYPE_CHECKING:
    from mlflow import MlflowClient

SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
SQLITE = "sqlite:///"
ARTIFACTS_NAME = "mlartifacts"
PROMOTIONS = "plx_train promotions"
"""The experiment whose runs are the ledger of promotions; nobody trained them."""
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""Makes MLflow's pages show training first, not its tools for language models."""

# The delivery thread has its own patience; MLflow's would hold it for minutes. What the user has set wins.
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    # A redirect leads away from the server that was named: to a login, or the records to somebody else.
    "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}


def resolve_uri(uri: str | None, folder: Path = Path(OUTPUTS)) -> str:
    """The absolute address of the store: `uri`, or a database in `folder`; its password is put away.

    A relative SQLite path is taken from the current folder; a bare path to a ``.db`` file is one as well.

    Raises:
        ConfigError: MLflow has no store of this kind.
    """
    if uri is None:
        return _address((folder / "mlflow.db").absolute())
    uri = put_away(uri)
    if uri.startswith(SQLITE):
        return _address(resolve_path(_decoded(uri.removeprefix(SQLITE))))
    if "://" not in uri and uri.endswith(".db"):
        return _address(resolve_path(uri))
    scheme = uri.partition("://")[0].partition("+")[0]
    if scheme not in SCHEMES or ("://" not in uri and uri != "databricks"):
        raise ConfigError(
            f"tracking.uri={without_credentials(uri)} is no address of an MLflow store: "
            "write http://host:port, sqlite:////folder/mlflow.db or a database address"
        )
    return uri


def database_path(uri: str) -> Path | None:
    """File of a SQLite store; None for any other."""
    return Path(_decoded(uri.removeprefix(SQLITE))) if uri.startswith(SQLITE) else None


def is_server(uri: str) -> bool:
    """Whether the store is reached by HTTP; else it is a database, whose yes is a yes."""
    return uri.startswith(("http://", "https://", "databricks"))


def _address(path: Path) -> str:
    """A SQLite file's address, in which ``%`` and ``?`` would mean something else."""
    text = path.as_posix()
    return SQLITE + (text.replace("%", "%25").replace("?", "%3F") if _decodes() else text)


def _decoded(text: str) -> str:
    return unquote(text) if "%" in text and _decodes() else text


@cache
def _decodes() -> bool:
    """Whether the library below MLflow takes ``%25`` in a file's address for ``%``: from SQLAlchemy 2.1 on."""
    return tuple(map(int, re.findall(r"\d+", version("sqlalchemy"))[:2])) >= (2, 1)


def open_client(uri: str) -> MlflowClient:
    """A client of the store, whose database is made or brought up to date first, by one process at a time."""
    import logging

    for key, value in SETTINGS.items():
        os.environ.setdefault(key, value)
    # Migrations and lock waits are not the user's business; what matters is raised.
    for name in ("mlflow.store.db.utils", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    from mlflow import MlflowClient

    bound_answers()
    path = database_path(uri)
    if path is None:
        if not is_server(uri):
            _shorten_retries()
        return MlflowClient(with_credentials(uri))
    path.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(path.with_name(f"{path.name}.lock")):
        return _open_database(uri, path)


def _shorten_retries() -> None:
    """Has MLflow say at once what is wrong with a database; it would keep it to itself for two minutes."""
    import mlflow.store.db.utils as databases

    if hasattr(databases, "MAX_RETRY_COUNT"):
        databases.MAX_RETRY_COUNT = 2


def _open_database(uri: str, path: Path) -> MlflowClient:
    from mlflow import MlflowClient

    existed = path.exists()
    try:
        _make_default_experiment(uri, path)
        client = MlflowClient(uri)
        client.get_experiment_by_name("Default")
    except Exception as error:
        if not existed or "out-of-date" not in str(error):
            raise
        _upgrade(uri, path)
        client = MlflowClient(uri)
    return client


def _make_default_experiment(uri: str, path: Path) -> None:
    """Makes the database with the experiment that MLflow wants there: it would write the command's folder into SQL."""
    if os.environ.get("MLFLOW_ENABLE_WORKSPACES"):
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(uri, (path.parent / ARTIFACTS_NAME).as_uri())


def _upgrade(uri: str, path: Path) -> None:
    """Brings a database made by an older MLflow up to date and keeps a copy of it as it was."""
    copy = path.with_name(f"{path.name}.before-upgrade")
    if not copy.exists():
        shutil.copy2(path, copy)
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", uri]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        faults = [line for line in done.stderr.splitlines() if "Error" in line]
        fault = faults[-1] if faults else f"exit code {done.returncode}"
        raise RuntimeError(f"the database of an older MLflow can't be upgraded: {fault}")


def experiment_id(client: MlflowClient, uri: str, name: str) -> str:
    """The experiment's id; the experiment is made if need be, artifacts of a local database beside it."""
    name = clean_text(name)
    found = client.get_experiment_by_name(name)
    if found is None:
        path = database_path(uri)
        location = (path.parent / ARTIFACTS_NAME / quote(name, safe="")).as_uri() if path else None
        try:
            created = client.create_experiment(name, location, EXPERIMENT_TAGS)
        except Exception:
            found = client.get_experiment_by_name(name)  # another process was quicker
            if found is None:
                raise
        else:
            if not created:
                raise WrongAnswer(NO_SERVER)
            return str(created)
    if found.name != name or not found.experiment_id:
        raise WrongAnswer(NO_SERVER)
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def ui_command(uri: str) -> str | None:
    """The command that shows a local store in a browser; None where a server shows it already."""
    if is_server(uri):
        return None
    beside = Path(sys.executable).with_name("mlflow")
    program = "mlflow" if shutil.which("mlflow") == str(beside) else str(beside)
    return f"{shlex.quote(program)} ui --backend-store-uri {shlex.quote(put_away(uri))}"


def run_url(uri: str, experiment: str, run_id: str) -> str | None:
    """The run's page in MLflow's view of training, on the store's server or the one `ui_command` starts."""
    if uri.startswith("databricks"):
        return None
    host = without_credentials(uri).rstrip("/") if uri.startswith("http") else "http://127.0.0.1:5000"
    return f"{host}/#/experiments/{experiment}/runs/{run_id}?workflowType=machine_learning"
