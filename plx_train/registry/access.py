"""The way into the MLflow Model Registry, and one sentence for whatever is wrong with it."""

from __future__ import annotations

import functools
import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from plx_train.ground.credentials import without_credentials
from plx_train.ground.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from plx_train.tracking.tables import Reader

STORE_PACKAGES = ("mlflow", "sqlalchemy", "requests", "urllib3", "alembic", "sqlite3")
"""Packages whose errors are the store's, not ours."""


def registry_client(uri: str, may_create: bool = False) -> MlflowClient:
    """A client of the store at `uri`, an address as `resolve_uri` gives it.

    Args:
        may_create: a SQLite store that is not there yet is made.

    Raises:
        UserError: mlflow is not installed, or the store is not there or does not answer.
    """
    try:
        from plx_train.tracking.store import database_path
    except ImportError as error:
        raise _needs_training_part(error) from None
    path = database_path(uri)
    if path and not path.exists() and not may_create:
        raise UserError(f"nothing is registered at {path}, which does not exist: give tracking.uri=…")
    with explained(uri, f"the registry at {without_credentials(uri)} can't be opened"):
        return _open(uri, os.getpid())


def registry_reader(uri: str) -> Reader:
    """What answers questions to the store at `uri`: its tables, where they are known, else `registry_client`.

    Raises:
        UserError: mlflow is needed and not installed, or the store is not there or does not answer.
    """
    try:
        from plx_train.tracking.tables import open_tables
    except ImportError as error:
        raise _needs_training_part(error) from None
    return open_tables(uri) or registry_client(uri)


@functools.lru_cache(maxsize=8)
def _open(uri: str, process: int) -> MlflowClient:
    """Opened once a process: opening is slow, and an alias may be asked for every second."""
    from plx_train.tracking.store import open_client

    try:
        return open_client(uri)
    except ImportError as error:
        raise _needs_training_part(error) from None
    except RuntimeError as error:  # an older database that can't be brought up to date
        raise UserError(str(error)) from None


def _needs_training_part(error: ImportError) -> UserError:
    return UserError(f"the registry needs what is not installed here ({error.name}): pip install 'plx_train[train]'")


@contextmanager
def explained(uri: str, failure: str) -> Iterator[None]:
    """Turns an error of the store inside into a sentence that begins with `failure`.

    Raises:
        UserError: the store failed.
    """
    from plx_train.tracking.delivery import first_line

    try:
        yield
    except UserError:
        raise
    except Exception as error:
        package = type(error).__module__.partition(".")[0]
        if package not in STORE_PACKAGES and not isinstance(error, OSError):
            raise
        raise UserError(f"{failure}: {first_line(error)} ({without_credentials(uri)})") from None


def error_code(error: Exception) -> str:
    """MLflow's code of its own errors, for example RESOURCE_DOES_NOT_EXIST; empty for others."""
    return str(getattr(error, "error_code", ""))


def is_missing(error: Exception) -> bool:
    """Whether the registry answered that there is no such model, version or alias."""
    if error_code(error) == "RESOURCE_DOES_NOT_EXIST":
        return True
    return error_code(error) == "INVALID_PARAMETER_VALUE" and "alias" in str(error) and "not found" in str(error)


def is_taken(error: Exception) -> bool:
    """Whether the registry answered that the name exists already."""
    return error_code(error) == "RESOURCE_ALREADY_EXISTS"


def default_uri(tracking_uri: str | None) -> str:
    """The absolute address of the store: the given one, or the database in ``outputs``."""
    try:
        from plx_train.tracking.store import resolve_uri
    except ImportError as error:
        raise _needs_training_part(error) from None
    return resolve_uri(tracking_uri)


def who_asks() -> str:
    """user@machine, as far as the system knows."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return f"{user}@{socket.gethostname()}"
