"""Settings: kept for the next start, and in force at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from kit.studio_homes import new_home
from plx_train.studio.app import create_app


def test_trainings_at_once_are_set(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    app = create_app(home)

    assert TestClient(app).post("/api/settings", json={"slots": 3}).json() == {"slots": 3, "store": ""}

    assert app.state.studio.board.slots == 3
    assert create_app(home).state.studio.board.slots == 3
    assert TestClient(app).get("/api/machine").json()["slots"] == 3


@pytest.mark.parametrize("slots", [0, 17, "many", 1.5])
def test_other_numbers_are_refused(tmp_path: Path, slots: object) -> None:
    answer = TestClient(create_app(new_home(tmp_path))).post("/api/settings", json={"slots": slots})

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("slots: ")
