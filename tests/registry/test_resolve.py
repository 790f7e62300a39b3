"""References and the registry behind them: found, fetched, verified; what is wrong in one sentence."""

from __future__ import annotations

import builtins
import importlib
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from kit.promotion import Desk, FakePipeline, make_export, new_store
from plx_train.__main__ import main
from plx_train.ground.errors import UserError
from plx_train.registry import exchange
from plx_train.registry.exchange import LOCK_PREFIX, mutex
from plx_train.registry.resolve import current_version, resolve


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    new_store(folder)
    return folder / "mlflow.db"


@pytest.fixture
def desk(template: Path, tmp_path: Path) -> Desk:
    return Desk(new_store(tmp_path / "store", template), tmp_path)


def tracked_run(desk: Desk, export: Path | None) -> str:
    """A run in the store with the exported folder among its artifacts, as training leaves it."""
    experiment = desk.client.create_experiment("runs", (desk.root / "artifacts").as_uri())
    run_id = desk.client.create_run(experiment, run_name="a run").info.run_id
    if export:
        desk.client.log_artifacts(run_id, str(export), "export/export")
    desk.client.set_terminated(run_id)
    return str(run_id)


@pytest.mark.long
def test_references_lead_to_the_same_files(desk: Desk) -> None:
    export = make_export(desk.root / "run" / "export")
    run_id = tracked_run(desk, export)
    from plx_train.registry.candidate import read_candidate

    assert desk.promote(read_candidate(export, run_id)).ok
    by_alias = resolve("models:/text_det@champion", desk.uri)
    by_number = resolve("models:/text_det/1", desk.uri)
    by_run = resolve(f"runs:/{run_id}", desk.uri)
    by_start = resolve(f"runs:/{run_id[:8]}/export/export", desk.uri)

    assert by_alias.folder == by_number.folder
    assert (by_alias.run_id, by_run.run_id, by_start.run_id) == (run_id,) * 3
    assert (by_number.alias, by_run.version, by_run.name) == (None, None, None)
    assert by_run.folder == by_start.folder != by_alias.folder
    assert desk.client.get_model_version("text_det", "1").run_id == run_id
    for found in (by_alias, by_run):
        assert (found.folder / "inference.pdiparams").read_bytes() == (export / "inference.pdiparams").read_bytes()


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("models:/text_dett@champion", "no model text_dett is registered; did you mean text_det?"),
        ("models:/text_det@champoin", "text_det has no alias champoin; did you mean champion?"),
        ("models:/text_det/9", "text_det has no version 9; there is 1"),
        ("models:/text_det", "write models:/<name>@<alias>"),
        ("models:/text_det/latest", "write models:/<name>@<alias>"),
        ("runs:/", "write models:/<name>@<alias>"),
        ("runs:/0123456789", "run 0123456789 does not exist"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(reference: str, expected: str, desk: Desk) -> None:
    desk.promote(desk.candidate())
    with pytest.raises(UserError) as told:
        resolve(reference, desk.uri)
    assert expected in str(told.value)
    assert "\n" not in str(told.value)


def test_a_run_without_an_export_is_told(desk: Desk) -> None:
    with pytest.raises(UserError, match="holds no exported model among its artifacts"):
        resolve(f"runs:/{tracked_run(desk, None)}", desk.uri)


def test_current_version_is_none_where_there_is_nothing(desk: Desk) -> None:
    assert current_version("text_det", "champion", desk.uri) is None
    desk.promote(desk.candidate())
    assert current_version("text_det", "champion", desk.uri) == "1"
    assert current_version("text_det", "other", desk.uri) is None


def test_damaged_and_missing_files_are_told(desk: Desk) -> None:
    desk.promote(desk.candidate())
    folder = resolve("models:/text_det/1", desk.uri).folder
    (folder / "inference.yml").unlink()
    with pytest.raises(UserError, match="can't be read"):
        resolve("models:/text_det/1", desk.uri)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(UserError, match="not on this machine"):
        resolve("models:/text_det/1", desk.uri)


def test_a_store_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing is registered at .*none\.db"):
        resolve("models:/text_det@champion", f"sqlite:///{tmp_path}/none.db")
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(UserError, match="connection refused") as told:
        current_version("text_det", "champion", "http://127.0.0.1:9")
    assert "\n" not in str(told.value)
    (tmp_path / "text.db").write_text("no database" * 1000)
    with pytest.raises(UserError, match="can't be opened"):
        resolve("models:/text_det@champion", f"sqlite:///{tmp_path}/text.db")


def test_without_mlflow_the_extra_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "mlflow":
            raise ModuleNotFoundError("No module named 'mlflow'", name="mlflow")
        return real(name, *rest)

    from plx_train.registry.access import _open

    _open.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'plx_train\[train\]'"):
        resolve("models:/text_det@champion", desk.uri)


def test_a_lock_is_held_by_one_and_a_dead_ones_is_set_aside(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[int] = []

    def work(number: int) -> None:
        with mutex(desk.client, "m"):
            inside.append(number)
            time.sleep(0.05)
            inside.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]
    assert inside[::2] == inside[1::2]
    assert len(inside) == 8

    monkeypatch.setattr(exchange, "STALE_SECONDS", 0.5)
    monkeypatch.setattr(exchange, "TOMBSTONE_SECONDS", 0.0)
    desk.client.create_registered_model(f"{LOCK_PREFIX}m", tags={"plx.token": "dead"})
    inside.clear()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]
    assert inside[::2] == inside[1::2]
    assert len(inside) == 6
    assert desk.client.search_registered_models() == []


def test_a_lock_that_stays_held_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LONGEST_WAIT_SECONDS", 0.3)
    with mutex(desk.client, "m"), pytest.raises(UserError, match="locked by others"), mutex(desk.client, "m"):
        raise AssertionError("two hold the lock")


def test_a_holder_that_took_too_long_changes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.promote(desk.candidate(0.5))
    monkeypatch.setattr(exchange, "LONGEST_HOLD_SECONDS", -1.0)
    with pytest.raises(UserError, match="too slow"):
        desk.promote(desk.candidate(0.6))
    assert desk.champion() == "1"


@pytest.fixture
def command(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command line in this process with a pipeline that only pretends."""

    def load_pipeline(config: str, device: str = "cpu", models: Any = None, resolve: Any = None) -> FakePipeline:
        assert config == "OCR"
        with pytest.raises(UserError, match=r"no model nothing .* there is text_det"):
            resolve("models:/nothing/1")
        return FakePipeline(Path(models["TextDetection"]))

    # Who keeps the real one by name must have it before: imported later, they would keep the pretence for other tests.
    importlib.import_module("plx_train.workflow.pages")
    importlib.import_module("plx_train.pipelines.freeze")
    monkeypatch.setattr("plx_train.pipelines.load.load_pipeline", load_pipeline)
    monkeypatch.chdir(desk.root)
    return lambda *arguments: main(["mode=promote", f"tracking.uri={desk.uri}", *arguments])


def test_the_command_promotes_refuses_tells_and_goes_back(desk: Desk, command: Any, capsys: Any) -> None:
    make_export(desk.root / "a" / "export", 0.8)
    make_export(desk.root / "b" / "export", 0.7)
    make_export(desk.root / "c" / "export", 0.9)

    assert command("history=true") == 0
    assert command("run=a", "alias=champion") == 0
    assert command("run=b") == 1
    told = capsys.readouterr()
    assert told.err.startswith("error: text_det@champion is not moved to version 2, it stays at version 1: metric: ")
    assert told.err.count("\n") == 1
    assert "nothing was promoted yet" in told.out
    for name in ("metric", "parity", "pipeline", "latency"):
        assert name in told.out
    assert command("run=c/export") == 0
    assert command("run=models:/text_det/2", "force=true", "reason=it's (for, now) [urgent]") == 0
    assert command("rollback=true", "reason=enough") == 0
    assert desk.champion() == "3"
    assert command("delete=3") == 1
    assert command("delete=2") == 0
    capsys.readouterr()
    assert command("history=true") == 0
    table = capsys.readouterr().out
    assert len([line for line in table.splitlines() if "text_det" in line]) == 7
    assert "it's (for, now) [urgent]" in table
    assert "metric FAILS (candidate 0.7, champion 0.8)" in table
    assert command("history=true", "registered=other") == 0
    assert "nothing was promoted" in capsys.readouterr().out


WRONG = {
    "no run": ([], "run=", 2),
    "force without a reason": (["run=x", "force=true"], "reason=", 2),
    "force with an empty one": (["run=x", "force=true", "reason=  "], "reason=", 2),
    "reserved alias": (["run=x", "alias=latest"], "alias=latest", 2),
    "alias with a slash": (["run=x", "alias=a/b"], "alias=a/b", 2),
    "two commands": (["history=true", "rollback=true"], "history and rollback", 2),
    "misspelt key": (["histroy=true"], "did you mean 'history'?", 2),
    "misspelt key of the section": (["promote.aliass=x"], "did you mean 'promote.alias'?", 2),
    "no number": (["delete=first"], "delete=first", 2),
    "nothing to go back to": (["rollback=true"], "points nowhere", 1),
    "no such run": (["run=nothing-here"], "nothing-here", 1),
    "nothing to delete": (["delete=4"], "no version 4", 1),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_users_mistake_is_one_sentence(case: str, command: Any, capsys: Any) -> None:
    arguments, expected, code = WRONG[case]
    assert command(*arguments) == code
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert expected in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("pipeline=OCRR", "pipeline=OCRR does not exist; did you mean OCR?"),
        ("part=TextDetektion", "the pipeline OCR has no part TextDetektion"),
    ],
)
def test_a_misspelt_pipeline_is_told_before_anything_is_registered(
    given: str, expected: str, desk: Desk, command: Any, capsys: Any
) -> None:
    make_export(desk.root / "a" / "export", 0.8)
    assert command("run=a", given) == 2
    assert desk.client.search_registered_models() == []
    assert command("run=a") == 0
    capsys.readouterr()

    # No gate would ask: the alias stands on it already.
    assert command("run=a", given) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and expected in told and told.count("\n") == 1


def test_an_unreachable_store_is_told_by_the_command(desk: Desk, command: Any, capsys: Any) -> None:
    make_export(desk.root / "a" / "export", 0.8)
    for arguments in (["run=a"], ["history=true"], ["rollback=true"], ["delete=1"], ["run=models:/m@a"]):
        assert command(*arguments, "tracking.uri=http://127.0.0.1:9") == 1
        told = capsys.readouterr().err
        assert "connection refused" in told
        assert told.count("\n") == 1
