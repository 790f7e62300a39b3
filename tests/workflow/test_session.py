"""A run's folder: taken before it is written to, and named after what runs."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

import plx_train
from plx_train.config.compose import compose_run
from plx_train.ground.errors import UserError
from plx_train.runs.lock import hold, hold_rank, is_held
from plx_train.workflow.session import open_session

WRITING = ("train", "check_dataset", "evaluate", "export", "predict", "quantize", "benchmark", "reproduce", "suggest")
"""Modes that make a run's folder."""


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != "run.lock"}


@pytest.mark.parametrize("mode", WRITING)
def test_who_comes_second_is_refused_before_anything_is_written(mode: str, tmp_path: Path) -> None:
    first = compose_run(["module=text_det", "dataset=pages", f"output={tmp_path / 'run'}", "seed=1"])
    second = compose_run([f"mode={mode}", "module=image_cls", "dataset=clothes", f"output={tmp_path / 'run'}"])
    with open_session(first) as session:
        assert is_held(session.output)
        before = contents(session.output)
        with pytest.raises(UserError, match="is in use by a run that is going on"), open_session(second):
            pass
        assert contents(session.output) == before == {"config.yaml": first.yaml}
    assert is_held(tmp_path / "run") is False
    with open_session(second):
        assert contents(tmp_path / "run") == {"config.yaml": second.yaml}


def test_the_folder_is_free_after_a_failure(tmp_path: Path) -> None:
    composed = compose_run(["module=text_det", "dataset=pages", f"output={tmp_path}"])
    with pytest.raises(ZeroDivisionError), open_session(composed):
        _ = 1 / 0
    assert is_held(tmp_path) is False


@pytest.mark.parametrize("mode", ["train", "check_dataset"])
def test_a_command_is_refused_as_a_whole(mode: str, tmp_path: Path) -> None:
    with closing(hold(tmp_path)), pytest.raises(UserError, match="is in use"):
        plx_train.run([f"mode={mode}", "module=text_det", "dataset=pages", "device=cpu", f"output={tmp_path}"])
    assert contents(tmp_path) == {}


def test_a_link_in_the_place_of_the_configuration_has_no_other_file_written(tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "bashrc"
    run.mkdir()
    other.write_text("mine")
    (run / "config.yaml").symlink_to(other)
    composed = compose_run(["module=text_det", "dataset=pages", f"output={run}"])
    with open_session(composed):
        assert (run / "config.yaml").read_text() == composed.yaml
    assert other.read_text() == "mine"


def test_a_run_takes_no_sweeps_folder(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text("{}")
    composed = compose_run(["module=text_det", "dataset=pages", f"output={tmp_path}"])
    with pytest.raises(UserError, match="holds a sweep"), open_session(composed):
        pass
    assert set(contents(tmp_path)) == {"sweep.json"}


def test_a_sweep_takes_no_runs_folder(tmp_path: Path) -> None:
    from plx_train.sweep.command import run_sweep

    command = ["module=text_det", "dataset=pages", "device=cpu", "optimizer.lr=1e-3,1e-4", f"output={tmp_path}"]
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UserError, match="holds a run, which a sweep would write over"):
        run_sweep(command, lambda options: "one")
    (tmp_path / "run.json").unlink()
    with closing(hold(tmp_path)), pytest.raises(UserError, match="is in use"):
        run_sweep(command, lambda options: "one")
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    ("subject", "name"), [("ts_forecast", "ts_forecast-predict-"), ("OCR", "OCR-predict-"), ("a b/../c", "a_b_.._c-pr")]
)
def test_a_folder_is_named_after_what_runs(
    subject: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_session(compose_run(["mode=predict", "input=x"]), subject) as session:
        assert session.output.parent == tmp_path / "outputs"
        assert session.output.name.startswith(name)


@pytest.mark.parametrize("place", ["checkpoints", "export/inference.yml", "overlays", "report.html"])
@pytest.mark.parametrize("mode", ["train", "export"])
def test_a_folder_whose_links_lead_out_of_it_is_not_filled(mode: str, place: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / place).parent.mkdir(parents=True)
    (run / place).symlink_to(tmp_path / "elsewhere")
    composed = compose_run([f"mode={mode}", "module=text_det", "dataset=pages", f"output={run}"])
    with pytest.raises(UserError, match="leads out of"), open_session(composed):
        pass
    assert is_held(run) is False


SHARED = ["module=text_det", "dataset=pages", "device=cpu", "device.nodes=2", "device.master=127.0.0.1:9"]


def test_machines_that_share_a_run_write_into_its_folder_one_after_the_other(tmp_path: Path) -> None:
    composed = compose_run([*SHARED, f"output={tmp_path}"])
    first = hold(tmp_path)
    timer = threading.Timer(1.0, first.close)
    timer.start()
    with open_session(composed) as session:
        assert not timer.is_alive(), "it has waited"
        assert is_held(tmp_path), "its data are still to be written"
        session.let_others_in()
        with open_session(composed):
            pass


def test_a_folder_in_which_others_train_is_not_waited_for(tmp_path: Path) -> None:
    composed = compose_run([*SHARED, f"output={tmp_path}"])
    began = time.monotonic()
    with closing(hold_rank(tmp_path)), pytest.raises(UserError, match="is in use"), open_session(composed):
        pass
    assert time.monotonic() - began < 10
