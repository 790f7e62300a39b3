"""``runs/checkpoint.py``, ``runs/facts.py``: what is damaged or made up is refused in a sentence."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from plx_train.contract.rooms import load_room
from plx_train.ground.errors import UserError, WeightsError
from plx_train.runs.checkpoint import load_checkpoint, load_state, save_checkpoint
from plx_train.runs.facts import read_facts
from plx_train.vision.heads import classes_of
from plx_train.workflow.dataset import trained_processor

DEEP = b"[" * 100_000


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "best"
    save_checkpoint(folder, {"network": {"w": np.ones(2, np.float32)}}, {"processor": {"labels": ["a", "b"]}})
    return folder


def put(folder: Path, name: str, content: bytes) -> None:
    """Exchanges a file, and has the manifest agree with that."""
    (folder / name).write_bytes(content)
    digests = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(digests | {name: hashlib.sha256(content).hexdigest()}))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("state.json", b"{"),
        ("state.json", b"\xff{}"),
        ("state.json", DEEP),
        ("network.safetensors", b""),
        ("network.safetensors", b'\x08\0\0\0\0\0\0\0{"w": 1}'),
        ("network.safetensors", b"\xff" * 64),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_named(checkpoint: Path, name: str, content: bytes) -> None:
    put(checkpoint, name, content)

    with pytest.raises(WeightsError, match=name):
        load_checkpoint(checkpoint)


@pytest.mark.parametrize("content", [b"{", b"\xff{}", DEEP])
def test_a_state_that_is_none_is_refused_alone_too(checkpoint: Path, content: bytes) -> None:
    (checkpoint / "state.json").write_bytes(content)

    with pytest.raises(WeightsError, match=r"state\.json can't be read"):
        load_state(checkpoint)


@pytest.mark.parametrize("content", [b"[1, 2]", b"7", DEEP])
def test_a_manifest_that_is_none_is_refused(checkpoint: Path, content: bytes) -> None:
    (checkpoint / "manifest.json").write_bytes(content)

    with pytest.raises(WeightsError, match="not a whole checkpoint"):
        load_checkpoint(checkpoint)


@pytest.mark.parametrize("recorded", ["labels", ["labels"], {"labels": 5}, {"other": 1}, {"labels": ["a"], "size": {}}])
def test_recorded_processing_of_another_kind_is_refused(checkpoint: Path, recorded: object) -> None:
    put(checkpoint, "state.json", json.dumps({"processor": recorded}).encode())

    with pytest.raises(UserError):
        trained_processor(load_room("image_cls"), checkpoint)


@pytest.mark.parametrize("recorded", ["labels", {"labels": 5}, {"labels": None}])
def test_classes_that_are_none_are_not_known(checkpoint: Path, recorded: object) -> None:
    put(checkpoint, "state.json", json.dumps({"processor": recorded}).encode())

    assert classes_of(checkpoint) is None


@pytest.mark.parametrize("name", ["state.json", "network.safetensors", "manifest.json"])
def test_a_device_in_the_place_of_a_file_is_not_read(checkpoint: Path, name: str) -> None:
    (checkpoint / name).unlink()
    (checkpoint / name).symlink_to("/dev/zero")

    with pytest.raises(WeightsError, match=r"leads out of|ordinary file"):
        load_checkpoint(checkpoint)


@pytest.mark.parametrize("content", [b"{", b"3", DEEP])
def test_facts_that_are_none_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)

    with pytest.raises(UserError, match=r"run\.json can't be read"):
        read_facts(tmp_path)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"overrides": 3}, "overrides is not a list"),
        ({"overrides": ["a=b", 3]}, "overrides are not texts"),
        ({"metrics": ["a"]}, "metrics is not a mapping"),
        ({"metrics": {"a": "b"}}, "metrics are not numbers"),
        ({"export": ["a"]}, "export is not a text"),
    ],
)
def test_facts_of_other_kinds_are_refused(tmp_path: Path, facts: dict[str, object], told: str) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"mode": "train", **facts}))

    with pytest.raises(UserError, match=told):
        read_facts(tmp_path)


def test_facts_may_be_few_or_null(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"export": null, "metrics": {"a": NaN}, "seconds": "x"}')

    assert read_facts(tmp_path)["export"] is None
