"""``mode=sync`` of a foreign folder: nothing goes where it says, and no file but its own goes anywhere."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import plx_train
from plx_train.config.compose import compose_run
from plx_train.sweep.history import write_settings
from plx_train.tracking import unsent
from plx_train.tracking.store import PROMOTIONS, open_client


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder below outputs whose record names a private key, and a store to send it to."""
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    (tmp_path / "home" / ".ssh" / "id_ed25519").write_text("PRIVATE KEY")
    evil = tmp_path / "victim" / "outputs" / "evil"
    evil.mkdir(parents=True)
    (evil / "config.yaml").write_text(compose_run(["module=text_det", "dataset=pages"]).yaml)
    begin = {"experiment": "x", "name": "evil", "token": "f" * 32, "tags": {}, "params": {"lr": "1"}}
    records = [
        {"kind": "run", **begin},
        {"kind": "artifact", "path": str(tmp_path / "home" / ".ssh"), "folder": "loot"},
        {"kind": "artifact", "path": "config.yaml", "folder": None},
        {"kind": "finish", "status": "FINISHED", "reason": None},
    ]
    lines = [json.dumps({"seq": number, "ms": 1, **record}) for number, record in enumerate(records)]
    (evil / "tracking.jsonl").write_text("".join(f"{line}\n" for line in lines))
    facts = {"status": "FINISHED", "mode": "train", "tracking_uri": f"sqlite:///{tmp_path}/attacker/store.db"}
    (evil / "run.json").write_text(json.dumps(facts))
    monkeypatch.chdir(tmp_path / "victim")
    return evil


@pytest.mark.parametrize("run", [[], ["run=outputs/evil"]])
def test_no_store_is_asked_that_a_foreign_folder_names(
    evil: Path, tmp_path: Path, run: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    result = plx_train.run(["mode=sync", *run])
    assert (result.exit_code, result.metrics) == (1, {"sent": 0.0, "left": 4.0})
    shown = " ".join(capsys.readouterr())
    assert "trust=true" in shown
    assert "attacker/store.db" in shown
    assert not (tmp_path / "attacker").exists()


@pytest.mark.parametrize("way", ["trust", "uri"])
def test_what_is_sent_is_the_runs_own(evil: Path, tmp_path: Path, way: str) -> None:
    store = "attacker" if way == "trust" else "own"
    said = "trust=true" if way == "trust" else f"tracking.uri=sqlite:///{tmp_path}/own/store.db"
    assert plx_train.run(["mode=sync", "run=outputs/evil", said]).exit_code == 0
    assert [path.name for path in (tmp_path / store).rglob("config.yaml")] == ["config.yaml"]
    assert not [path for path in tmp_path.rglob("id_ed25519") if ".ssh" not in path.parts[:-1]]
    assert not list((tmp_path / store).rglob("id_*"))


def test_a_link_out_of_the_folder_has_nothing_sent_or_written(evil: Path, tmp_path: Path) -> None:
    (evil / "report.html").symlink_to(tmp_path / "home" / ".ssh" / "id_ed25519")
    for said in ("trust=true", f"tracking.uri=sqlite:///{tmp_path}/own/store.db"):
        assert plx_train.run(["mode=sync", "run=outputs/evil", said]).exit_code == 1
    assert not (tmp_path / "own").exists()
    assert not (evil / "run.lock").exists()


def _rewritten(run: Path, **beginning: str) -> None:
    """Changes what the record in a folder begins with."""
    lines = [json.loads(line) for line in (run / "tracking.jsonl").read_text().splitlines()]
    (run / "tracking.jsonl").write_text("".join(json.dumps(line | beginning) + "\n" for line in lines[:1]))


def test_a_run_of_ones_own_gets_nothing_of_a_foreign_record(evil: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/own/store.db"
    client = open_client(uri)
    own = client.create_run(client.create_experiment("mine"), tags={"plx.token": "0" * 32}).info.run_id
    (evil / "tracking.sent.json").write_text(json.dumps({"offset": 0, "run_id": own}))
    result = plx_train.run(["mode=sync", "run=outputs/evil", f"tracking.uri={uri}"])
    assert (result.exit_code, result.metrics) == (1, {"sent": 0.0, "left": 4.0})
    (evil / "tracking.sent.json").write_text(json.dumps({"offset": 10_000, "run_id": own, "skipped": [1, 2]}))
    result = plx_train.run(["mode=sync", "run=outputs/evil", f"tracking.uri={uri}"])
    assert (result.exit_code, result.metrics) == (1, {"sent": 0.0, "left": 2.0})
    assert client.get_run(own).data.params == {}
    assert not client.list_artifacts(own)


def test_a_foreign_record_makes_no_entry_of_the_ledger(evil: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/own/store.db"
    _rewritten(evil, experiment=PROMOTIONS)
    assert plx_train.run(["mode=sync", "run=outputs/evil", f"tracking.uri={uri}"]).exit_code == 1
    assert open_client(uri).get_experiment_by_name(PROMOTIONS) is None


SENT = "tracking.sent.json"
DAMAGES = {
    "a run without tags": ("tracking.jsonl", '{"seq": 0, "ms": 1, "kind": "run"}\n'),
    "records of other kinds": ("tracking.jsonl", '[]\n{"seq": [], "ms": "x", "kind": {}}\n' + "[" * 90_000 + "\n"),
    "an offset before the record": (SENT, '{"offset": -5, "run_id": null}'),
    "an offset without end": (SENT, '{"offset": Infinity, "run_id": null}'),
    "another kind of run": (SENT, '{"offset": 0, "run_id": {"a": 1}, "skipped": [null]}'),
    "no mapping": (SENT, "[1]"),
    "a pipe": (SENT, None),
    "a device": (SENT, "/dev/zero"),
}


@pytest.mark.long
@pytest.mark.timeout(60)
@pytest.mark.parametrize("damage", DAMAGES)
def test_one_bad_folder_holds_up_no_other(evil: Path, tmp_path: Path, damage: str) -> None:
    good = evil.parent / "good"
    shutil.copytree(evil, good)
    name, content = DAMAGES[damage]
    (evil / name).unlink(missing_ok=True)
    if content is None:
        os.mkfifo(evil / name)
    elif content.startswith("/"):
        (evil / name).symlink_to(content)
    else:
        (evil / name).write_text(content)
    facts = json.loads((evil / "run.json").read_text())
    (evil / "run.json").write_text(json.dumps(facts | {"status": "RUNNING"}))
    plx_train.run(["mode=sync", f"tracking.uri=sqlite:///{tmp_path}/own/store.db"])
    assert unsent(good / "tracking.jsonl") == 0


def test_ones_own_sweeps_record_is_sent_to_the_store_that_was_signed(evil: Path, tmp_path: Path) -> None:
    """No run.json says who made it; another address in the record changes nothing."""
    (evil / "run.json").unlink()
    _rewritten(evil, uri=f"sqlite:///{tmp_path}/attacker/store.db")
    names = ("command", "sampler", "pruner", "keys", "prefixes", "fixed", "num_trials", "slots", "seeds")
    settings = {"sweep_id": "evil", "storage": None, "objectives": []} | dict.fromkeys(names)
    write_settings(evil, settings)
    assert plx_train.run(["mode=sync"]).exit_code == 1
    write_settings(evil, settings, f"sqlite:///{tmp_path}/own/store.db")
    assert plx_train.run(["mode=sync"]).exit_code == 0
    assert not (tmp_path / "attacker").exists()
