"""Where records of runs are kept: the database beside them, unless the user named another store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from plx_train.config.texts import key_of
from plx_train.ground.credentials import without_credentials
from plx_train.ground.errors import UserError
from plx_train.studio.home import Home

STORE = "store"
"""The setting's name."""
SAYS_IT = ("tracking", "tracking.uri", "tracking.backend")


def store_of(home: Home) -> str:
    """Address of MLflow's store."""
    from plx_train.tracking.store import resolve_uri

    return resolve_uri(home.settings().get(STORE) or None, home.outputs)


def set_store(home: Home, address: str) -> None:
    """Has commands keep their records elsewhere from now on; nothing: in the database beside the runs.

    Raises:
        UserError: MLflow has no such store, or a password is in its address.
    """
    from plx_train.tracking.store import resolve_uri

    if address:
        if without_credentials(address) != address:
            raise UserError(
                "a password would lie in the settings: leave it out of the address, and start the studio with "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            )
        resolve_uri(address)
    home.set({STORE: address})


def with_store(home: Home, overrides: Sequence[str]) -> list[str]:
    """A command that keeps its records, and looks for models, in the store that the user named."""
    address = home.settings().get(STORE)
    if not address or any(key_of(text) in SAYS_IT for text in overrides):
        return [*overrides]
    return [*overrides, f"tracking.uri={address}"]


def record_page(facts: Mapping[str, Any]) -> str | None:
    """A run's page on the server that has its record; None where that is a database."""
    uri, run_id = str(facts.get("tracking_uri") or ""), facts.get("run_id")
    address = pages_of(uri)
    return f"{address}/#/runs/{quote(str(run_id), safe='')}" if address and run_id else None


def pages_of(uri: str) -> str | None:
    """Where a server shows its records; None for a database."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return None
    # A browser asks for name and password itself.
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl().rstrip("/")
