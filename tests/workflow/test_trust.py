"""What the folder of somebody else's run may have done here: nothing before it is trusted, and not all after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from plx_train.config.compose import compose_run
from plx_train.ground.errors import ConfigError, UserError
from plx_train.runs.facts import read_facts, write_facts
from plx_train.runs.owner import sealed
from plx_train.runs.trial import environment_of
from plx_train.workflow.resume import Continuation, find_continuation
from plx_train.workflow.source import load_config

BEGUN_WITH = ["module=text_det", "dataset=pages", "device=cpu", "seed=3"]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A run of this user's that was stopped."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text(compose_run(BEGUN_WITH).yaml)
    facts = {"status": "KILLED", "mode": "train", "overrides": BEGUN_WITH, "tracking_uri": "http://elsewhere:5000"}
    write_facts(run, sealed(run, facts))
    return run


def foreign(run: Path, changes: dict[str, Any] | None = None, **facts: Any) -> Path:
    """The run as it comes from somebody else, who has changed its configuration and its facts."""
    recorded = yaml.safe_load((run / "config.yaml").read_text())
    for key, value in (changes or {}).items():
        *sections, name = key.split(".")
        place = recorded
        for section in sections:
            place = place[section]
        place[name] = value
    (run / "config.yaml").write_text(yaml.safe_dump(recorded, sort_keys=False))
    write_facts(run, {name: value for name, value in read_facts(run).items() if name != "seal"} | facts)
    return run


def going_on(run: Path, *overrides: str) -> Continuation:
    found = find_continuation(compose_run([f"resume={run}", *overrides]))
    assert found is not None
    return found


def test_ones_own_run_goes_on_and_takes_its_own_environment(own: Path) -> None:
    recorded = yaml.safe_load((own / "config.yaml").read_text())
    recorded["device"]["env"]["LD_LIBRARY_PATH"] = "/opt/cuda"
    (own / "config.yaml").write_text(yaml.safe_dump(recorded))
    write_facts(own, sealed(own, read_facts(own)))
    found = going_on(own)
    assert found.is_own
    assert found.composed.options.device.env["LD_LIBRARY_PATH"] == "/opt/cuda"


def test_anothers_run_asks_for_trust_and_says_where_it_would_send_its_record(own: Path) -> None:
    with pytest.raises(UserError, match=r"(?s)more than reading its numbers.*http://elsewhere:5000.*trust=true"):
        going_on(foreign(own))
    found = going_on(own, "trust=true")
    assert not found.is_own
    assert found.composed.options.seed == 3


def test_trust_is_the_commands_alone(own: Path) -> None:
    with pytest.raises(UserError, match="trust=true"):
        going_on(foreign(own, {"trust": True}, overrides=[*BEGUN_WITH, "trust=true"]))
    assert compose_run(BEGUN_WITH).options.trust is False


def test_an_address_is_shown_without_its_password(own: Path) -> None:
    with pytest.raises(UserError) as refused:
        going_on(foreign(own, tracking_uri="http://name:word@elsewhere:5000"))
    assert "word" not in str(refused.value).replace("a version", "")
    assert "***:***@elsewhere" in str(refused.value)


@pytest.mark.parametrize(
    "name",
    ["PYTHONPATH", "https_proxy"]
    + [pytest.param(name, marks=pytest.mark.long) for name in ("LD_PRELOAD", "MLFLOW_TRACKING_TOKEN", "FLAGS_mkl_dir")],
)
def test_trust_does_not_cover_variables_that_load_things(own: Path, name: str) -> None:
    foreign(own, {"device.env": {name: "evil", "OMP_NUM_THREADS": "1"}})
    with pytest.raises(UserError, match=rf"sets device\.env\.{name}.*say device\.env\.{name}="):
        going_on(own, "trust=true")
    assert going_on(own, "trust=true", f"device.env.{name}=mine").composed.options.device.env == {
        name: "mine",
        "OMP_NUM_THREADS": "1",
    }
    assert going_on(own, "trust=true", f"device.env.{name}=").composed.options.device.env[name] == ""


def test_flags_are_held_to_a_list_too(own: Path) -> None:
    foreign(own, {"device.flags": {"cudnn_dir": "/evil", "use_stride_kernel": 0}})
    with pytest.raises(UserError, match=r"sets device\.flags\.cudnn_dir"):
        going_on(own, "trust=true")


def test_what_the_command_says_again_is_the_commands(own: Path) -> None:
    foreign(own, {"device.env": {"PYTHONPATH": "evil"}}, overrides=[*BEGUN_WITH, "device.env.PYTHONPATH=mine"])
    found = going_on(own, "trust=true", "device.env.PYTHONPATH=mine")
    assert found.composed.options.device.env["PYTHONPATH"] == "mine"


@pytest.mark.parametrize("key", ["tracking.uri", "tracking.experiment", "dataset.root", "optimizer.lr", "device.env"])
def test_references_in_a_record_are_not_resolved(own: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "hunter2")
    value: Any = "x-${oc.env:MY_SECRET}"
    foreign(own, {key: {"OMP_NUM_THREADS": value} if key == "device.env" else value})
    with pytest.raises(UserError, match=rf"{key}.*refers to another value") as refused:
        going_on(own, "trust=true")
    assert "hunter2" not in str(refused.value)
    with pytest.raises(UserError, match="refers to another value"):
        load_config(own)


def test_references_in_lists_are_seen_and_texts_with_a_dollar_are_texts(own: Path) -> None:
    foreign(own, {"dataset.missing": ["a", "${seed}"]})
    with pytest.raises(UserError, match=r"dataset\.missing\.1 refers"):
        load_config(own)
    foreign(own, {"dataset.missing": [], "dataset.name": "cheap-\\${20}-$5"})
    assert going_on(own, "trust=true").composed.options.dataset.name == "cheap-${20}-$5"


def test_references_in_a_recorded_command_are_texts(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "hunter2")
    foreign(own, overrides=[*BEGUN_WITH, "tracking.experiment='x-${oc.env:MY_SECRET}'"])
    with pytest.raises(ConfigError) as refused:
        going_on(own, "trust=true", "tracking.experiment=y")
    assert "oc.env:MY_SECRET" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_finished_run_of_anothers_says_its_numbers(own: Path) -> None:
    found = going_on(foreign(own, status="FINISHED", metrics={"val/hmean": 0.5}))
    assert found.is_finished


@pytest.mark.parametrize("name", ["checkpoints", "run.json", "tracking.jsonl", "export/inference.yml"])
def test_links_that_lead_out_are_followed_for_nobody(own: Path, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if name == "run.json":
        (own / name).rename(elsewhere / name)
    (own / name).parent.mkdir(exist_ok=True)
    (own / name).symlink_to(elsewhere / name if name == "run.json" else elsewhere)
    for trust in ([], ["trust=true"]):
        with pytest.raises(UserError, match="is a link that leads out of"):
            going_on(own, *trust)


def test_a_sweeps_run_of_another_machine_goes_on_by_its_command(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign(own, {"device.env": {"PYTHONPATH": "evil"}})
    for name, value in environment_of(own.parent / "other", {}, {}, []).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="trust=true"):
        going_on(own)
    for name, value in environment_of(own, {}, {}, []).items():
        monkeypatch.setenv(name, value)
    found = find_continuation(compose_run([*BEGUN_WITH, f"output={own}", "resume=auto", "seed=4"]))
    assert found is not None
    assert not found.is_own
    assert (found.composed.options.seed, found.composed.options.resume) == (4, "auto")
    assert "PYTHONPATH" not in found.composed.options.device.env


def test_repeating_anothers_run_asks_for_trust_before_a_folder_is_made(own: Path, tmp_path: Path) -> None:
    import plx_train

    foreign(own, {"device.env": {"PYTHONPATH": "evil"}})
    (own / "tracking.jsonl").write_text(json.dumps({"seq": 0, "ms": 0, "kind": "metrics", "step": 1, "values": {}}))
    for trust, said in ((), "trust=true as well"), (("trust=true",), r"sets device\.env\.PYTHONPATH"):
        with pytest.raises(UserError, match=said):
            plx_train.run(["mode=reproduce", f"run={own}", f"output={tmp_path / 'again'}", *trust])
    assert not (tmp_path / "again").exists()
