"""What mode=promote works on: a candidate by what names it, and a version that is measured anew on its dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kit.rooms import tiny_room
from kit.runs import train_room
from plx_train.api import RunResult
from plx_train.config.compose import Composed, compose_run
from plx_train.ground.errors import UserError
from plx_train.workflow.promote_source import find_candidate, remeasure


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A run whose dictionary comes from the weights that it began with."""
    folder = tmp_path_factory.mktemp("promoted")
    dataset = tiny_room("text_rec").make_dataset(folder / "lines")
    first = train_room("text_rec", dataset, folder / "first")
    return train_room("text_rec", dataset, folder / "run", f"init_from={first.output}", "module.dict=weights")


def asked(run: RunResult, folder: Path) -> Composed:
    return compose_run(["mode=promote", f"run={run.output}", f"output={folder}", "device=cpu", "quiet=true"])


@pytest.mark.long
def test_a_candidate_is_measured_by_its_own_dictionary(
    trained: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A new run would fetch published weights for theirs.
    monkeypatch.setattr("plx_train.weights.fetch._fetch", lambda *given: pytest.fail("weights were fetched"))
    composed = asked(trained, tmp_path)
    candidate, source = find_candidate(composed.options, "sqlite:////nowhere.db")
    assert candidate.folder == trained.export and candidate.measurement is not None
    found = remeasure(composed, candidate, source, candidate.folder)
    assert found == candidate.measurement


def test_another_dataset_is_told(trained: RunResult, tmp_path: Path) -> None:
    composed = asked(trained, tmp_path)
    candidate, source = find_candidate(composed.options, "sqlite:////nowhere.db")
    assert candidate.measurement is not None
    other = replace(candidate, measurement=replace(candidate.measurement, fingerprint="0" * 64))
    with pytest.raises(UserError, match=r"the candidate was measured on 000000000000: give dataset\.root="):
        remeasure(composed, other, source, other.folder)
