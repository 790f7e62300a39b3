"""Promotions on a real store: each gate, force, rollback, history, deletion, and two at once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit.places import TESTS
from kit.promotion import OTHER_DATASET, Desk, FakePipeline, cannot_measure, new_store
from plx_train.ground.errors import UserError
from plx_train.registry import ledger
from plx_train.registry.candidate import Measurement
from plx_train.registry.ledger import LedgerEntry
from plx_train.registry.promotion import PromotionRequest, delete, roll_back
from plx_train.registry.resolve import resolve


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    new_store(folder)
    return folder / "mlflow.db"


@pytest.fixture
def desk(template: Path, tmp_path: Path) -> Desk:
    return Desk(new_store(tmp_path / "store", template), tmp_path)


def gates(outcome: object) -> dict[str, bool]:
    return {gate.name: gate.ok for gate in outcome.entry.gates}  # type: ignore[attr-defined]


ALL_HOLD = {"metric": True, "parity": True, "pipeline": True, "latency": True}


def test_the_first_good_one_becomes_champion(desk: Desk) -> None:
    candidate = desk.candidate(0.8)
    outcome = desk.promote(candidate)

    assert outcome.ok
    assert gates(outcome) == ALL_HOLD
    assert outcome.sentence == "text_det@champion points at version 1 now, before at nowhere"
    found = resolve("models:/text_det@champion", desk.uri)
    assert (found.name, found.version, found.alias) == ("text_det", "1", "champion")
    assert found.folder != candidate.folder
    tags = desk.client.get_model_version("text_det", "1").tags
    assert tags["plx.metric"] == "hmean"
    assert float(tags["plx.value"]) == 0.8
    assert tags["plx.parity"] == "good"
    assert tags["plx.sha256.inference.pdiparams"] == candidate.parameters_sha256
    assert float(tags["plx.latency_ms"]) >= 0
    (entry,) = ledger.entries(desk.client)
    assert (entry.outcome, entry.former, entry.target, entry.action) == ("promoted", "", "1", "promote")
    assert "@" in entry.who
    assert abs(entry.when - time.time()) < 60
    assert entry.gates == outcome.entry.gates


def test_worse_is_refused_and_better_and_equal_are_taken(desk: Desk) -> None:
    desk.promote(desk.candidate(0.8))
    worse = desk.promote(desk.candidate(0.79))
    assert not worse.ok
    assert gates(worse) == ALL_HOLD | {"metric": False}
    assert "hmean 0.7900 is below 0.8000 of version 1" in worse.sentence
    assert "it stays at version 1" in worse.sentence
    assert desk.champion() == "1"

    assert desk.promote(desk.candidate(0.81)).ok
    assert desk.promote(desk.candidate(0.81)).ok
    assert desk.champion() == "4"
    assert [entry.outcome for entry in ledger.entries(desk.client)] == ["promoted", "refused", "promoted", "promoted"]


def test_the_champion_is_measured_on_the_candidates_dataset_once(desk: Desk) -> None:
    desk.promote(desk.candidate(0.9))
    measured: list[Path] = []

    def measure(folder: Path) -> Measurement:
        measured.append(folder)
        return Measurement("hmean", 0.7, OTHER_DATASET, 7)

    worse = desk.promote(desk.candidate(0.69, dataset=OTHER_DATASET), measure=measure)
    better = desk.promote(desk.candidate(0.71, dataset=OTHER_DATASET), measure=measure)

    assert (worse.ok, better.ok) == (False, True)
    assert "0.6900 is below 0.7000 of version 1" in worse.sentence
    assert measured == [resolve("models:/text_det/1", desk.uri).folder]


def test_as_many_samples_of_the_same_dataset_are_compared(desk: Desk) -> None:
    desk.promote(desk.candidate(0.9))
    few = desk.candidate(0.95, num_samples=2)

    outcome = desk.promote(few, measure=lambda folder: Measurement("hmean", 0.97, few.measurement.fingerprint, 2))

    assert gates(outcome)["metric"] is False


@pytest.mark.parametrize("has_changed", [True, False])
def test_a_champion_that_cant_be_measured_refuses_the_candidate(has_changed: bool, desk: Desk) -> None:
    desk.promote(desk.candidate(0.5))
    other = desk.candidate(0.9, dataset=OTHER_DATASET)

    outcome = desk.promote(
        other, measure=(lambda folder: Measurement("hmean", 0.1, "f" * 64, 7)) if has_changed else cannot_measure
    )

    assert gates(outcome) == ALL_HOLD | {"metric": False}
    assert ("any more" if has_changed else "the dataset is gone") in outcome.sentence


@pytest.mark.parametrize(
    ("parity", "expected"),
    [
        ("missing", "there is no parity.json"),
        ("bad", "parity is bad"),
        ("foreign", "made for other files: inference.pdiparams"),
        ("old", "does not say which files"),
        ("broken", "can't be understood"),
    ],
)
def test_no_promotion_without_a_proof_for_these_files(parity: str, expected: str, desk: Desk) -> None:
    outcome = desk.promote(desk.candidate(0.9, parity=parity))

    assert not outcome.ok
    assert gates(outcome)["parity"] is False
    assert gates(outcome)["pipeline"] is True
    assert expected in outcome.sentence
    assert desk.champion() is None


def test_what_does_not_run_in_its_pipeline_is_refused(desk: Desk) -> None:
    def wont_load(folder: Path) -> FakePipeline:
        raise RuntimeError("(NotFound) op is not\n  there")

    outcome = desk.promote(desk.candidate(0.9), load=wont_load)
    assert gates(outcome) == ALL_HOLD | {"pipeline": False, "latency": False}
    assert "RuntimeError: there" in outcome.sentence

    outcome = desk.promote(desk.candidate(0.9), fault=UserError("no boxes"))
    assert gates(outcome) == ALL_HOLD | {"pipeline": False, "latency": False}
    other = desk.candidate(0.1).folder
    outcome = desk.promote(desk.candidate(0.9), load=lambda folder: FakePipeline(other))
    assert "other parameters" in outcome.sentence
    assert desk.champion() is None


def test_latency_is_held_against_the_pipelines_budget(desk: Desk) -> None:
    slow = desk.promote(desk.candidate(0.9), milliseconds=20.0, latency_budget_ms=5.0)
    assert gates(slow) == ALL_HOLD | {"latency": False}
    assert "over the budget of 5 ms" in slow.sentence
    free = desk.promote(desk.candidate(0.9), milliseconds=20.0, latency_budget_ms=None)
    assert gates(free) == ALL_HOLD
    assert free.entry.gates[-1].numbers["milliseconds"] >= 20


def test_all_gates_are_told(desk: Desk) -> None:
    desk.promote(desk.candidate(0.9))
    outcome = desk.promote(desk.candidate(0.1, parity="bad"), milliseconds=20.0, latency_budget_ms=1.0)

    assert gates(outcome) == {"metric": False, "parity": False, "pipeline": True, "latency": False}
    for name in ("metric: ", "parity: ", "latency: "):
        assert name in outcome.sentence
    entry = ledger.entries(desk.client)[-1]
    assert entry.gates == outcome.entry.gates
    assert entry.gates[0].numbers == {"candidate": 0.1, "champion": 0.9}


def test_force_moves_and_its_reason_is_kept(desk: Desk) -> None:
    desk.promote(desk.candidate(0.9))
    outcome = desk.promote(desk.candidate(0.1), force=True, reason="the old one leaks")

    assert outcome.ok
    assert desk.champion() == "2"
    entry = ledger.entries(desk.client)[-1]
    assert (entry.outcome, entry.reason, entry.gates[0].ok) == ("forced", "the old one leaks", False)


def test_the_same_files_are_one_version_and_promoting_it_again_changes_nothing(desk: Desk) -> None:
    candidate = desk.candidate(0.9)
    desk.promote(candidate)
    again = desk.promote(candidate)
    other = desk.promote(candidate, alias="staging")

    assert again.ok
    assert again.sentence == "text_det@champion is version 1 already"
    assert (other.ok, other.entry.target) == (True, "1")
    assert [entry.outcome for entry in ledger.entries(desk.client)] == ["promoted", "unchanged", "promoted"]


def test_rollback_goes_back_step_by_step_over_what_is_gone(desk: Desk) -> None:
    for value in (0.5, 0.6, 0.7, 0.8):
        assert desk.promote(desk.candidate(value)).ok
    request = PromotionRequest("text_det", "champion", reason="complaints")
    delete(desk.client, desk.uri, "text_det", "3", "")

    assert roll_back(desk.client, desk.uri, request).sentence == (
        "text_det@champion points at version 2 now, before at version 4"
    )
    assert desk.champion() == "2"
    assert roll_back(desk.client, desk.uri, request).ok
    assert desk.champion() == "1"
    with pytest.raises(UserError, match="is version 1, and the ledger knows no version before it"):
        roll_back(desk.client, desk.uri, request)
    last = ledger.entries(desk.client)[-1]
    assert (last.action, last.outcome, last.former, last.target, last.reason) == (
        "rollback", "rolled back", "2", "1", "complaints",
    )  # fmt: skip
    assert desk.promote(desk.candidate(0.9)).ok
    assert roll_back(desk.client, desk.uri, request).entry.target == "1"


def test_rollback_does_not_go_to_a_damaged_version(desk: Desk) -> None:
    desk.promote(desk.candidate(0.5))
    desk.promote(desk.candidate(0.6))
    path = resolve("models:/text_det/1", desk.uri).folder / "inference.pdiparams"
    path.write_text("rotten")

    with pytest.raises(UserError, match="is not what was registered as version 1 of text_det: its sha256 differs"):
        roll_back(desk.client, desk.uri, PromotionRequest("text_det", "champion"))
    assert desk.champion() == "2"


def test_deleting_what_an_alias_points_at_is_refused(desk: Desk) -> None:
    desk.promote(desk.candidate(0.5))
    desk.promote(desk.candidate(0.1))

    with pytest.raises(UserError, match="version 1 of text_det is not deleted: champion points at it"):
        delete(desk.client, desk.uri, "text_det", "1", "")
    with pytest.raises(UserError, match="text_det has no version 9; there is 2, 1"):
        delete(desk.client, desk.uri, "text_det", "9", "")
    delete(desk.client, desk.uri, "text_det", "2", "bad")
    assert [(entry.action, entry.outcome) for entry in ledger.entries(desk.client)][2:] == [
        ("delete", "refused"),
        ("delete", "refused"),
        ("delete", "deleted"),
    ]


RACER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from kit.promotion import Desk, FakePipeline
uri, root, me = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
desk = Desk(uri, root / me)
def load(folder):
    (root / f"{me}.ready").touch()
    end = time.monotonic() + 60
    while len(list(root.glob("*.ready"))) < 2 and time.monotonic() < end:
        time.sleep(0.005)
    return FakePipeline(folder)
outcome = desk.promote(desk.candidate(0.9), load=load, reason=me)
print(outcome.entry.target, outcome.ok, outcome.sentence)
"""


@pytest.mark.long
def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(desk: Desk) -> None:
    desk.promote(desk.candidate(0.5))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, desk.uri, str(desk.root), name, str(TESTS)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in ("first", "second")
    ]  # fmt: skip
    told = [process.communicate(timeout=100) for process in processes]

    assert [process.returncode for process in processes] == [0, 0], told
    answers = [text.split(" ", 2) for text, _ in told]
    (winner,) = [answer for answer in answers if answer[1] == "True"]
    (loser,) = [answer for answer in answers if answer[1] == "False"]
    assert desk.champion() == winner[0]
    entries = ledger.entries(desk.client)
    assert f"it was moved from version 1 to version {winner[0]} meanwhile, by {entries[1].who} at " in loser[2]
    assert sorted(entry.outcome for entry in entries) == ["promoted", "promoted", "refused"]
    assert [entry.former for entry in entries] == ["", "1", "1"]
    assert desk.client.search_registered_models()[0].name == "text_det"
    assert len(desk.client.search_registered_models()) == 1


def test_an_attempt_that_was_killed_is_told_by_what_came_of_it() -> None:
    old = time.time() - 3600

    def entry(former: str, target: str, outcome: str, minute: int) -> LedgerEntry:
        return LedgerEntry("promote", "m", "a", former, target, outcome, "me", "", when=old + 60 * minute)

    found = [
        entry("", "1", "moving", 0),
        entry("1", "2", "moving", 1),
        entry("1", "3", "promoted", 2),
        entry("3", "4", "moving", 3),
    ]

    def outcomes(current: str) -> list[str]:
        return [one.outcome for one in ledger.settled(found, {("m", "a"): current})]

    assert outcomes("4") == ["promoted", "interrupted", "promoted", "promoted"]
    assert outcomes("3") == ["promoted", "interrupted", "promoted", "interrupted"]
    assert ledger.trail(ledger.settled(found, {("m", "a"): "4"}), "a", "4") == ["1", "3", "4"]
    assert ledger.trail([], "a", "7") == ["7"]
