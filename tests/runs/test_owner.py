"""Whose run a folder holds is told by a signature, never by what the folder says."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from plx_train.runs.facts import read_facts, write_facts
from plx_train.runs.owner import KEY_FILE, config_hash, doubt, sealed, why_unsigned

FACTS = {"mode": "train", "overrides": ["module=text_det", "seed=3"], "tracking_uri": "http://a", "status": "RUNNING"}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLX_TRAIN_STATE", str(tmp_path / "state"))
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text("seed: 3\n")
    write_facts(run, sealed(run, FACTS))
    return run


def test_ones_own_run_is_known_wherever_it_lies_and_however_it_ends(run: Path, tmp_path: Path) -> None:
    assert doubt(run) is None
    write_facts(run, read_facts(run) | {"status": "KILLED", "metrics": {"val/hmean": 0.5}, "run_id": "abc"})
    moved = run.rename(tmp_path / "elsewhere")
    assert doubt(moved) is None


def test_the_key_is_its_owners_alone_and_stays(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "state" / KEY_FILE
    key = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [KEY_FILE]
    sealed(run, FACTS)
    assert path.read_bytes() == key
    assert key.hex() not in (run / "run.json").read_text()


@pytest.mark.parametrize("name", ["mode", "overrides", "tracking_uri"])
def test_facts_that_were_changed_are_seen(run: Path, name: str) -> None:
    write_facts(run, read_facts(run) | {name: ["other"] if name == "overrides" else "other"})
    assert "was changed by somebody" in str(doubt(run))


def test_a_configuration_that_was_changed_is_seen(run: Path) -> None:
    (run / "config.yaml").write_text("seed: 4\n")
    assert "was changed by somebody" in str(doubt(run))
    (run / "config.yaml").unlink()
    assert "was changed by somebody" in str(doubt(run))


def test_a_run_signs_the_configuration_that_it_began_with(run: Path) -> None:
    began = config_hash(run)
    (run / "config.yaml").write_text("seed: 4\n")
    write_facts(run, sealed(run, FACTS | {"status": "FINISHED"}, began))
    assert "was changed by somebody" in str(doubt(run))


def test_another_users_run_is_another_users(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLX_TRAIN_STATE", str(tmp_path / "others"))
    assert "by another user or on another machine" in str(doubt(run))
    sealed(run, FACTS)
    assert "by another user or on another machine" in str(doubt(run))


@pytest.mark.parametrize(
    "seal",
    [
        None,
        "x",
        {},
        {"key": 3, "mac": 4},
        {"key": "0" * 16, "mac": "0" * 64},
        [1],
        {"mac": None},
        {"key": "0", "mac": "ü"},
    ],
)
def test_no_signature_or_a_made_up_one_is_none(run: Path, seal: object) -> None:
    facts = read_facts(run)
    known = facts.pop("seal")
    write_facts(run, facts if seal is None else facts | {"seal": seal})
    assert doubt(run)
    write_facts(run, facts | {"seal": known | {"mac": "0" * 64}})
    assert "was changed by somebody" in str(doubt(run))


def test_a_folder_without_a_record_is_nobodys(tmp_path: Path) -> None:
    assert doubt(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps([1]))
    assert doubt(tmp_path)


def test_where_no_key_can_be_kept_a_run_goes_unsigned(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PLX_TRAIN_STATE", str(tmp_path / "file"))
    assert sealed(run, FACTS) == FACTS
    assert "was made by another user or on another machine" in str(doubt(run))


def test_a_key_is_made_where_files_have_one_name_alone(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setenv("PLX_TRAIN_STATE", str(tmp_path / "stick"))
    monkeypatch.setattr(os, "link", refuse)
    write_facts(run, sealed(run, FACTS))
    assert doubt(run) is None
    assert why_unsigned() is None
    path = tmp_path / "stick" / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [KEY_FILE]


def test_a_run_that_can_not_be_signed_says_so(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PLX_TRAIN_STATE", str(tmp_path / "file"))
    assert f"{tmp_path / 'file' / KEY_FILE} can't be written" in str(why_unsigned())
    write_facts(run, sealed(run, FACTS))
    assert "where the key that signs them can't be kept" in str(doubt(run))
