"""The registry as the studio tells it: versions, aliases, attempts with their gates, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.promotion import Desk, new_store
from kit.studio_homes import new_home
from plx_train.registry.promotion import PromotionRequest, roll_back
from plx_train.studio import registered
from plx_train.studio.home import Home
from plx_train.studio.registered import Registered


@pytest.fixture(scope="module")
def told_of(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Desk]:
    folder = tmp_path_factory.mktemp("home")
    home = new_home(folder)
    desk = Desk(new_store(home.outputs), folder)
    desk.promote(desk.candidate(0.8))
    desk.promote(desk.candidate(0.6))
    desk.promote(desk.candidate(0.9))
    return home, desk


def test_versions_aliases_and_gates(told_of: tuple[Home, Desk]) -> None:
    told = Registered(told_of[0]).told()

    model = told["models"][0]
    assert (model["name"], model["aliases"], model["before"]) == ("text_det", {"champion": "3"}, {"champion": "1"})
    assert model["place"] == {"pipeline": "OCR", "part": "TextDetection"}
    assert [(one["version"], one["aliases"], one["value"]) for one in model["versions"]] == [
        ("3", ["champion"], "0.9"),
        ("2", [], "0.6"),
        ("1", [], "0.8"),
    ]
    assert [entry["outcome"] for entry in told["ledger"]] == ["promoted", "refused", "promoted"]
    gates = {gate["name"]: gate["ok"] for gate in told["ledger"][1]["gates"]}
    assert gates == {"metric": False, "parity": True, "pipeline": True, "latency": True}


def test_it_is_read_again_only_when_it_changed(told_of: tuple[Home, Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    home, desk = told_of
    reads = []
    whole = registered._read
    monkeypatch.setattr(registered, "_read", lambda client: reads.append(1) or whole(client))
    registry = Registered(home)

    registry.told()
    registry.told()
    assert len(reads) == 1
    roll_back(desk.client, desk.uri, PromotionRequest("text_det", "champion"))

    model = registry.told()["models"][0]
    assert len(reads) == 2
    assert (model["aliases"], model["before"]) == ({"champion": "1"}, {})


def test_a_home_without_records_has_no_registry(tmp_path: Path) -> None:
    told = Registered(new_home(tmp_path)).told()

    assert (told["hasStore"], told["models"], told["ledger"]) == (False, [], [])
    assert not (tmp_path / "outputs" / "mlflow.db").exists()


def test_another_store_is_another_registry(told_of: tuple[Home, Desk], tmp_path: Path) -> None:
    home = told_of[0]
    registry = Registered(home)
    assert registry.told()["models"]
    try:
        home.set({"store": new_store(tmp_path / "other")})
        assert registry.told() == {"hasStore": True, "models": [], "ledger": []}
    finally:
        home.set({"store": ""})
    assert registry.told()["models"]
