"""The folder of a sweep that somebody else made: its runs lie in it, and no database is asked that it names."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from plx_train.ground.errors import UserError
from plx_train.runs.trial import prune, read_reports
from plx_train.sweep.command import run_sweep
from plx_train.sweep.history import best_run, load_record, open_recorded, read_settings, write_settings
from plx_train.sweep.live import LiveJob, job_folder
from plx_train.sweep.order import order, settings_of
from plx_train.sweep.study import JOBS, Study

COMMAND = ["module=text_det", "dataset=pages", "device=cpu", "optimizer.lr=1e-3,1e-4"]


@pytest.mark.parametrize("name", ["/home/you/.ssh", "../../..", "trials/007", "/tmp/sweep/trials/007", "007"])
def test_a_run_lies_below_its_sweep_whatever_the_study_says(name: str, tmp_path: Path) -> None:
    if name == "../../..":
        with pytest.raises(UserError, match="no plain name"):
            job_folder(tmp_path, name)
        return
    assert job_folder(tmp_path, name).parent == tmp_path / "trials"


def test_a_run_behind_a_link_that_leads_out_is_not_gone_on_with(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep"
    (sweep / "trials").mkdir(parents=True)
    (sweep / "trials" / "000").symlink_to(tmp_path)
    with pytest.raises(UserError, match="leads out of"):
        LiveJob.from_json({"folder": str(sweep / "trials" / "000")}, sweep)


def test_a_word_to_a_run_has_no_other_file_written(tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    run.mkdir()
    other.write_text("mine")
    (run / "pruned").symlink_to(other)
    prune(run, "behind")
    assert other.read_text() == "mine"
    assert (run / "pruned").read_text() == "behind\n"


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep whose trials are in a database, and whose one run is said to lie elsewhere."""
    monkeypatch.chdir(tmp_path)
    folder, storage = tmp_path / "sweep", f"sqlite:///{tmp_path}/study.db"
    ordered = order([*COMMAND, f"output={folder}", f"sweep.storage={storage}"])
    with closing(Study(folder, folder.name, storage, ordered.objectives)) as study:
        write_settings(folder, settings_of(ordered, folder, ["cpu:0"]))
        asked = study.ask(ordered.space)
        assert asked is not None
        job = {"folder": "/etc/007", "seed": None, "slot": "", "spans": [], "values": [1.0], "run_id": None}
        asked[0].set_user_attr(JOBS, [job | {"steps": 1, "epochs": 1.0, "planned_epochs": 1.0}])
    return folder


def test_a_database_that_a_foreign_folder_names_is_not_asked(sweep: Path, tmp_path: Path) -> None:
    assert load_record(sweep).trials[0].jobs[0].folder == sweep / "trials" / "007"
    settings = json.loads((sweep / "sweep.json").read_text())
    settings["storage"] = f"sqlite:///{tmp_path}/made.db"
    (sweep / "sweep.json").write_text(json.dumps(settings))
    with pytest.raises(UserError, match=r"made\.db as the place of its trials.*trust=true"):
        load_record(sweep)
    assert not (tmp_path / "made.db").exists()
    open_recorded(sweep, known=settings["storage"]).close()
    open_recorded(sweep, trust=True).close()


@pytest.mark.parametrize("reading", [load_record, best_run, open_recorded])
def test_a_journal_that_leads_elsewhere_is_not_written(reading: Callable[[Path], object], tmp_path: Path) -> None:
    folder = _handed_over(tmp_path)
    with pytest.raises(UserError, match="leads out of"):
        reading(folder)
    assert not (tmp_path / "profile").exists()


@pytest.mark.parametrize("has_sweep", [True, False])
def test_a_sweep_is_not_gone_on_with_where_a_link_leads_out(has_sweep: bool, tmp_path: Path) -> None:
    folder = _handed_over(tmp_path)
    if not has_sweep:
        (folder / "sweep.json").unlink()
        (folder / "study.journal").unlink()
        (folder / "trials").mkdir()
        (folder / "trials" / "000").symlink_to(tmp_path / "profile")
    with pytest.raises(UserError, match="leads out of"):
        run_sweep([*COMMAND, f"output={folder}"], lambda options: "")
    assert not (tmp_path / "profile").exists()


def _handed_over(tmp_path: Path) -> Path:
    """A folder that says it holds a sweep, whose journal would be written where its maker wants."""
    folder = tmp_path / "sweep"
    folder.mkdir()
    settings = {"sweep_id": "$(touch x)", "storage": None, "objectives": [["", "minimize"]]}
    names = ("command", "sampler", "pruner", "keys", "prefixes", "fixed", "num_trials", "slots", "seeds")
    write_settings(folder, settings | dict.fromkeys(names))
    (folder / "study.journal").symlink_to(tmp_path / "profile")
    return folder


@pytest.mark.parametrize(
    "content", ["[1]", "{}", "null", '{"sweep_id": 3, "storage": null, "objectives": []}', "[" * 90_000]
)
def test_settings_of_other_kinds_are_no_sweep(content: str, tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text(content)
    with pytest.raises(UserError, match="holds no sweep"):
        open_recorded(tmp_path)


@pytest.mark.timeout(20)
def test_a_pipe_holds_no_reader_up(tmp_path: Path) -> None:
    for name in ("sweep.json", "reports.jsonl"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(UserError, match="holds no sweep"):
        read_settings(tmp_path)
    assert read_reports(tmp_path) == []


def test_a_password_that_a_former_version_recorded_is_put_away(tmp_path: Path) -> None:
    folder = _handed_over(tmp_path)
    settings = json.loads((folder / "sweep.json").read_text())
    settings["fixed"] = ["tracking.uri=postgresql://me:hunter22@h/runs"]
    (folder / "sweep.json").write_text(json.dumps(settings))
    assert read_settings(folder)["fixed"] == ["tracking.uri=postgresql://me@h/runs"]
