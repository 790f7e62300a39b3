"""``scripts/fuzz.py``: every fault is seen, equal seeds make equal cases, and a short run of each finds nothing."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from kit.places import TESTS

sys.path.insert(0, str(TESTS.parent / "scripts"))

from fuzzing.byte_changes import LONGEST
from fuzzing.campaign import Campaign
from fuzzing.cases import read_case, write_case
from fuzzing.formats import change_gzip, fields_of, message_of
from fuzzing.minimise import minimised
from fuzzing.mutate import Mutator
from fuzzing.readers import READERS
from fuzzing.trees import alias_bomb, change_tree, json_text, yaml_text
from fuzzing.watch import Watched

from kit.faulty_readers import READER

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits and signals are Linux's")
QUICK = ("safetensors", "pdparams", "yml", "images", "pdfs", "tables")
CASES = 25
SHOWN = {
    "crash": "crash", "hang": "hang", "memory": "memory", "write": "escape", "remove": "escape", "peek": "escape",
    "change": "escape", "program": "escape", "connection": "escape", "traceback": "fault", "wrong": "wrong",
    "refuse": "refused", "wait": "read",
}  # fmt: skip


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]))


def test_every_fault_is_seen_and_does_no_harm(tmp_path: Path) -> None:
    worker = Watched(READER, tmp_path / "worker", [{"word": b"fine"}])

    found = {word: worker.run({"word": word.encode()})["kind"] for word in SHOWN}
    secret = (tmp_path / "worker" / "guard" / "secret.txt").is_file()
    worker.stop()

    assert found == SHOWN
    assert secret and not (tmp_path / "worker" / "guard" / "new").exists()


def test_what_is_found_is_kept_small_and_counted_over_runs(tmp_path: Path) -> None:
    for cases in (40, 60):
        campaign = Campaign(READER, tmp_path / "state", 3, lambda sentence: None)
        campaign.corpus, campaign.whole = [{"word": b"fine"}, {"word": b"crash"}], []
        totals = campaign.run(None, cases)

    (finding,) = totals.findings.values()
    assert totals.cases == 100 and totals.read + finding.count <= 100
    assert finding.kind == "crash"
    assert read_case(tmp_path / "state" / "findings" / finding.case / "small") == {"word": b"crash"}
    assert json.loads((tmp_path / "state" / "totals.json").read_text())["cases"] == 100


def test_equal_seeds_make_equal_cases() -> None:
    corpus = [{"a.json": b'{"a": [1, 2]}', "b.png": b"\x89PNG\r\n\x1a\n", "c.csv": b"a,b\n1,2\n", "d.yml": b"a: 1\n"}]
    made = [[Mutator((b"x",), True).make(Random(f"{number}"), corpus) for number in range(200)] for _ in range(2)]

    assert made[0] == made[1]
    assert sum(case != corpus[0] for case in made[0]) > 150


def test_a_case_is_made_small() -> None:
    case = {"a": b"nothing", "b": bytes(300) + b"fault" + bytes(300)}

    assert minimised(case, lambda one: b"fault" in one.get("b", b"")) == {"b": b"fault"}


def test_a_case_lies_on_disk_as_it_is(tmp_path: Path) -> None:
    case = {"a/b": b"1", "c@": b"a/b"}

    write_case(case, tmp_path / "case")

    assert (tmp_path / "case" / "c").read_bytes() == b"1"
    assert read_case(tmp_path / "case") == case


def test_messages_are_taken_apart_and_put_together() -> None:
    message = message_of([(1, 0, 300), (2, 2, b"ab"), (3, 5, b"1234"), (4, 1, b"12345678")])

    assert message_of(fields_of(message)) == message


@pytest.mark.long
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in READERS]
)
def test_a_short_run_finds_nothing(name: str, tmp_path: Path) -> None:
    totals = Campaign(READERS[name], tmp_path / name, 1, lambda sentence: None).run(None, CASES)

    assert {key: finding.detail for key, finding in totals.findings.items()} == {}
    assert totals.cases == CASES == totals.refused + totals.read


@pytest.mark.parametrize("write", [json_text, yaml_text])
def test_a_tree_that_would_fill_all_memory_is_not_written(write: Callable[[Any], str]) -> None:
    with pytest.raises(ValueError, match="too large"):
        write({"a": ["x" * 70_000] * 20_000})


def test_changes_of_what_is_long_stay_small() -> None:
    bomb = yaml.safe_load(alias_bomb())
    for seed in range(20):
        with contextlib.suppress(ValueError):
            yaml_text(change_tree(Random(seed), bomb))
    for seed in range(12):
        assert len(json_text(change_tree(Random(seed), ["x" * 300_000, [0] * 100_000]))) < 3_000_000


def test_what_unpacks_to_far_more_is_unpacked_as_far_as_a_file_may_be() -> None:
    packed = gzip.compress(bytes(64 << 20))
    assert len(gzip.decompress(change_gzip(Random(1), packed, lambda name, content: content))) == LONGEST
