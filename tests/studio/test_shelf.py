"""Runs of a home as their folders say: finished, running, dead, torn, of sweeps; a thousand of them in a moment."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from plx_train.ground.errors import UserError
from plx_train.runs.lock import hold
from plx_train.studio.home import Home, make_home
from plx_train.studio.shelf import Shelf


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(str(tmp_path), [])


def record(home: Home, name: str, **facts: object) -> Path:
    folder = home.outputs / name
    folder.mkdir(parents=True)
    usual = {
        "status": "FINISHED",
        "mode": "train",
        "overrides": ["module=image_cls", "dataset.root='/my/pets'"],
        "monitor": "val/accuracy",
        "metrics": {"val/accuracy": 0.75, "before/accuracy": 0.25},
        "seconds": 60.0,
    }
    (folder / "run.json").write_text(json.dumps(usual | facts))
    return folder


def test_a_run_is_listed_with_what_it_reached(home: Home) -> None:
    record(home, "pets")
    (card,) = Shelf(home).cards()
    assert (card.name, card.status, card.module, card.dataset) == ("pets", "FINISHED", "image_cls", "/my/pets")
    assert (card.monitor, card.value, card.seconds) == ("val/accuracy", 0.75, 60.0)


def test_a_run_that_says_it_runs_is_believed_while_its_lock_is_held(home: Home) -> None:
    folder = record(home, "pets", status="RUNNING", metrics={})
    shelf = Shelf(home)
    lock = hold(folder)
    assert shelf.cards()[0].status == "RUNNING" and shelf.details("pets")["status"] == "RUNNING"
    lock.close()
    assert shelf.cards()[0].status == "DIED" and shelf.details("pets")["status"] == "DIED"


def test_what_changed_is_read_again_and_what_is_gone_is_left_out(home: Home) -> None:
    folder = record(home, "pets", status="RUNNING", metrics={})
    shelf = Shelf(home)
    shelf.cards()
    (folder / "run.json").write_text(json.dumps({"status": "FAILED", "reason": "no memory", "overrides": []}))
    assert (shelf.cards()[0].status, shelf.cards()[0].error) == ("FAILED", "no memory")
    (folder / "run.json").unlink()
    assert shelf.cards() == []


def test_a_torn_record_is_told_and_hides_no_other(home: Home) -> None:
    record(home, "whole")
    (record(home, "torn") / "run.json").write_text('{"status": ')
    cards = {card.name: card for card in Shelf(home).cards()}
    assert cards["whole"].status == "FINISHED"
    assert cards["torn"].status == "FAILED" and "can't be read" in cards["torn"].error


def test_runs_of_a_sweep_stand_under_it(home: Home) -> None:
    sweep = home.outputs / "sweeps" / "abc"
    record(home, "sweeps/abc/trials/0")
    (sweep / "sweep.json").write_text(json.dumps({"command": "python -m plx_train -m module=text_rec seed=1,2"}))
    record(home, "alone")
    cards = {card.name: card for card in Shelf(home).cards()}
    assert set(cards) == {"sweeps/abc", "alone"}
    assert cards["sweeps/abc"].is_sweep and cards["sweeps/abc"].module == "text_rec"
    assert Shelf(home).details("sweeps/abc")["isSweep"]
    # A run of it is looked at by its own name.
    assert Shelf(home).details("sweeps/abc/trials/0")["status"] == "FINISHED"


@pytest.mark.parametrize("name", ["../x", "/etc", "", "nowhere", "a\\b"])
def test_names_lead_nowhere_else(home: Home, name: str) -> None:
    with pytest.raises(UserError):
        Shelf(home).details(name)


def test_a_folder_that_is_a_link_out_is_no_run(home: Home, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "run.json").write_text('{"status": "FINISHED"}')
    (home.outputs / "link").symlink_to(elsewhere)
    assert Shelf(home).cards() == []
    with pytest.raises(UserError):
        Shelf(home).details("link")


def test_a_thousand_runs_are_listed_within_a_second(home: Home) -> None:
    for number in range(1000):
        record(home, f"run-{number}")
    shelf = Shelf(home)
    began = time.process_time()
    assert len(shelf.cards()) == 1000
    first = time.process_time() - began
    began = time.process_time()
    shelf.cards()
    again = time.process_time() - began
    assert first < 1.0 and again < 0.5, (first, again)
