"""The machine as the studio tells it, and what the doctor printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit.studio_homes import ended_job, new_home
from plx_train.studio.home import Home
from plx_train.studio.machine import examined, machine
from plx_train.studio.studio import Studio

REPORT = {"status": "warn", "checks": [{"name": "disk", "status": "warn", "detail": "little", "hint": "make room"}]}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path)


@pytest.mark.parametrize(
    ("log", "found"),
    [
        (json.dumps(REPORT, indent=1) + "\n", REPORT),
        (f"UserWarning: no ccache {{found}}\n{json.dumps(REPORT, indent=1)}\nbye\n", REPORT),
        ("error: no\n", None),
        ('{\n "checks": 3\n}\n', None),
        ("{\n broken\n}\n", None),
    ],
)
def test_the_doctors_report_is_found_in_what_was_printed(home: Home, log: str, found: Any) -> None:
    ended_job(home, "one", ["mode=doctor", "doctor.json=true"], log, about={"about": "doctor"})

    told = examined(Studio(home))
    assert told["report"] == found
    assert told["job"]["id"] == "one"


def test_without_the_doctor_nothing_is_told(home: Home) -> None:
    ended_job(home, "one", ["mode=evaluate"], json.dumps(REPORT, indent=1))

    assert examined(Studio(home)) == {"job": None, "report": None}


def test_the_machine(home: Home) -> None:
    told = machine(Studio(home))

    assert told["cores"] >= 1
    assert 0 < told["disk"]["free"] <= told["disk"]["total"]
    assert told["places"]["runs"] == str(home.outputs)
    assert told["storeCommand"] is None
    (home.outputs / "mlflow.db").touch()
    assert str(home.outputs / "mlflow.db") in machine(Studio(home))["storeCommand"]
