"""What several tests of tracking start from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.mlflow_server import mlflow_server
from plx_train.tracking import resolve_uri
from plx_train.tracking.store import open_client


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real MLflow server."""
    folder = tmp_path_factory.mktemp("server")
    uri = resolve_uri(None, folder)
    open_client(uri)
    with mlflow_server(uri, folder) as port:
        yield port
