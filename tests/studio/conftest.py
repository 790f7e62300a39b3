"""A studio whose data lie in its home; tests that need another one have fixtures of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.studios import StudioProcess, studio_in


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def studio(home: Path) -> Iterator[StudioProcess]:
    with studio_in(home, f"studio.data=[{home}]") as process:
        yield process
